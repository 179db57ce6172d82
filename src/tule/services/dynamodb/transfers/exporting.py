"""Exports of tables to buckets, as AWS lays them out: manifests, and data files of compressed lines.

A step reads as many items as fill a data file, puts it, and records it together with where the next step begins; so an export
goes on where it was when a node dies, and its memory is a file's.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

from __future__ import annotations

import asyncio
import gzip
from base64 import b64encode
from collections.abc import Iterator
from hashlib import blake2b, md5
from typing import Any, NamedTuple

import orjson

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.dynamodb import keys, pins, recovery
from tule.services.dynamodb.state import changed_items
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.state.items import START, Position
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.transfers import buckets, ion_writing
from tule.services.dynamodb.transfers.buckets import Bucket
from tule.services.dynamodb.transfers.filtering import Filter
from tule.services.dynamodb.transfers.records import EXPORT_FILES, EXPORTS, Record
from tule.store.store import Tx

KIND = "dynamodb.export"
FILE_BYTES = 8 << 20  # of lines, before they are compressed
PAGE = 500
FULL = "FULL_EXPORT"
INCREMENTAL = "INCREMENTAL_EXPORT"
ION = "ION"
_VERSION = "2020-06-30"
_FAILURES = {"NoSuchBucket": "S3NoSuchBucket", "AccessDenied": "S3AccessDenied"}


def failure_code(error: ServiceError) -> str:
    """What S3 said, as DynamoDB calls it."""
    return _FAILURES.get(error.code, error.code)


class _Lines(NamedTuple):
    """A data file's lines, how many items they are and how many bytes the items have, and where the next file begins."""

    data: bytes
    items: int
    size: int
    after: Position | None


def begin(tx: Tx, account: str, region: str, record: Record) -> None:
    """Enqueue the first step."""
    _next(tx, account, region, record, START, 0)


def _next(tx: Tx, account: str, region: str, record: Record, after: Position, file: int) -> None:
    payload = {"export": record["number"], "hash": after.hash.hex(), "range": after.range.hex(), "file": file}
    target = record["shown"]["TableArn"]
    enqueue(tx, Job(KIND, target, account, region, payload, max_attempts=20, backoff_cap_ms=60_000, name=f"{KIND} {record['number']}"))


async def work(node: Node, job: Delivery) -> Outcome:
    """A step."""
    export = _Export(node, job)
    record = await node.store.read(export.record)
    if record is None or record["shown"]["ExportStatus"] != "IN_PROGRESS":
        return Done()
    try:
        await export.step(record)
    except ServiceError as error:
        if error.status >= 500:
            raise
        refused = error
        await node.store.write(lambda tx: export.fail(tx, refused))
    return Done()


