"""Listing the current objects of a bucket.  AWS: S3 API reference, ListObjects, ListObjectsV2."""

from __future__ import annotations

from urllib.parse import quote

from tule.platform.call import Call
from tule.platform.service import Params, named, reads
from tule.services.s3 import checksums, errors, names, restoring, walk
from tule.services.s3.state import buckets, objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Listed
from tule.services.s3.walk import Page, Start
from tule.store.store import Tx

_MAX_KEYS = 1000


@reads
def list_objects(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    marker = params.get("Marker", "")
    start = _after(marker, params) if marker else Start("", True)
    page, result = _page(tx, bucket, params, start)
    result |= {"Marker": shown(marker, params)}
    with_owner = call.principal.kind != "anonymous"
    result["Contents"] = [_entry(item, params, with_owner=with_owner) for item in page.items]
    if page.truncated and params.get("Delimiter") and page.last is not None:
        result["NextMarker"] = shown(page.last, params)
    return result


@named("ListObjectsV2")
@reads
def list_objects_v2(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    scope = f"ListObjectsV2 {bucket.id} {params.get('Prefix', '')} {params.get('Delimiter', '')}"
    page, result = _page(tx, bucket, params, _start(call, scope, params))
    result["KeyCount"] = len(page.items) + len(page.prefixes)
    result["Contents"] = [_entry(item, params, with_owner=params.get("FetchOwner", False)) for item in page.items]
    if "ContinuationToken" in params:
        result["ContinuationToken"] = params["ContinuationToken"]
    if "StartAfter" in params:
        result["StartAfter"] = shown(params["StartAfter"], params)
    if page.truncated:
        result["NextContinuationToken"] = call.node.pager.token(scope, page.last)
    return result


def _start(call: Call, scope: str, params: Params) -> Start:
    """A continuation token wins over start-after."""
    token = params.get("ContinuationToken")
    if token:
        return _after(call.node.pager.after(scope, token, lambda: errors.bad_continuation_token(token)), params)
    marker = params.get("StartAfter")
    return Start(marker, False) if marker else Start("", True)


def _after(marker: str, params: Params) -> Start:
    return walk.start_after(marker, params.get("Prefix", ""), params.get("Delimiter", ""))


def _page(tx: Tx, bucket: Bucket, params: Params, start: Start) -> tuple[Page[Listed], Params]:
    """The page, and what both versions of the call answer with."""
    prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
    limit = max_keys(params)
    if limit:
        page = walk.one_page(lambda at, end, count: objects.listed(tx, bucket, at, end, count), prefix, delimiter, start, limit)
    else:
        page = Page[Listed]([], [], False, None)
    result: Params = {"Name": bucket.name, "Prefix": shown(prefix, params), "MaxKeys": limit, "IsTruncated": page.truncated}
    if delimiter:
        result["Delimiter"] = shown(delimiter, params)
    if "EncodingType" in params:
        result["EncodingType"] = params["EncodingType"]
    if page.prefixes:
        result["CommonPrefixes"] = [{"Prefix": shown(each, params)} for each in page.prefixes]
    return page, result


def max_keys(params: Params, name: str = "MaxKeys", argument: str = "max-keys") -> int:
    """Raises InvalidArgument when it is negative; more than a page is a page."""
    wanted = params.get(name, _MAX_KEYS)
    if not 0 <= wanted <= 2**31 - 1:
        raise errors.invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647", argument, str(wanted))
    return min(wanted, _MAX_KEYS)


def shown(text: str, params: Params) -> str:
    """Percent-encoded when the client asked for it, so that any key survives XML."""
    return quote(text, safe="/-_.*") if params.get("EncodingType") == "url" else text


def _entry(item: Listed, params: Params, *, with_owner: bool) -> Params:
    entry: Params = {
        "Key": shown(item.key, params),
        "LastModified": item.modified_ms // 1000,
        "ETag": f'"{item.etag}"',
        "Size": item.size,
        "StorageClass": item.storage_class,
    }
    if item.checksum:
        algorithm, kind, _ = checksums.parse(item.checksum)
        entry["ChecksumAlgorithm"] = [algorithm]
        entry["ChecksumType"] = kind
    if "RestoreStatus" in (params.get("OptionalObjectAttributes") or ()):
        entry |= restoring.listed(item.storage_class, item.restored)
    if with_owner:
        entry["Owner"] = names.owner(item.owner)
    return entry
