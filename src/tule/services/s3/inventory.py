"""Inventories: lists of a bucket's objects, written each day or each Sunday at midnight UTC into another bucket.

Data files are gzipped CSV without a head, of at most 100,000 lines each; `manifest.json` names them, `manifest.checksum` is its MD5,
and `symlink.txt` serves Hive.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html and
storage-inventory-location.html
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from tule.access.principal import aws_service
from tule.backbone.delivery import Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, cancel, enqueue
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.s3 import lifecycle, names, object_lock
from tule.services.s3.lifecycle import DAY_MS, Subject
from tule.services.s3.state import ageing, buckets
from tule.services.s3.state.ageing import Aged
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx
from tule.wire.http import Body

KIND = "s3-inventory"
_SERVICE = "s3.amazonaws.com"
_PAGE = 500
_LINES = 100_000
_SUNDAY = 6
_RETRY_MS = 60_000

log = logging.getLogger("tule.s3")


class Line:
    """A version as an inventory shows it."""

    def __init__(self, bucket: Bucket, version: Aged, *, latest: bool) -> None:
        self.bucket = bucket
        self.version = version
        self.latest = latest
        self.headers: Mapping[str, Any] = orjson.loads(version.headers)
        self.lock = object_lock.parse(version.lock)


def _encryption(line: Line) -> str:
    if line.version.marker:
        return ""
    if "SSECustomerAlgorithm" in line.headers:
        return "SSE-C"
    return {"aws:kms": "SSE-KMS", "aws:kms:dsse": "DSSE-KMS"}.get(line.headers.get("ServerSideEncryption", ""), "SSE-S3")


def _expires(line: Line) -> str:
    version = line.version
    if version.marker or not line.latest:
        return ""
    subject = Subject(version.key, version.size, version.tags, version.storage_class, version.modified_ms)
    due = lifecycle.expiration(lifecycle.rules_of(line.bucket.config), subject)
    return "" if due is None else iso8601(due.at_ms)


def _said(value: object) -> str:
    return "true" if value else "false"


_FIELDS: Mapping[str, Callable[[Line], str]] = {
    "Bucket": lambda line: line.bucket.name,
    "Key": lambda line: quote(line.version.key, safe="/"),
    "VersionId": lambda line: "" if line.version.version == "null" else line.version.version,
    "IsLatest": lambda line: _said(line.latest),
    "IsDeleteMarker": lambda line: _said(line.version.marker),
    "Size": lambda line: "" if line.version.marker else str(line.version.size),
    "LastModifiedDate": lambda line: iso8601(line.version.modified_ms),
    "ETag": lambda line: line.version.etag,
    "StorageClass": lambda line: line.version.storage_class,
    "IsMultipartUploaded": lambda line: _said("-" in line.version.etag),
    "ReplicationStatus": lambda line: line.version.replication or "",
    "EncryptionStatus": _encryption,
    "ObjectLockRetainUntilDate": lambda line: iso8601(line.lock.until_ms) if line.lock.mode else "",
    "ObjectLockMode": lambda line: line.lock.mode,
    "ObjectLockLegalHoldStatus": lambda line: line.lock.hold,
    "IntelligentTieringAccessTier": lambda line: "FREQUENT" if line.version.storage_class == "INTELLIGENT_TIERING" else "",
    "BucketKeyStatus": lambda line: "ENABLED" if line.headers.get("BucketKeyEnabled") else "DISABLED" if "SSEKMSKeyId" in line.headers else "",
    "ChecksumAlgorithm": lambda line: line.version.checksum.partition(":")[0],
    "ObjectAccessControlList": lambda line: "",
    "ObjectOwner": lambda line: names.canonical_id(line.version.owner),
    "LifecycleExpirationDate": _expires,
}


def fields(configuration: Mapping[str, Any]) -> list[str]:
    """The columns of a configuration's lists."""
    versions = ["VersionId", "IsLatest", "IsDeleteMarker"] if configuration["IncludedObjectVersions"] == "All" else []
    return ["Bucket", "Key", *versions, *(configuration.get("OptionalFields") or ())]


# When.


