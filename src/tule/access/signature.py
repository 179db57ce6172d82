"""Signature Version 4: the key of a day, the string to sign, and whether a request carries the signature it should.

    signature = HMAC(key, "AWS4-HMAC-SHA256" / date / scope / SHA-256(canonical request))
    key       = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request")

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from tule.access.canonical import canonical_path, canonical_query, canonical_request, unnormalized_path
from tule.access.credential import Scope
from tule.access.refusals import Family, bad_signature, s3_mismatch
from tule.wire.http import Request

EMPTY_SHA256 = sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = hmac.digest(b"AWS4" + secret.encode(), date.encode(), "sha256")
    key = hmac.digest(key, region.encode(), "sha256")
    key = hmac.digest(key, service.encode(), "sha256")
    return hmac.digest(key, b"aws4_request", "sha256")


def string_to_sign(date: str, scope: Scope, canonical_request: bytes) -> bytes:
    return f"AWS4-HMAC-SHA256\n{date}\n{scope.text}\n{sha256(canonical_request).hexdigest()}".encode()


def check(request: Request, kind: Family, scope: Scope, key: bytes, date: str, payload: str, signature: str, *, presigned: bool = False) -> None:
    """Raise the family's SignatureDoesNotMatch unless `signature` is right.

    `date` is the time in the request (`20240501T120000Z`), `payload` the body's hash as signed.
    """
    if not signature.isascii():
        signature = ""
    without = ("X-Amz-Signature",) if presigned else ()
    query = canonical_query(request.query, without=without) if request.query else ""
    canonical = canonical_request(request, kind, scope, query, payload)
    text = string_to_sign(date, scope, canonical)
    if hmac.compare_digest(hmac.digest(key, text, "sha256").hex(), signature):
        return
    if _differs_only_in_form(request, kind, scope, key, date, payload, signature, without):
        return
    raise s3_mismatch(scope.access_key, text, signature, canonical) if kind is Family.S3 else bad_signature(kind)


def _differs_only_in_form(
    request: Request, kind: Family, scope: Scope, key: bytes, date: str, payload: str, signature: str, without: tuple[str, ...]
) -> bool:
    """Whether the request was signed in another form of the same meaning: `+` for a space, a path that is
    not normalized, a session token that was added afterwards."""
    paths = [canonical_path(request.path, kind)]
    if kind is not Family.S3:
        paths.append(unnormalized_path(request.path))
    queries = [canonical_query(request.query, without=without)]
    if "+" in request.query:
        queries.append(canonical_query(request.query, without=without, plus_is_space=True))
    if without and "X-Amz-Security-Token=" in request.query:
        queries.append(canonical_query(request.query, without=(*without, "X-Amz-Security-Token")))
    for path in paths:
        for query in queries:
            canonical = canonical_request(request, kind, scope, query, payload, path)
            if hmac.compare_digest(hmac.digest(key, string_to_sign(date, scope, canonical), "sha256").hex(), signature):
                return True
    return False