class _Export:
    def __init__(self, node: Node, job: Delivery) -> None:
        self._node = node
        self._job = job
        self._number: str = job.payload["export"]
        self._after = Position(bytes.fromhex(job.payload["hash"]), bytes.fromhex(job.payload["range"]))
        self._file: int = job.payload["file"]

    def record(self, tx: Tx) -> Record | None:
        return EXPORTS.get(tx, self._job.account, self._job.region, self._number)

    async def step(self, record: Record) -> None:
        shown = record["shown"]
        bucket = self._bucket(shown)
        if self._file == 0:
            await bucket.put(f"{_folder(record)}_started", b"", **buckets.encryption(shown))
        lines = await self._node.store.snapshot(lambda tx: _lines(tx, record, self._after))
        file: dict[str, Any] | None = await self._put(bucket, record, lines) if lines.items or self._file == 0 else None
        if lines.after is not None:
            after = lines.after
            await self._node.store.write(lambda tx: self._go_on(tx, lines, file, after))
            return
        ended_ms = self._node.clock.now_ms()
        files = [one for _, one in await self._node.store.read(self._files)] + ([] if file is None else [file])
        record = _grown(record, lines)
        await self._put_manifests(bucket, record, files, ended_ms)
        await self._node.store.write(lambda tx: self._end(tx, record, ended_ms))

    def _bucket(self, shown: Record) -> Bucket:
        return Bucket(self._node, self._job.account, self._job.region, shown["S3Bucket"], shown.get("S3BucketOwner"))

    def _files(self, tx: Tx) -> list[tuple[str, Record]]:
        return EXPORT_FILES.page(tx, self._job.account, self._job.region, prefix=f"{self._number}/")

    async def _put(self, bucket: Bucket, record: Record, lines: _Lines) -> dict[str, Any]:
        shown = record["shown"]
        packed, digest = await asyncio.to_thread(_packed, lines.data)
        name = blake2b(f"{self._number}/{self._file}".encode(), digest_size=16).hexdigest()[:26]
        key = f"{_data_folder(record)}{name}.{'ion' if shown['ExportFormat'] == ION else 'json'}.gz"
        etag = await bucket.put(key, packed, **buckets.encryption(shown))
        return {"itemCount": lines.items, "md5Checksum": digest, "etag": etag, "dataFileS3Key": key}

    def _go_on(self, tx: Tx, lines: _Lines, file: dict[str, Any] | None, after: Position) -> None:
        job = self._job
        record = self.record(tx)
        if record is None or EXPORT_FILES.get(tx, job.account, job.region, self._file_key()) is not None:
            return  # delivered twice
        record = _grown(record, lines)
        EXPORTS.put(tx, job.account, job.region, self._number, record)
        if file is not None:
            EXPORT_FILES.put(tx, job.account, job.region, self._file_key(), file)
        _next(tx, job.account, job.region, record, after, self._file + 1)

    def _file_key(self) -> str:
        return f"{self._number}/{self._file:08d}"

    async def _put_manifests(self, bucket: Bucket, record: Record, files: list[dict[str, Any]], ended_ms: int) -> None:
        shown, folder = record["shown"], _folder(record)
        listed = b"".join(orjson.dumps(file) + b"\n" for file in files)
        summary = orjson.dumps(_summary(record, ended_ms))
        for name, data in (("manifest-files", listed), ("manifest-summary", summary)):
            await bucket.put(f"{folder}{name}.json", data, **buckets.encryption(shown))
            await bucket.put(f"{folder}{name}.md5", _md5(data).encode(), **buckets.encryption(shown))

    def _end(self, tx: Tx, record: Record, ended_ms: int) -> None:
        manifest = f"{_folder(record)}manifest-summary.json"
        self._close(tx, record, {"ExportStatus": "COMPLETED", "EndTime": ended_ms / 1000, "ExportManifest": manifest})

    def fail(self, tx: Tx, error: ServiceError) -> None:
        record = self.record(tx)
        if record is not None:
            ended = {"ExportStatus": "FAILED", "EndTime": tx.now_ms / 1000, "FailureCode": failure_code(error), "FailureMessage": error.message}
            self._close(tx, record, ended)

    def _close(self, tx: Tx, record: Record, ended: Record) -> None:
        job = self._job
        EXPORTS.put(tx, job.account, job.region, self._number, {**record, "shown": {**record["shown"], **ended}})
        for key, _ in self._files(tx):
            EXPORT_FILES.delete(tx, job.account, job.region, key)
        table = rows.by_id(tx, record["table"])
        if table is not None:
            pins.remove(tx, table, record["pin"])
        tx.wake(rows.CHANGED)


def _grown(record: Record, lines: _Lines) -> Record:
    shown = record["shown"]
    grown = {"ItemCount": shown["ItemCount"] + lines.items, "BilledSizeBytes": shown["BilledSizeBytes"] + lines.size}
    return {**record, "shown": {**shown, **grown}}


def _lines(tx: Tx, record: Record, after: Position) -> _Lines:
    """The lines of one file.  A table that is gone has no more."""
    table = rows.by_id(tx, record["table"])
    if table is None:
        return _Lines(b"", 0, 0, None)
    is_ion = record["shown"]["ExportFormat"] == ION
    lines: list[bytes] = []
    length = items = size = 0
    place: Position | None = after
    while place is not None and length < FILE_BYTES:
        found, place = _page(tx, table, record, place, is_ion=is_ion)
        for line, bytes_of_item in found:
            lines.append(line)
            length += len(line)
            items += 1
            size += bytes_of_item
    return _Lines(b"".join(lines), items, size, place)


def _page(tx: Tx, table: Table, record: Record, after: Position, *, is_ion: bool) -> tuple[Iterator[tuple[bytes, int]], Position | None]:
    given = record["shown"].get("FilterSpecification")
    only = None if given is None else Filter(given, table)
    if record["shown"]["ExportType"] == FULL:
        page = recovery.page_at(tx, table.id, record["at_ms"], after, PAGE)
        line = _ion_item if is_ion else _json_item
        chosen = ((_chosen(stored.item, only), stored.size) for _, stored in page.items)
        return ((line(text), size) for text, size in chosen if text is not None), page.after
    changed, more = changed_items.between(tx, table.id, record["from_ms"], record["to_ms"], after, PAGE)
    with_old = record["view"] == "NEW_AND_OLD_IMAGES"
    write = _ion_change if is_ion else _json_change
    images = ((one, _images(table, one, only, with_old=with_old)) for one in changed)
    sized = ((write(one.at_ms, shown), sum(image.size for image in (one.old, one.new) if image is not None)) for one, shown in images if shown)
    return sized, changed[-1].at if more else None


