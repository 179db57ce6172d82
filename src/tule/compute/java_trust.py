"""What Java functions trust: the host's authorities and the installation's own, in the one form that every JVM reads.

Other runtimes read a bundle of certificates that an environment variable names; Java knows no such variable.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import tempfile
import warnings
from pathlib import Path

FILE = "cacerts.p12"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def trust_store(authority: Path, data: Path) -> Path:
    """A directory with FILE in it, made when the host's authorities or our own (`authority` is its directory) are new."""
    from tule.compute.network.authority import Authority  # costs a tenth of a node's start, and is not needed for it

    bundle = Path(ssl.get_default_verify_paths().cafile or _BUNDLE)
    trusted = (bundle.read_bytes() if bundle.is_file() else b"") + Authority(authority).certificate_pem
    directory = data / "java" / hashlib.sha256(trusted).hexdigest()[:16]
    if not (directory / FILE).is_file():
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory / FILE, _store(_CERTIFICATE.findall(trusted)))
    return directory


def _store(certificates: list[bytes]) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import NoEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

    entries: list[PKCS12Certificate] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hosts carry certificates that are older than today's rules
        for number, pem in enumerate(certificates):
            try:
                entries.append(PKCS12Certificate(x509.load_pem_x509_certificate(pem), b"authority-%d" % number))
            except ValueError:
                continue  # one that cannot be read is trusted by nobody
        return serialize_java_truststore(entries, NoEncryption())


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, however many nodes start."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    unfinished = Path(name)
    unfinished.chmod(0o644)
    unfinished.replace(path)
