"""The tasks of a batch job: lines of a CSV object, of an inventory's files, or found by a filter.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/specify-batchjob-manifest.html
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

import orjson

from tule.core import arn
from tule.platform.call import Call
from tule.services.s3 import names, replication
from tule.services.s3.control.batch import rules
from tule.services.s3.control.batch.state import Task
from tule.services.s3.state import ageing, buckets, objects
from tule.services.s3.state.ageing import Aged
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx

_PAGE = 500
Row = tuple[str, str, str]  # bucket, key, version


class Unreadable(Exception):
    """Why there are no tasks: a code and a sentence, for DescribeJob."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def tasks(call: Call, request: Mapping[str, Any]) -> AsyncIterator[list[Task]]:
    """All tasks in pages, numbered from 1.  Raises Unreadable, and ServiceError for what the role may not read."""
    number, held = 0, list[Task]()
    async for row in _rows(call, request):
        number += 1
        held.append(Task(number, *row))
        if len(held) == _PAGE:
            yield held
            held = []
    if held:
        yield held


async def _rows(call: Call, request: Mapping[str, Any]) -> AsyncIterator[Row]:
    if "ManifestGenerator" in request:
        async for row in _found(call, request["ManifestGenerator"]["S3JobManifestGenerator"]):
            yield row
        return
    spec, where = request["Manifest"]["Spec"], request["Manifest"]["Location"]
    is_inventory = spec["Format"] == rules.INVENTORY
    body = await _object(call, where["ObjectArn"], where.get("ObjectVersionId"), where["ETag"])
    source = _inventory(call, body) if is_inventory else _lines(body, spec["Fields"])
    async for row in source:
        yield row


async def _object(call: Call, where: str, version: str | None, etag: str) -> AsyncIterator[bytes]:
    bucket, _, key = arn.parse(where).resource.partition("/")
    params = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
    found = await _get(call, params)
    if found["ETag"].strip('"') != etag.strip('"'):
        raise Unreadable("ManifestETagMismatch", f"The manifest's entity tag is not {etag}.")
    return _pieces(found.get("Body", b""))


async def _get(call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
    return await call.node.dispatcher.invoke("s3", "GetObject", params, principal=call.principal, region=call.region)


async def _pieces(body: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield piece


async def _lines(body: AsyncIterator[bytes], fields: Sequence[str]) -> AsyncIterator[Row]:
    rest = b""
    async for piece in body:
        *whole, rest = (rest + piece).split(b"\n")
        for row in _parsed(b"\n".join(whole), fields):
            yield row
    for row in _parsed(rest, fields):
        yield row


def _parsed(text: bytes, fields: Sequence[str]) -> Iterator[Row]:
    """Keys are URL-encoded.  A version that is missing, or `null`, is said so by an empty one."""
    try:
        lines = csv.reader(io.StringIO(text.decode()))
        for values in lines:
            if not values:
                continue
            if len(values) < len(fields):
                raise Unreadable("InvalidManifest", f"Line {','.join(values)[:80]!r} has {len(values)} fields, not {len(fields)}.")
            named = dict(zip(fields, values, strict=False))
            yield named["Bucket"], unquote_plus(named["Key"]), named.get("VersionId", "")
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable("InvalidManifest", f"The manifest cannot be read: {error}") from error


async def _inventory(call: Call, body: AsyncIterator[bytes]) -> AsyncIterator[Row]:
    """The files of an inventory's `manifest.json`."""
    try:
        manifest = orjson.loads(b"".join([piece async for piece in body]))
        fields = [name.strip() for name in manifest["fileSchema"].split(",")]
        bucket, keys = arn.parse(manifest["destinationBucket"]).resource, [each["key"] for each in manifest["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable("InvalidManifest", "The manifest is not that of an inventory.") from error
    for key in keys:
        found = await _get(call, {"Bucket": bucket, "Key": key})
        data = b"".join([piece async for piece in _pieces(found.get("Body", b""))])
        for row in _parsed(gzip.decompress(data), fields):
            yield row


# By a filter.


async def _found(call: Call, generator: Mapping[str, Any]) -> AsyncIterator[Row]:
    name = arn.parse(generator["SourceBucket"]).resource
    bucket = await call.node.store.read(lambda tx: buckets.get(tx, name))
    if bucket.account != call.account or generator.get("ExpectedBucketOwner", bucket.account) != bucket.account:
        raise Unreadable("ManifestGeneratorInaccessible", f"The bucket {name} is not the account's own.")
    given, after = generator.get("Filter") or {}, ""
    while True:
        page = await call.node.store.read(lambda tx, after=after: _page(tx, bucket, given, after))
        if page is None:
            return
        after, rows = page
        for row in rows:
            yield row


def _page(tx: Tx, bucket: Bucket, given: Mapping[str, Any], after: str) -> tuple[str, list[Row]] | None:
    found = ageing.current_after(tx, bucket, after, "", names.after_all_with(""), _PAGE)
    if not found:
        return None
    kept = [each for each in found if not each.marker and _passes(tx, bucket, given, each)]
    return found[-1].key, [(bucket.name, each.key, "" if each.version == objects.NULL else each.version) for each in kept]


def _passes(tx: Tx, bucket: Bucket, given: Mapping[str, Any], each: Aged) -> bool:
    at = each.modified_ms / 1000
    by_name = given.get("KeyNameConstraint") or {}
    statuses, classes = given.get("ObjectReplicationStatuses"), given.get("MatchAnyStorageClass")
    return (
        given.get("CreatedAfter", 0) <= at <= given.get("CreatedBefore", float("inf"))
        and given.get("ObjectSizeGreaterThanBytes", -1) < each.size < given.get("ObjectSizeLessThanBytes", float("inf"))
        and (not statuses or (each.replication or "NONE") in statuses)
        and (not classes or each.storage_class in classes)
        and _any(by_name.get("MatchAnyPrefix"), each.key.startswith)
        and _any(by_name.get("MatchAnySuffix"), each.key.endswith)
        and _any(by_name.get("MatchAnySubstring"), each.key.__contains__)
        and (not given.get("EligibleForReplication") or _is_eligible(tx, bucket, each))
    )


def _any(wanted: Sequence[str] | None, fits: Any) -> bool:
    return not wanted or any(fits(text) for text in wanted)


def _is_eligible(tx: Tx, bucket: Bucket, each: Aged) -> bool:
    version = objects.version(tx, bucket, each.key, each.version)
    return version is not None and version.replication != replication.REPLICA and bool(replication.rules_for(bucket, version))
