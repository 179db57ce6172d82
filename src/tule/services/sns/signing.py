"""The signature by which a receiver knows that a message is SNS's, and the certificate that proves it.

One key for an installation, made when the first message is signed and kept in the store, so that all nodes sign alike and
what was signed before a restart still verifies.
AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tule.platform.node import Node
from tule.services.sns.paths import CERTIFICATES
from tule.store.documents import Documents
from tule.store.store import Tx

NAME = "sns.amazonaws.com"
KEY_BITS = 2048
_KEYS = Documents("sns.signing-key")
_YEARS = 20
_KEPT = 64
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def string_to_sign(document: Mapping[str, Any]) -> str:
    """Names and values of the signed members, each on a line of its own, in the order of their names."""
    names = _NOTIFICATION if document["Type"] == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{document[name]}\n" for name in names if document.get(name) is not None)


class Signer:
    def __init__(self, key: rsa.RSAPrivateKey, certificate: bytes) -> None:
        self._key = key
        self.certificate = certificate
        self.name = hashlib.md5(certificate, usedforsecurity=False).hexdigest()
        self._made: dict[str, str] = {}

    def sign(self, document: Mapping[str, Any], version: str) -> str:
        """SHA-1 for version 1, SHA-256 for version 2.  It is the same for all subscribers, so the latest are kept."""
        text = version + string_to_sign(document)
        made = self._made.get(text)
        if made is not None:
            return made
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
        signature = base64.b64encode(self._key.sign(text[1:].encode(), padding.PKCS1v15(), algorithm)).decode()
        if len(self._made) >= _KEPT:
            self._made = {}
        self._made[text] = signature
        return signature

    def certificate_url(self, base: str) -> str:
        return f"{base}{CERTIFICATES}{self.name}.pem"


class Signing:
    """The node's signer, read or made when it is first needed."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._signer: Signer | None = None
        self._making = asyncio.Lock()

    async def signer(self) -> Signer:
        if self._signer is None:
            async with self._making:
                if self._signer is None:
                    self._signer = await self._open()
        return self._signer

    def forget(self) -> None:
        """After a reset."""
        self._signer = None

    async def _open(self) -> Signer:
        kept = await self._node.store.read(_kept)
        if kept is None:
            made = await asyncio.to_thread(_make, self._node.clock.now_ms())
            kept = await self._node.store.write(lambda tx: _keep(tx, made))
        key = serialization.load_pem_private_key(kept["key"].encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return Signer(key, kept["certificate"].encode())


def _kept(tx: Tx) -> dict[str, Any] | None:
    return _KEYS.get(tx, "", "", "key")


def _keep(tx: Tx, made: dict[str, Any]) -> dict[str, Any]:
    """Of two nodes that make one at once, the first wins."""
    _KEYS.create(tx, "", "", "key", made)
    return _kept(tx) or made


def _make(now_ms: int) -> dict[str, str]:
    key = rsa.generate_private_key(65537, KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=365))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return {
        "key": key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode(),
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }
