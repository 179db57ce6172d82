"""The installation's certificate authority: certificates for AWS's names that sandboxed functions trust.

Its key stays in the data directory, readable by the node alone; its certificate is in the trust stores of instances and
nowhere else, so that no other program on the host is asked to believe it.

A leaf stands for all names of one domain (`*.us-east-1.amazonaws.com`), as bucket hosts are without number.
"""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME_DAYS = 3650
LEAF_DAYS = 820  # longer-lived leaves are refused by some clients
RENEW_BEFORE_DAYS = LEAF_DAYS
MAX_CONTEXTS = 256


_HTTP2_LABELS = frozenset({"kinesis", "data-kinesis", "control-kinesis"})


class Authority:
    """Made at the first start, then read.  `certificate_pem` is what an instance trusts."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key, self._certificate = _load(directory) or _make(directory)
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: dict[tuple[str, tuple[str, ...]], ssl.SSLContext] = {}

    @property
    def certificate_pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def server_context(self) -> ssl.SSLContext:
        """TLS for a listener: each connection gets the certificate of the name it asks for (SNI)."""

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name:
                connection.context = self._context(_domain(name.lower()), _protocols(name.lower()))

        outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        outer.set_alpn_protocols(["http/1.1"])
        self._load_leaf(outer, "localhost")
        outer.sni_callback = choose
        return outer

    def _context(self, name: str, protocols: tuple[str, ...]) -> ssl.SSLContext:
        found = self._contexts.get((name, protocols))
        if found is None:
            if len(self._contexts) >= MAX_CONTEXTS:
                self._contexts.clear()
            found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            found.set_alpn_protocols(list(protocols))
            self._load_leaf(found, name)
            self._contexts[name, protocols] = found
        return found

    def _load_leaf(self, context: ssl.SSLContext, name: str) -> None:
        """ssl reads certificates from files only."""
        path = self._directory / f"leaf-{os.getpid()}.pem"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_private_pem(self._leaf_key))
            file.write(self._leaf(name).public_bytes(serialization.Encoding.PEM))
            file.write(self.certificate_pem)
        try:
            context.load_cert_chain(path)
        finally:
            path.unlink()

    def _leaf(self, name: str) -> x509.Certificate:
        names = [x509.DNSName(name), *([x509.DNSName(name[2:])] if name.startswith("*.") else [])]
        return (
            _builder(_subject(name[-64:]), self._certificate.subject, self._leaf_key.public_key(), LEAF_DAYS)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _domain(name: str) -> str:
    """What the certificate for `name` says: clients take a wildcard for one label, below a domain of at least two."""
    _, dot, parent = name.partition(".")
    return f"*.{parent}" if dot and "." in parent else name


def _protocols(name: str) -> tuple[str, ...]:
    """What is offered under a name: HTTP/2 where AWS offers it and clients insist on it, which is Kinesis."""
    return ("h2", "http/1.1") if _HTTP2_LABELS & set(name.split(".")) else ("http/1.1",)


def _load(directory: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
    path = directory / "authority.pem"
    if not path.exists():
        return None
    data = path.read_bytes()
    key = serialization.load_pem_private_key(data, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(data)
    if certificate.not_valid_after_utc - timedelta(days=RENEW_BEFORE_DAYS) < datetime.now(UTC):
        path.unlink(missing_ok=True)
        return None
    return key, certificate


def _make(directory: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject("Tule local authority")
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(subject, subject, key.public_key(), LIFETIME_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _keep(directory, key, certificate)


def _keep(directory: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Of two nodes that start together, the first one's authority is both's."""
    path = directory / "authority.pem"
    unfinished = directory / f"authority.pem.{os.getpid()}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
    try:
        os.link(unfinished, path)
    except FileExistsError:
        return _load(directory) or (key, certificate)
    finally:
        unfinished.unlink()
    return key, certificate


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    """Validity is of the wall clock, as whoever checks it sees it."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
