"""Conditional requests.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.errors import ServiceError
from tule.services.s3 import errors


def _names(header: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match header names this (unquoted) entity tag."""
    if header.strip() == "*":
        return True
    return any(part.strip().removeprefix("W/").strip('"') == etag for part in header.split(","))


def check_read(params: Mapping[str, Any], etag: str, modified_ms: int, not_modified: ServiceError) -> None:
    """Of GET and HEAD: entity tags take precedence over dates, and failing beats not modified (RFC 7232)."""
    modified = modified_ms // 1000
    if (wanted := params.get("IfMatch")) is not None:
        if not _names(wanted, etag):
            raise errors.precondition_failed("If-Match")
    elif (since := params.get("IfUnmodifiedSince")) is not None and modified > since:
        raise errors.precondition_failed("If-Unmodified-Since")
    if (unwanted := params.get("IfNoneMatch")) is not None:
        if _names(unwanted, etag):
            raise not_modified
    elif (since := params.get("IfModifiedSince")) is not None and modified <= since:
        raise not_modified


def check_copy_source(params: Mapping[str, Any], etag: str, modified_ms: int, now_ms: int) -> None:
    """Of CopyObject and UploadPartCopy: the same precedence, but every failure is 412."""
    modified = modified_ms // 1000
    if (wanted := params.get("CopySourceIfMatch")) is not None:
        if not _names(wanted, etag):
            raise errors.precondition_failed("x-amz-copy-source-If-Match")
    elif (since := params.get("CopySourceIfUnmodifiedSince")) is not None and modified > since:
        raise errors.precondition_failed("x-amz-copy-source-If-Unmodified-Since")
    if (unwanted := params.get("CopySourceIfNoneMatch")) is not None:
        if _names(unwanted, etag):
            raise errors.precondition_failed("x-amz-copy-source-If-None-Match")
    elif (since := params.get("CopySourceIfModifiedSince")) is not None and modified <= since and since * 1000 <= now_ms:
        raise errors.precondition_failed("x-amz-copy-source-If-Modified-Since")


def check_write_headers(params: Mapping[str, Any]) -> None:
    """What writes accept: `If-None-Match: *` or `If-Match: <etag>`.  Raises S3's 501."""
    unwanted, wanted = params.get("IfNoneMatch"), params.get("IfMatch")
    if unwanted is not None and wanted is not None:
        raise errors.header_not_implemented("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
    if unwanted is not None and unwanted != "*":
        raise errors.header_not_implemented("If-None-Match", "We don't accept the provided value of If-None-Match header for this API")
    if wanted == "*":
        raise errors.header_not_implemented("If-Match", "We don't accept the provided value of If-Match header for this API")


def check_write(params: Mapping[str, Any], key: str, etag: str | None) -> None:
    """`etag` is the current version's, None when there is no object or only a delete marker."""
    if params.get("IfNoneMatch") is not None and etag is not None:
        raise errors.precondition_failed("If-None-Match")
    if (wanted := params.get("IfMatch")) is not None:
        if etag is None:
            raise errors.no_such_key(key)
        if wanted.strip('"') != etag:
            raise errors.precondition_failed("If-Match")


def check_delete(params: Mapping[str, Any], key: str, etag: str | None) -> None:
    """`If-Match` of DeleteObject: an entity tag, or `*` for anything that is there."""
    wanted = params.get("IfMatch")
    if wanted is None:
        return
    if etag is None:
        raise errors.no_such_key(key)
    if not _names(wanted, etag):
        raise errors.precondition_failed("If-Match")


def check_read_headers(headers: Mapping[str, str]) -> None:
    """Encryption is asked for by writes alone.  Raises InvalidArgument."""
    name = "x-amz-server-side-encryption"
    if name in headers:
        raise errors.invalid_argument(f"{name} header is not supported for this operation.", name, headers[name])
