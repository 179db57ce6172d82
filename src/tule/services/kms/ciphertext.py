"""What a symmetric key makes of a plaintext: a blob that names the key and its material.

    version, whether the key is a multi-region key, the key's id (16 bytes), the material's (16), a salt (16), a nonce (12),
    and AES-256-GCM's text and tag

Each blob is encrypted under a key of its own, derived from the material and the salt, so that no number of them wears the
material out.  Header and encryption context are additional authenticated data.
AWS: https://docs.aws.amazon.com/kms/latest/cryptographic-details/crypto-primitives.html
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from tule.services.kms import errors

_VERSION = 1
_MULTI_REGION = 1
_RANDOM_BYTES = 28
_HEADER_BYTES = 2 + 16 + 16
_OVERHEAD_BYTES = _HEADER_BYTES + _RANDOM_BYTES + 16
MATERIAL_DIGITS = 32  # of a material's id in a blob


class Sealed(NamedTuple):
    """A blob, taken apart."""

    key_id: str
    material: str  # the beginning of the material's id
    header: bytes
    salt: bytes
    nonce: bytes
    text: bytes


def header_of(key_id: str, material_id: str) -> bytes:
    """The same for all blobs of one material."""
    digits = key_id.removeprefix("mrk-").replace("-", "")
    flags = _MULTI_REGION if key_id.startswith("mrk-") else 0
    return bytes((_VERSION, flags)) + bytes.fromhex(digits) + bytes.fromhex(material_id[:MATERIAL_DIGITS])


def encrypt(secret: bytes, header: bytes, random: bytes, plaintext: bytes, context: Mapping[str, str] | None) -> bytes:
    """`random` is 28 bytes drawn for this."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = hmac.digest(secret, random[:16], "sha256")
    return header + random + AESGCM(key).encrypt(random[16:], plaintext, _authenticated(header, context))


def parse(blob: bytes) -> Sealed:
    """Raises InvalidCiphertextException."""
    if len(blob) < _OVERHEAD_BYTES or blob[0] != _VERSION or blob[1] > _MULTI_REGION:
        raise errors.invalid_ciphertext()
    digits = blob[2:18].hex()
    multi = blob[1] & _MULTI_REGION
    key_id = f"mrk-{digits}" if multi else f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    random = blob[_HEADER_BYTES : _HEADER_BYTES + _RANDOM_BYTES]
    return Sealed(key_id, blob[18:34].hex(), blob[:_HEADER_BYTES], random[:16], random[16:], blob[_HEADER_BYTES + _RANDOM_BYTES :])


def decrypt(secret: bytes, sealed: Sealed, context: Mapping[str, str] | None) -> bytes:
    """Raises InvalidCiphertextException."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = hmac.digest(secret, sealed.salt, "sha256")
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.text, _authenticated(sealed.header, context))
    except InvalidTag as error:
        raise errors.invalid_ciphertext() from error


def _authenticated(header: bytes, context: Mapping[str, str] | None) -> bytes:
    """The context in the order of its keys, each text with its length before it."""
    if not context:
        return header
    parts = [header]
    for name, value in sorted(context.items()):
        for text in (name.encode(), value.encode()):
            parts.append(len(text).to_bytes(4))
            parts.append(text)
    return b"".join(parts)
