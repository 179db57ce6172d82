"""How imported key material travels: wrapped for a public key that was made for it, beside a token that knows the private one.

Nothing of it is kept: the token is the private key and what it is for, sealed.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html
"""

from __future__ import annotations

import base64
from typing import NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from tule.services.kms import errors
from tule.services.kms.sealing import Sealer

_SCOPE = "an import token"


class Token(NamedTuple):
    """`algorithm` is the API's WrappingAlgorithm."""

    key_arn: str
    algorithm: str
    private: bytes
    valid_to_ms: int


def make(key_arn: str, algorithm: str, spec: str, valid_to_ms: int) -> tuple[bytes, Token]:
    """A public key, in DER, and what the token has to know.  Takes long for the larger specs."""
    private = rsa.generate_private_key(65537, int(spec[4:]))
    der = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return public, Token(key_arn, algorithm, der, valid_to_ms)


def sealed(box: Sealer, token: Token, nonce: bytes) -> bytes:
    text = orjson.dumps([token.key_arn, token.algorithm, base64.b64encode(token.private).decode(), token.valid_to_ms])
    return box.seal(text, _SCOPE, nonce)


def opened(box: Sealer, text: bytes) -> Token:
    """Raises InvalidImportTokenException."""
    try:
        arn, algorithm, private, valid_to_ms = orjson.loads(box.open(text, _SCOPE))
    except (InvalidTag, ValueError) as error:
        raise errors.invalid_import_token() from error
    return Token(arn, algorithm, base64.b64decode(private), valid_to_ms)


def unwrap(token: Token, wrapped: bytes) -> bytes:
    """The key material.  Raises InvalidCiphertextException."""
    private = serialization.load_der_private_key(token.private, None)
    assert isinstance(private, rsa.RSAPrivateKey)
    digest = hashes.SHA1() if token.algorithm.endswith("_SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    try:
        if not token.algorithm.startswith("RSA_AES"):
            return private.decrypt(wrapped, oaep)
        length = private.key_size // 8
        return aes_key_unwrap_with_padding(private.decrypt(wrapped[:length], oaep), wrapped[length:])
    except (ValueError, InvalidUnwrap) as error:
        raise errors.invalid_ciphertext() from error
