"""JSON Web Tokens, read and verified (RS256, RS384, RS512, ES256, ES384, ES512).  RFC 7515, RFC 7518."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, SECP384R1, SECP521R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tule.core.errors import ServiceError
from tule.services.sts import errors

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES = {"P-256": SECP256R1(), "P-384": SECP384R1(), "P-521": SECP521R1()}
_CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


@dataclass(slots=True, frozen=True)
class Token:
    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @property
    def issuer(self) -> str:
        issuer = self.claims["iss"]
        return issuer if "://" in issuer else f"https://{issuer}"

    @property
    def subject(self) -> str:
        return self.claims["sub"]

    @property
    def audiences(self) -> tuple[str, ...]:
        audience = self.claims["aud"]
        return tuple(audience) if isinstance(audience, list) else (audience,)

    def signed_by(self, keys: Sequence[dict[str, Any]]) -> bool:
        """Whether one of these JSON Web Keys made the signature: the one that the header names, or any."""
        named = [key for key in keys if key.get("kid") == self.header.get("kid")]
        return any(self._verifies(key) for key in (named or keys))

    def _verifies(self, key: dict[str, Any]) -> bool:
        algorithm = self.header.get("alg", "")
        if key.get("kty") == "RSA" and algorithm[:2] == "RS" and algorithm[2:] in _HASHES:
            return self._verifies_rsa(key, algorithm)
        if key.get("kty") == "EC" and _CURVE_OF.get(algorithm) == key.get("crv"):
            return self._verifies_ec(key, algorithm)
        return False

    def _verifies_rsa(self, key: dict[str, Any], algorithm: str) -> bool:
        public = RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
        try:
            public.verify(self.signature, self.signed, PKCS1v15(), _HASHES[algorithm[2:]])
        except InvalidSignature:
            return False
        return True

    def _verifies_ec(self, key: dict[str, Any], algorithm: str) -> bool:
        public = EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), _CURVES[key["crv"]]).public_key()
        half = len(self.signature) // 2
        signature = encode_dss_signature(int.from_bytes(self.signature[:half]), int.from_bytes(self.signature[half:]))
        try:
            public.verify(signature, self.signed, ECDSA(_HASHES[algorithm[2:]]))
        except InvalidSignature:
            return False
        return True


def parse(text: str) -> Token:
    """Raises InvalidIdentityToken.  Nothing is verified yet."""
    parts = text.split(".")
    if len(parts) != 3:
        raise _not_a_token()
    try:
        header, claims = (orjson.loads(_decoded(part)) for part in parts[:2])
        token = Token(header, claims, f"{parts[0]}.{parts[1]}".encode(), _decoded(parts[2]))
    except (binascii.Error, ValueError) as error:
        raise _not_a_token() from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _not_a_token()
    for name in ("iss", "sub", "aud"):
        if not claims.get(name):
            raise errors.invalid_identity_token(f"Missing a required claim: {name}")
    return token


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(part: str) -> int:
    return int.from_bytes(_decoded(part))


def _not_a_token() -> ServiceError:
    return errors.invalid_identity_token("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
