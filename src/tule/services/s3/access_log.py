"""The lines of server access logs.  Pure but for the call.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, unquote_plus

from tule.platform.call import Call
from tule.services.s3 import names
from tule.services.s3.state.buckets import Bucket
from tule.wire.http import Request, Response

_NONE = "-"
_RESOURCES = {
    "AbortMultipartUpload": "UPLOAD",
    "CompleteMultipartUpload": "UPLOAD",
    "CreateMultipartUpload": "UPLOADS",
    "DeleteObjects": "MULTI_OBJECT_DELETE",
    "GetBucketLocation": "LOCATION",
    "ListMultipartUploads": "UPLOADS",
    "ListObjectVersions": "BUCKETVERSIONS",
    "ListObjects": "BUCKET",
    "ListObjectsV2": "BUCKET",
    "ListParts": "UPLOAD",
    "RestoreObject": "OBJECT_RESTORE",
    "UploadPart": "PART",
    "UploadPartCopy": "PART",
    "CopyObject": "OBJECT",
}
_OF_BUCKETS = {
    "AccelerateConfiguration": "ACCELERATE",
    "Acl": "ACL",
    "Cors": "CORS",
    "Encryption": "ENCRYPTION",
    "LifecycleConfiguration": "LIFECYCLE",
    "Lifecycle": "LIFECYCLE",
    "Logging": "LOGGING_STATUS",
    "NotificationConfiguration": "NOTIFICATION",
    "OwnershipControls": "OWNERSHIP_CONTROLS",
    "Policy": "BUCKETPOLICY",
    "PolicyStatus": "POLICY_STATUS",
    "Replication": "REPLICATION",
    "RequestPayment": "REQUEST_PAYMENT",
    "Tagging": "TAGGING",
    "Versioning": "VERSIONING",
    "Website": "WEBSITE",
}
_VERB = re.compile(r"(?:Get|Put|Delete|Head|Create|List|Post)(.*)")
_ERROR_CODE = re.compile(rb"<Code>([^<]*)</Code>")


def line(call: Call, bucket: Bucket, request: Request, response: Response, elapsed_s: float) -> str:
    """One request, as a log tells of it, with its line feed."""
    key = _key(request, bucket.name)
    took = str(max(1, round(elapsed_s * 1000)))
    fields = (
        names.canonical_id(bucket.account),
        bucket.name,
        datetime.fromtimestamp(call.now_ms / 1000, UTC).strftime("[%d/%b/%Y:%H:%M:%S +0000]"),
        call.source_ip,
        _requester(call),
        call.id,
        _operation(call, request),
        key or _NONE,
        _quoted(f"{request.method} {request.path}{'?' + request.query if request.query else ''} HTTP/1.1"),
        str(response.status),
        _error_code(response),
        _sent(request, response),
        _size(request, response),
        took,
        took,
        _quoted(request.headers.get("referer", _NONE)),
        _quoted(request.headers.get("user-agent", _NONE)),
        response.headers.get("x-amz-version-id", _NONE),
        names.host_id(call.id),
        *_signature(call),
        request.host or _NONE,
        "TLSv1.3" if request.scheme == "https" else _NONE,
        bucket.point.arn if bucket.point is not None else _NONE,
        _NONE,
    )
    return " ".join(fields) + "\n"


def _operation(call: Call, request: Request) -> str:
    return f"REST.{'COPY' if call.operation == 'CopyObject' else request.method}.{_resource(call.operation)}"


def _resource(operation: str) -> str:
    if operation in _RESOURCES:
        return _RESOURCES[operation]
    match = _VERB.fullmatch(operation)
    rest = match[1] if match else operation
    if rest.startswith("Bucket"):
        what = rest.removeprefix("Bucket")
        return _OF_BUCKETS.get(what, _spelled(what) if what else "BUCKET")
    return _spelled(rest)


def _spelled(name: str) -> str:
    """`ObjectTagging` is OBJECT_TAGGING."""
    return "_".join(re.findall("[A-Z][a-z0-9]*", name)).upper()


def _key(request: Request, bucket: str) -> str:
    """The key, percent-encoded twice over where it holds what separates fields, as S3 does it."""
    path = request.path.removeprefix("/")
    first, _, rest = path.partition("/")
    return quote(unquote_plus(rest if first == bucket else path), safe="/-_.~!*'()")


def _requester(call: Call) -> str:
    principal = call.principal
    if principal.kind == "anonymous":
        return _NONE
    if principal.kind == "root":
        return names.canonical_id(principal.account)
    return principal.arn


def _error_code(response: Response) -> str:
    if response.status < 400 or not isinstance(response.body, bytes):
        return _NONE
    match = _ERROR_CODE.search(response.body)
    return match[1].decode() if match else _NONE


def _sent(request: Request, response: Response) -> str:
    if request.method == "HEAD":
        return _NONE
    length = len(response.body) if isinstance(response.body, bytes) else int(response.headers.get("content-length", "0"))
    return str(length) if length else _NONE


def _size(request: Request, response: Response) -> str:
    """Of the object: all of it, where only a range was sent."""
    if response.status >= 300:
        return _NONE
    if "content-range" in response.headers:
        return response.headers["content-range"].rpartition("/")[2]
    if request.method == "PUT":
        return request.headers.get("x-amz-decoded-content-length") or request.headers.get("content-length", _NONE)
    return response.headers.get("content-length", _NONE) if request.method in ("GET", "HEAD") else _NONE


def _signature(call: Call) -> tuple[str, str, str]:
    """Signature version, cipher suite, authentication type."""
    if call.principal.kind == "anonymous":
        return _NONE, _NONE, _NONE
    authorization = call.headers.get("authorization", "")
    version = "SigV2" if authorization.startswith("AWS ") else "SigV4"
    return version, _NONE, "AuthHeader" if authorization else "QueryString"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "%22") + '"'
