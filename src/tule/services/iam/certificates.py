"""X.509 certificates and keys as clients upload them.  The library for them is loaded when the first one comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tule.core.errors import ServiceError

if TYPE_CHECKING:
    from cryptography import x509


def parsed(pem: str) -> x509.Certificate:
    """Raises MalformedCertificate."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise malformed("Unable to parse certificate. Please ensure the certificate is in PEM format.") from error


def check_chain(pem: str) -> None:
    from cryptography import x509

    try:
        x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise malformed("Unable to parse certificate chain. Please ensure the certificate chain is in PEM format.") from error


def check_pair(certificate: x509.Certificate, private_key: str) -> None:
    """Raises MalformedCertificate, KeyPairMismatch."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise malformed("Unable to parse private key. Please ensure the private key is in PEM format and is not encrypted.") from error
    of_key = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    of_certificate = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if of_key != of_certificate:
        raise ServiceError("KeyPairMismatch", "Certificate public key and private key do not match.", 400)


def malformed(message: str) -> ServiceError:
    return ServiceError("MalformedCertificate", message, 400)
