"""Reading items out of a bucket's objects into a table, for imports and bulk operations alike.

One delivery reads all objects, line after line; every hundred items are written in a transaction that also says how far it is,
so that a delivery that was cut goes on there.  Lines that are no items, and items that the table cannot have, are counted.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Any

import orjson

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.dynamodb import items
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import ACTIVE, Table
from tule.services.dynamodb.transfers import buckets, parsing
from tule.services.dynamodb.transfers.buckets import Bucket
from tule.services.dynamodb.transfers.records import BULKS, IMPORTS, Record
from tule.store.documents import Documents
from tule.store.store import Tx

KIND = "dynamodb.import"
BATCH = 100
BATCH_BYTES = 256 * 1024
MAX_ERRORS = 100  # kept with the record
_FAILURES = {"NoSuchBucket": "S3NoSuchBucket", "AccessDenied": "S3AccessDenied"}
_KINDS = {"import": IMPORTS, "bulk": BULKS}


def failure_code(error: ServiceError) -> str:
    """What S3 said, as DynamoDB calls it."""
    return _FAILURES.get(error.code, error.code)


def begin(tx: Tx, account: str, region: str, kind: str, record: Record) -> None:
    payload = {"kind": kind, "number": record["number"]}
    job = Job(KIND, record["arn"], account, region, payload, max_attempts=20, backoff_cap_ms=60_000, name=f"{KIND} {record['number']}")
    enqueue(tx, job)


def progress() -> Record:
    """Nothing is read yet: which object is next, and how many of its lines were read."""
    return {"object": "", "lines": 0, "processed": 0, "imported": 0, "errors": 0, "bytes": 0, "complaints": []}


async def work(node: Node, job: Delivery) -> Outcome:
    kind = _KINDS[job.payload["kind"]]
    reading = _Reading(node, job, kind)
    record = await node.store.read(reading.record)
    if record is None or record["status"] != "IN_PROGRESS":
        return Done()
    try:
        await reading.run(record)
    except ServiceError as error:
        if error.status >= 500 and error.code != "NotImplemented":
            raise
        refused = error
        await node.store.write(lambda tx: reading.end(tx, "FAILED", failure_code(refused), refused.message))
    except zlib.error:
        await node.store.write(lambda tx: reading.end(tx, "FAILED", "InputDataError", "The objects are not compressed as they were said to be."))
    return Done()


class _Reading:
    def __init__(self, node: Node, job: Delivery, kind: Documents) -> None:
        self._node = node
        self._job = job
        self._kind = kind
        self._number: str = job.payload["number"]

    def record(self, tx: Tx) -> Record | None:
        return self._kind.get(tx, self._job.account, self._job.region, self._number)

    async def run(self, record: Record) -> None:
        source = record["source"]
        bucket = Bucket(self._node, self._job.account, self._job.region, source["S3Bucket"], source.get("S3BucketOwner"))
        found = await bucket.objects(source.get("S3KeyPrefix", ""))
        if not found:
            raise ServiceError("S3NoSuchKey", "No objects were found under the prefix in the bucket.", 400)
        done = record["progress"]
        for key, size in found:
            if key < done["object"]:
                continue
            if not await self._read(bucket, record, key, size, done["lines"] if key == done["object"] else 0):
                return
        await self._report()
        await self._node.store.write(lambda tx: self.end(tx, "COMPLETED"))

    async def _report(self) -> None:
        """Put what was wrong with a bulk operation's items where it asked for them."""
        record = await self._node.store.read(self.record)
        output = None if record is None else record.get("output")
        if record is None or output is None or "ERROR" not in output["OutputType"] or not record["progress"]["complaints"]:
            return
        bucket = Bucket(self._node, self._job.account, self._job.region, output["S3Bucket"], output.get("S3BucketOwner"))
        prefix = f"{output['S3KeyPrefix'].rstrip('/')}/" if output.get("S3KeyPrefix") else ""
        lines = b"".join(orjson.dumps(complaint) + b"\n" for complaint in record["progress"]["complaints"])
        await bucket.put(f"{prefix}AWSDynamoDB/{self._number}/errors.json", lines, **buckets.encryption(output))

    async def _read(self, bucket: Bucket, record: Record, key: str, size: int, skip: int) -> bool:
        """One object.  False when the import was called off."""
        parser = parsing.parser(record["format"], record.get("csv") or {}, record["types"])
        chunks = buckets.unpacked(bucket.chunks(key), record["compression"])
        batch: list[parsing.Parsed] = []
        read = length = 0
        async for one in _parsed(parser, chunks):
            read += 1
            if read <= skip:
                continue
            batch.append(one)
            length += len(one.text)
            if len(batch) == BATCH or length >= BATCH_BYTES:
                if not await self._write(key, batch, read, 0):
                    return False
                batch, length = [], 0
        return await self._write(key, batch, read, size)

    async def _write(self, key: str, batch: list[parsing.Parsed], read: int, size: int) -> bool:
        return await self._node.store.write(lambda tx: self._put(tx, key, batch, read, size))

    def _put(self, tx: Tx, key: str, batch: list[parsing.Parsed], read: int, size: int) -> bool:
        record = self.record(tx)
        table = None if record is None else rows.by_id(tx, record["table"])
        if record is None or record["status"] != "IN_PROGRESS":
            return False
        if table is None:
            self.end(tx, "FAILED", "TableNotFound", "The table was deleted.")
            return False
        done = dict(record["progress"])
        if (key, read) <= (done["object"], done["lines"]) and not size:
            return True  # delivered twice
        done |= {"object": key, "lines": read, "bytes": done["bytes"] + size, "complaints": list(done["complaints"])}
        for one in batch:
            done["processed"] += 1
            complaint = _write_one(tx, table, one)
            done["imported" if complaint is None else "errors"] += 1
            if complaint is not None and len(done["complaints"]) < MAX_ERRORS:
                done["complaints"].append({"S3Bucket": record["source"]["S3Bucket"], "S3ObjectKey": key, **complaint})
        self._kind.put(tx, self._job.account, self._job.region, self._number, {**record, "progress": done})
        return True

    def end(self, tx: Tx, status: str, code: str = "", message: str = "") -> None:
        record = self.record(tx)
        if record is None:
            return
        failure = {"failure": {"FailureCode": code, "FailureMessage": message}} if code else {}
        if status == "COMPLETED" and self._kind is BULKS and record["progress"]["errors"]:
            status = "COMPLETED_WITH_ERRORS"
        self._kind.put(tx, self._job.account, self._job.region, self._number, {**record, "status": status, "ended_ms": tx.now_ms, **failure})
        table = rows.by_id(tx, record["table"])
        if table is not None and self._kind is IMPORTS:
            rows.configure(tx, table, status=ACTIVE)
        tx.wake(rows.CHANGED)


def _write_one(tx: Tx, table: Table, one: parsing.Parsed) -> Record | None:
    """What is wrong with an item, None when it is written."""
    if one.item is None:
        return {"errorCode": "ItemValidationError", "errorMessage": one.complaint, "data": one.text[:1_000]}
    try:
        items.write_item(tx, table, one.item)
    except ServiceError as error:
        return {"errorCode": "ItemValidationError", "errorMessage": error.message, "data": one.text[:1_000]}
    return None


async def _parsed(parser: parsing.Parser, chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for line in buckets.lines(chunks):
        for one in parser.line(line):
            yield one
    for one in parser.end():
        yield one
