"""Signature Version 4A: asymmetric, for several regions at once; CloudFront's KeyValueStore and S3's multi-region access points.

The canonical request is Version 4's; the scope has no region (the header `x-amz-region-set` says which); the signature is
ECDSA on P-256 under a key that both sides derive from the secret (NIST SP 800-108, counter mode).
AWS: "AWS Signature Version 4A", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tule.access.canonical import canonical_query, canonical_request
from tule.access.credential import Scope, fields_of
from tule.access.refusals import Family, bad_signature, incomplete, s3_mismatch
from tule.wire.http import Request

ALGORITHM = "AWS4-ECDSA-P256-SHA256"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def of_header(authorization: str, kind: Family) -> tuple[Scope, str]:
    """The scope (its region is empty) and the signature in hex; raises ServiceError for what cannot be read."""
    fields = fields_of(authorization.removeprefix(ALGORITHM))
    parts = fields.get("Credential", "").rsplit("/", 3)
    if len(parts) != 4 or parts[3] != "aws4_request" or not fields.get("SignedHeaders") or not fields.get("Signature"):
        message = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters, the credential as keyid/date/service/term."
        raise incomplete(kind, message)
    access_key, date, service, _ = parts
    signed = fields["SignedHeaders"]
    scope = Scope(access_key, date, "", service, f"{date}/{service}/aws4_request", tuple(signed.lower().split(";")), signed)
    return scope, fields["Signature"]


def check(request: Request, kind: Family, scope: Scope, secret: str, date: str, payload: str, signature: str) -> None:
    """Raises the family's SignatureDoesNotMatch unless `signature` is right."""
    canonical = canonical_request(request, kind, scope, canonical_query(request.query), payload)
    text = f"{ALGORITHM}\n{date}\n{scope.text}\n{sha256(canonical).hexdigest()}".encode()
    try:
        public_key(scope.access_key, secret).verify(bytes.fromhex(signature), text, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError) as error:
        refusal = s3_mismatch(scope.access_key, text, signature, canonical) if kind is Family.S3 else bad_signature(kind)
        raise refusal from error


@lru_cache(maxsize=1024)
def public_key(access_key: str, secret: str) -> ec.EllipticCurvePublicKey:
    for counter in range(1, 255):
        fixed = b"\x00\x00\x00\x01" + ALGORITHM.encode() + b"\x00" + access_key.encode() + bytes([counter]) + b"\x00\x00\x01\x00"
        candidate = int.from_bytes(hmac.digest(b"AWS4A" + secret.encode(), fixed, "sha256"))
        if candidate <= _ORDER - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1()).public_key()
    raise ValueError("no key can be derived")