def schedule(tx: Tx, bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """The next list of a configuration that was set; none when it is disabled."""
    if configuration["IsEnabled"]:
        _enqueue(tx, bucket, configuration)
    else:
        cancel(tx, _name(bucket, configuration["Id"]))


def _enqueue(tx: Tx, bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    payload = {"bucket": bucket.name, "id": bucket.id, "inventory": configuration["Id"]}
    due_ms = next_run(tx.now_ms, configuration["Schedule"]["Frequency"])
    name = _name(bucket, configuration["Id"])
    enqueue(tx, Job(KIND, bucket.arn, bucket.account, bucket.region, payload, due_ms=due_ms, max_attempts=20, name=name))


def _name(bucket: Bucket, id: str) -> str:
    return f"{KIND}:{bucket.id}:{id}"


def next_run(now_ms: int, frequency: str) -> int:
    at = lifecycle.midnight_after(now_ms)
    if frequency == "Weekly":
        at += (_SUNDAY - datetime.fromtimestamp(at / 1000, UTC).weekday()) % 7 * DAY_MS
    return at


# What.


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """Writes the list, then plans the next one; what the destination refuses is left out until then, as S3 does."""
    found = await node.store.read(lambda tx: _found(tx, delivery.payload))
    if found is None:
        return Done()
    bucket, configuration = found
    try:
        await _Inventory(node, bucket, configuration).write()
    except ServiceError as error:
        if error.status >= 500 and delivery.attempt < delivery.max_attempts:
            return Retry(error.message, delay_ms=_RETRY_MS, code=error.code)
        log.warning("The inventory %s of %s could not be written: %s", configuration["Id"], bucket.name, error.message)
    await node.store.write(lambda tx: _again(tx, delivery.payload))
    return Done()


def _found(tx: Tx, payload: Mapping[str, Any]) -> tuple[Bucket, Mapping[str, Any]] | None:
    bucket = buckets.find(tx, payload["bucket"])
    if bucket is None or bucket.id != payload["id"]:
        return None
    configuration = (bucket.config.get("Inventory") or {}).get(payload["inventory"])
    return None if configuration is None or not configuration["IsEnabled"] else (bucket, configuration)


def _again(tx: Tx, payload: Mapping[str, Any]) -> None:
    found = _found(tx, payload)
    if found is not None:
        _enqueue(tx, *found)


class _Inventory:
    def __init__(self, node: Node, bucket: Bucket, configuration: Mapping[str, Any]) -> None:
        self._node = node
        self._bucket = bucket
        self._configuration = configuration
        self._fields = fields(configuration)
        self._to: Mapping[str, Any] = configuration["Destination"]["S3BucketDestination"]
        prefix = self._to.get("Prefix", "").strip("/")
        self._root = f"{prefix}/{bucket.name}/{configuration['Id']}" if prefix else f"{bucket.name}/{configuration['Id']}"

    async def write(self) -> None:
        """Data first, so that a manifest names only what is there."""
        now_ms = self._node.clock.now_ms()
        files: list[dict[str, Any]] = []
        async for data in self._files():
            key = f"{self._root}/data/{self._node.ids.uuid()}.csv.gz"
            await self._put(key, data, "application/gzip")
            files.append({"key": key, "size": len(data), "MD5checksum": hashlib.md5(data, usedforsecurity=False).hexdigest()})
        manifest = orjson.dumps(self._manifest(now_ms, files), option=orjson.OPT_INDENT_2)
        at = datetime.fromtimestamp(now_ms / 1000, UTC)
        await self._put(f"{self._root}/{at:%Y-%m-%dT%H-%MZ}/manifest.json", manifest, "application/json")
        checksum = hashlib.md5(manifest, usedforsecurity=False).hexdigest().encode()
        await self._put(f"{self._root}/{at:%Y-%m-%dT%H-%MZ}/manifest.checksum", checksum, "text/plain")
        links = "\n".join(f"s3://{arns.parse(self._to['Bucket']).resource}/{each['key']}" for each in files).encode()
        await self._put(f"{self._root}/hive/dt={at:%Y-%m-%d-%H-%M}/symlink.txt", links, "text/plain")

    def _manifest(self, now_ms: int, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            "sourceBucket": self._bucket.name,
            "destinationBucket": self._to["Bucket"],
            "version": "2016-11-30",
            "creationTimestamp": str(now_ms),
            "fileFormat": self._to["Format"],
            "fileSchema": ", ".join(self._fields),
            "files": files,
        }

    async def _files(self) -> AsyncIterator[bytes]:
        """Gzipped lines; a bucket without objects has none."""
        text, count = io.StringIO(), 0
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        async for page in self._pages():
            for line in page:
                writer.writerow([_FIELDS[field](line) for field in self._fields])
                count += 1
            if count >= _LINES:
                yield gzip.compress(text.getvalue().encode(), mtime=0)
                text.seek(0)
                text.truncate()
                count = 0
        if count:
            yield gzip.compress(text.getvalue().encode(), mtime=0)

    async def _pages(self) -> AsyncIterator[list[Line]]:
        after = ""
        while True:
            last, page = await self._node.store.read(lambda tx, after=after: self._page(tx, after))
            if last is None:
                return
            yield page
            after = last

    def _page(self, tx: Tx, after: str) -> tuple[str | None, list[Line]]:
        """Its last key, and its lines."""
        prefix = (self._configuration.get("Filter") or {}).get("Prefix", "")
        found = ageing.current_after(tx, self._bucket, after, prefix, names.after_all_with(prefix), _PAGE)
        if not found:
            return None, []
        with_versions = self._configuration["IncludedObjectVersions"] == "All"
        older = ageing.noncurrent_between(tx, self._bucket, after, found[-1].key, prefix) if with_versions else {}
        return found[-1].key, list(self._lines(found, older, with_versions=with_versions))

    def _lines(self, found: Sequence[Aged], older: Mapping[str, Sequence[Aged]], *, with_versions: bool) -> Iterator[Line]:
        for version in found:
            if with_versions or not version.marker:
                yield Line(self._bucket, version, latest=True)
            for each in older.get(version.key, ()):
                yield Line(self._bucket, each, latest=False)

    async def _put(self, key: str, data: bytes, content_type: str) -> None:
        """As S3 itself: the destination's policy must let it in."""
        params: dict[str, Any] = {"Bucket": arns.parse(self._to["Bucket"]).resource, "Key": key, "Body": Body.of(data), "ContentType": content_type}
        asked: Mapping[str, Any] = self._to.get("Encryption") or {}
        if "SSEKMS" in asked:
            params |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": asked["SSEKMS"]["KeyId"]}
        elif "SSES3" in asked:
            params["ServerSideEncryption"] = "AES256"
        principal = aws_service(_SERVICE, self._bucket.account, self._bucket.arn)
        await self._node.dispatcher.invoke("s3", "PutObject", params, principal=principal, region=self._bucket.region)