def _chosen(text: bytes, only: Filter | None) -> bytes | None:
    """An item's JSON as it is exported; None where it is filtered out."""
    if only is None:
        return text
    item = orjson.loads(text)
    return orjson.dumps(only.shown(item)) if only.takes(item) else None


def _json_item(text: bytes) -> bytes:
    return b'{"Item":' + text + b"}\n"


def _ion_item(text: bytes) -> bytes:
    return f"$ion_1_0 {{Item:{ion_writing.item(orjson.loads(text))}}}\n".encode()


def _images(table: Table, one: changed_items.ChangedItem, only: Filter | None, *, with_old: bool) -> dict[str, Any] | None:
    """Keys and images of a change, as attributes; None where its item, as it is or else was, is filtered out."""
    old = None if one.old is None else orjson.loads(one.old.item)
    new = None if one.new is None else orjson.loads(one.new.item)
    known = new or old
    if only is not None and (known is None or not only.takes(known)):
        return None
    shown: dict[str, Any] = {"Keys": {} if known is None else keys.key_of(table, known)}
    for name, image in (("OldImage", old if with_old else None), ("NewImage", new)):
        if image is not None:
            shown[name] = image if only is None else only.shown(image)
    return shown


def _json_change(at_ms: int, images: dict[str, Any]) -> bytes:
    metadata = {"WriteTimestampMicros": {"N": str(at_ms * 1000)}}
    return orjson.dumps({"Metadata": metadata, **images}) + b"\n"


def _ion_change(at_ms: int, images: dict[str, Any]) -> bytes:
    written = {name: ion_writing.item(image) for name, image in images.items()}
    metadata = f"{{WriteTimestampMicros:{ion_writing.number(str(at_ms * 1000))}}}"
    return f"$ion_1_0 {{Record:{ion_writing.struct({'Metadata': metadata, **written})}}}\n".encode()


def _root(record: Record) -> str:
    prefix = record["shown"].get("S3Prefix")
    return f"{prefix.rstrip('/')}/AWSDynamoDB/" if prefix else "AWSDynamoDB/"


def _folder(record: Record) -> str:
    return f"{_root(record)}{record['number']}/"


def _data_folder(record: Record) -> str:
    """Incremental exports put their data side by side."""
    return f"{_folder(record)}data/" if record["shown"]["ExportType"] == FULL else f"{_root(record)}data/"


def _summary(record: Record, ended_ms: int) -> dict[str, Any]:
    shown = record["shown"]
    times: dict[str, Any] = (
        {"exportTime": iso8601(record["at_ms"])}
        if shown["ExportType"] == FULL
        else {
            "exportFromTime": iso8601(record["from_ms"]),
            "exportToTime": iso8601(record["to_ms"]),
        }
    )
    summary = {
        "version": _VERSION,
        "exportArn": shown["ExportArn"],
        "startTime": iso8601(record["started_ms"]),
        "endTime": iso8601(ended_ms),
        "tableArn": shown["TableArn"],
        "tableId": shown["TableId"],
        **times,
        "s3Bucket": shown["S3Bucket"],
        "s3Prefix": shown.get("S3Prefix"),
        "s3SseAlgorithm": shown.get("S3SseAlgorithm", "AES256"),
        "s3SseKmsKeyId": shown.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": f"{_folder(record)}manifest-files.json",
        "billedSizeBytes": shown["BilledSizeBytes"],
        "itemCount": shown["ItemCount"],
        "outputFormat": shown["ExportFormat"],
    }
    return summary | ({"outputView": record["view"]} if "view" in record else {}) | {"exportType": shown["ExportType"]}


def _packed(data: bytes) -> tuple[bytes, str]:
    """Compressed, with the digest of that: what takes a while."""
    packed = gzip.compress(data, mtime=0)
    return packed, _md5(packed)


def _md5(data: bytes) -> str:
    return b64encode(md5(data, usedforsecurity=False).digest()).decode()
