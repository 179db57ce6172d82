"""Buffers and their records.

Whoever adds to a buffer first changes the buffer's row, which makes writers of one buffer take turns: so the order of the
records' ids is the order of their commits, and a batch (all records up to an id) never gets another record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from tule.store.store import Row, Tx

SCHEMA = """
CREATE TABLE firehose_buffers (
    id INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    stage TEXT NOT NULL,
    partition TEXT NOT NULL,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    batch BLOB
);
CREATE UNIQUE INDEX firehose_buffers_of_stream ON firehose_buffers (stream, stage, partition);
CREATE TABLE firehose_records (
    id INTEGER PRIMARY KEY,
    buffer INTEGER NOT NULL,
    arrived_ms INTEGER NOT NULL,
    size INTEGER NOT NULL,
    origin TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX firehose_records_of_buffer ON firehose_records (buffer, id);
CREATE TABLE firehose_checkpoints (
    stream TEXT NOT NULL,
    shard TEXT NOT NULL,
    sequence TEXT NOT NULL,
    PRIMARY KEY (stream, shard)
);
"""

INTAKE = "intake"
OUTPUT = "output"
BACKUP = "backup"
ERRORS = "errors"

_COLUMNS = "id, stream, stage, partition, records, bytes, batch"
_ADD = (
    "INSERT INTO firehose_buffers (stream, stage, partition, records, bytes) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (stream, stage, partition) DO UPDATE SET records = firehose_buffers.records + excluded.records,"
    " bytes = firehose_buffers.bytes + excluded.bytes RETURNING id, records, bytes"
)
_INSERT = "INSERT INTO firehose_records (buffer, arrived_ms, size, origin, data) VALUES (?, ?, ?, ?, ?)"
_FIND = f"SELECT {_COLUMNS} FROM firehose_buffers WHERE id = ?"
_SIZES = "SELECT id, arrived_ms, size FROM firehose_records WHERE buffer = ? ORDER BY id"
_LOAD = "SELECT id, arrived_ms, origin, data FROM firehose_records WHERE buffer = ? AND id <= ? ORDER BY id"
_SET_BATCH = "UPDATE firehose_buffers SET batch = ? WHERE id = ?"
_REMOVE = "DELETE FROM firehose_records WHERE buffer = ? AND id <= ?"
_SHRINK = "UPDATE firehose_buffers SET records = records - ?, bytes = bytes - ?, batch = NULL WHERE id = ? RETURNING records, bytes"
_OLDEST = "SELECT arrived_ms FROM firehose_records WHERE buffer = ? ORDER BY id LIMIT 1"
_FORGET = "DELETE FROM firehose_buffers WHERE id = ?"
_OF_STREAM = "SELECT id FROM firehose_buffers WHERE stream = ?"
_FORGET_RECORDS = "DELETE FROM firehose_records WHERE buffer = ?"


class Record(NamedTuple):
    """`origin` is JSON about a record from a Kinesis stream, and empty for others.  `id` is 0 before it is kept."""

    arrived_ms: int
    data: bytes
    origin: str = ""
    id: int = 0


@dataclass(slots=True, frozen=True)
class Batch:
    """What is on its way: records up to `upto`, tried `attempts` times since `began_ms`.  `id` makes names that stay the same."""

    id: str
    upto: int
    records: int
    bytes: int
    oldest_ms: int
    began_ms: int
    attempts: int = 0


@dataclass(slots=True, frozen=True)
class Buffer:
    id: int
    stream: str
    stage: str
    partition: str
    records: int
    bytes: int
    batch: Batch | None


class Level(NamedTuple):
    """A buffer after records were added or removed."""

    buffer: int
    records: int
    bytes: int


def add(tx: Tx, stream: str, stage: str, partition: str, records: Sequence[Record]) -> Level:
    size = sum(len(record.data) for record in records)
    row = tx.one(_ADD, stream, stage, partition, len(records), size)
    assert row is not None
    tx.many(_INSERT, [(row[0], record.arrived_ms, len(record.data), record.origin, record.data) for record in records])
    return Level(*row)


def find(tx: Tx, id: int) -> Buffer | None:
    row = tx.one(_FIND, id)
    return None if row is None else _buffer(row)


def claim(tx: Tx, buffer: Buffer, max_bytes: int) -> Batch | None:
    """The batch on its way, or a new one of the oldest records; None when there is nothing."""
    if buffer.batch is not None:
        return buffer.batch
    count = size = upto = oldest_ms = 0
    for id, arrived_ms, record_bytes in tx.each(_SIZES, buffer.id):
        if count and size + record_bytes > max_bytes:
            break
        oldest_ms = min(oldest_ms or arrived_ms, arrived_ms)
        count, size, upto = count + 1, size + record_bytes, id
    if not count:
        return None
    batch = Batch(tx.ids.uuid(), upto, count, size, oldest_ms, tx.now_ms)
    put_batch(tx, buffer, batch)
    return batch


def put_batch(tx: Tx, buffer: Buffer, batch: Batch) -> None:
    tx.execute(_SET_BATCH, orjson.dumps(batch), buffer.id)


def load(tx: Tx, buffer: Buffer, batch: Batch) -> list[Record]:
    return [Record(arrived_ms, data, origin, id) for id, arrived_ms, origin, data in tx.all(_LOAD, buffer.id, batch.upto)]


def finish(tx: Tx, buffer: Buffer, batch: Batch) -> Level | None:
    """The batch is where it should be: forget its records.  None when somebody else has said so already."""
    current = find(tx, buffer.id)
    if current is None or current.batch is None or current.batch.id != batch.id:
        return None
    tx.execute(_REMOVE, buffer.id, batch.upto)
    row = tx.one(_SHRINK, batch.records, batch.bytes, buffer.id)
    assert row is not None
    if row[0] == 0:
        tx.execute(_FORGET, buffer.id)
    return Level(buffer.id, *row)


def oldest_ms(tx: Tx, buffer: int) -> int:
    row = tx.one(_OLDEST, buffer)
    return tx.now_ms if row is None else row[0]


def delete_all(tx: Tx, stream: str) -> list[int]:
    """Forget all of a stream's buffers; which those were."""
    found = [id for (id,) in tx.all(_OF_STREAM, stream)]
    for id in found:
        tx.execute(_FORGET_RECORDS, id)
        tx.execute(_FORGET, id)
    return found


def _buffer(row: Row) -> Buffer:
    batch: dict[str, Any] | None = None if row[6] is None else orjson.loads(row[6])
    return Buffer(row[0], row[1], row[2], row[3], row[4], row[5], None if batch is None else Batch(**batch))
