"""Signature Version 2 of S3: old pre-signed URLs (`AWSAccessKeyId`, `Expires`, `Signature`) and `Authorization: AWS key:signature`.

    signature = Base64(HMAC-SHA1(secret, method / Content-MD5 / Content-Type / date / x-amz headers + resource))

Other services have never known this form; their own Version 2 is refused.
AWS: "Signing and authenticating REST requests (AWS signature version 2)" (S3 user guide).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from tule.access.refusals import s3_mismatch
from tule.core.errors import ServiceError
from tule.wire.http import Request

_SUBRESOURCES = frozenset(
    {
        "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging", "metrics",
        "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment", "response-cache-control",
        "response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type",
        "response-expires", "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId",
        "versioning", "versions", "website",
    }
)  # fmt: skip
_BYTES = "latin-1"  # what is signed are bytes: a query's are held as a header's are, one character each


@dataclass(slots=True, frozen=True)
class SignatureV2:
    """`expires_s` is the end of a pre-signed URL's life in seconds since the epoch; None for a header's signature."""

    access_key: str
    signature: str
    expires_s: int | None
    token: str


def of_query(request: Request) -> SignatureV2:
    """Raises AccessDenied where a part is missing."""
    found = _query(request)
    if not all(found.get(name) for name in ("AWSAccessKeyId", "Signature", "Expires")):
        text = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        raise ServiceError("AccessDenied", text, 403)
    expires = found["Expires"]
    if not (expires.isascii() and expires.isdigit()):
        raise ServiceError("AccessDenied", f"Invalid date (should be seconds since epoch): {expires}", 403)
    token = found.get("x-amz-security-token") or request.headers.get("x-amz-security-token", "")
    return SignatureV2(found["AWSAccessKeyId"], found["Signature"], int(expires), token)


def headers_in_query(request: Request) -> dict[str, str]:
    """What a pre-signed URL carries of headers, metadata above all: they count as if they were sent."""
    found = {name.lower(): value for name, value in _query(request).items()}
    return {name: value for name, value in found.items() if name.startswith("x-amz-") and name != "x-amz-security-token"}


def of_header(request: Request, authorization: str) -> SignatureV2:
    """Raises InvalidArgument where it is not `AWS key:signature`."""
    access_key, colon, signature = authorization.removeprefix("AWS ").strip().rpartition(":")
    if not colon or not access_key or not signature:
        text = "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"
        raise ServiceError("InvalidArgument", text, 400, fields={"ArgumentName": "Authorization", "ArgumentValue": authorization})
    return SignatureV2(access_key, signature, None, request.headers.get("x-amz-security-token", ""))


def check(request: Request, signed: SignatureV2, secret: str) -> None:
    """Raises SignatureDoesNotMatch.  A virtual host's bucket belongs to the resource, so each reading of the host is tried."""
    texts = [_string_to_sign(request, signed, resource) for resource in _resources(request)]
    given = signed.signature.encode()
    if not any(hmac.compare_digest(signature_of(secret, text), given) for text in texts):
        raise s3_mismatch(signed.access_key, texts[0], signed.signature)


def signature_of(secret: str, text: bytes) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha1"))


def _string_to_sign(request: Request, signed: SignatureV2, resource: str) -> bytes:
    headers = request.headers
    query = _query(request) if signed.expires_s is not None else {}
    amz = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    amz |= {name.lower(): value for name, value in query.items() if name.lower().startswith("x-amz-")}
    lines = [request.method]
    lines += [headers.get(name, query.get(name, "")) for name in ("content-md5", "content-type")]
    lines.append(_date(request, signed))
    lines += [f"{name}:{amz[name].strip()}" for name in sorted(amz)]
    lines.append(resource)
    return "\n".join(lines).encode("latin-1", "replace")


def _date(request: Request, signed: SignatureV2) -> str:
    if signed.expires_s is not None:
        return str(signed.expires_s)
    return "" if "x-amz-date" in request.headers else request.headers.get("date", "")


def _resources(request: Request) -> Iterator[str]:
    parts: list[str] = []
    for part in request.query.split("&"):
        name, equals, value = part.partition("=")
        if name in _SUBRESOURCES:
            parts.append(f"{name}={unquote(value, _BYTES)}" if equals else name)
    suffix = "?" + "&".join(sorted(parts)) if parts else ""
    yield request.path + suffix
    if request.path.count("/") == 1:
        yield f"{request.path}/{suffix}"  # a bucket is signed with a slash behind it, sent or not
    labels = request.host.rpartition(":")[0].split(".") if ":" in request.host else request.host.split(".")
    for count in range(1, min(len(labels), 10)):
        yield f"/{'.'.join(labels[:count])}{request.path}{suffix}"


def _query(request: Request) -> dict[str, str]:
    pairs = (part.partition("=") for part in request.query.split("&"))
    return {unquote(name, _BYTES): unquote(value, _BYTES) for name, _, value in pairs}
