"""Queues: how they are set up, how far they have come in each shard, and what was received and is not acknowledged.

A queue's settings: position (`Type`, `Timestamp`), visibility_s, max_receives (0: no dead letters), tags, policy.  A record that
was received has a row until it is acknowledged; `received` counts its deliveries for the receipt, `receives` those that count
towards dead letters.  Records that have not been received yet lie after the queue's cursor in their shard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from tule.services.kinesis.names import QueueRef
from tule.services.kinesis.state import streams
from tule.services.kinesis.state.records import bounds
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Row, Tx

_COLUMNS = "id, stream, account, region, name, created_ms, config"
_INSERT = f"INSERT INTO kinesis_queues ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_FIND = f"SELECT {_COLUMNS} FROM kinesis_queues WHERE account = ? AND region = ? AND name = ?"
_PAGE = f"SELECT {_COLUMNS} FROM kinesis_queues WHERE account = ? AND region = ? AND name > ? ORDER BY name"
_COUNT = "SELECT count(*) FROM kinesis_queues WHERE stream = ?"
_CONFIGURE = "UPDATE kinesis_queues SET config = ? WHERE id = ?"
_DELETE = (
    "DELETE FROM kinesis_queue_records WHERE queue = ?",
    "DELETE FROM kinesis_queue_cursors WHERE queue = ?",
    "DELETE FROM kinesis_queues WHERE id = ?",
)
_CURSORS = "SELECT shard, after FROM kinesis_queue_cursors WHERE queue = ?"
_SET_CURSOR = (
    "INSERT INTO kinesis_queue_cursors (queue, shard, after) VALUES (?, ?, ?) ON CONFLICT (queue, shard) DO UPDATE SET after = excluded.after"
)
_BURY = "UPDATE kinesis_queue_records SET dead = 1 WHERE queue = ? AND dead = 0 AND visible_ms <= ? AND receives >= ?"
_FORGET_OLD = (
    "DELETE FROM kinesis_queue_records WHERE queue = ?"
    " AND NOT EXISTS (SELECT 1 FROM kinesis_records WHERE id = kinesis_queue_records.record AND arrived_ms >= ?)"
)
_VISIBLE = (
    "SELECT q.record, q.receives, q.received, q.first_ms, r.fragment FROM kinesis_queue_records q JOIN kinesis_records r ON r.id = q.record"
    " WHERE q.queue = ? AND q.dead = ? AND q.visible_ms <= ? ORDER BY q.visible_ms, q.record LIMIT ?"
)
_NEW = "SELECT id, fragment FROM kinesis_records WHERE id > ? AND id < ? AND arrived_ms >= ? ORDER BY id LIMIT ?"
_RECEIVED = "INSERT INTO kinesis_queue_records (queue, record, receives, received, first_ms, visible_ms, dead) VALUES (?, ?, 1, 1, ?, ?, 0)"
_AGAIN = "UPDATE kinesis_queue_records SET receives = receives + 1, received = received + 1, visible_ms = ? WHERE queue = ? AND record = ?"
_ACKNOWLEDGE = "DELETE FROM kinesis_queue_records WHERE queue = ? AND record = ? AND received = ? AND dead = ?"
_HIDE = "UPDATE kinesis_queue_records SET visible_ms = ? WHERE queue = ? AND record = ? AND received = ? AND dead = ?"
_RESTORE = "UPDATE kinesis_queue_records SET dead = 0, receives = 0, visible_ms = ? WHERE queue = ? AND record = ? AND received = ? AND dead = 1"
_NEXT_VISIBLE = "SELECT min(visible_ms) FROM kinesis_queue_records WHERE queue = ?"


@dataclass(slots=True, frozen=True)
class Queue:
    id: int
    stream: int
    ref: QueueRef
    created_ms: int
    config: dict[str, Any]


class Received(NamedTuple):
    """A record as it was received just now; `fragment` is the record as its stream keeps it."""

    record: int
    receives: int
    received: int
    first_ms: int
    fragment: bytes


class Receipt(NamedTuple):
    """What a receipt handle says: which delivery of which record."""

    record: int
    received: int


def create(tx: Tx, stream: Stream, ref: QueueRef, config: dict[str, Any]) -> Queue | None:
    """None when there is one of this name."""
    queue = Queue(streams.take_numbers(tx, "queue", 1), stream.id, ref, tx.now_ms, config)
    return queue if tx.execute(_INSERT, queue.id, stream.id, *ref, tx.now_ms, orjson.dumps(config)) else None


def find(tx: Tx, ref: QueueRef) -> Queue | None:
    row = tx.one(_FIND, *ref)
    return None if row is None else _queue(row)


def after(tx: Tx, account: str, region: str, name: str) -> list[Queue]:
    """Those whose names follow, in order."""
    return [_queue(row) for row in tx.all(_PAGE, account, region, name)]


def count(tx: Tx, stream: Stream) -> int:
    row = tx.one(_COUNT, stream.id)
    assert row is not None
    return row[0]


def configure(tx: Tx, queue: Queue, **settings: Any) -> Queue:
    changed = Queue(queue.id, queue.stream, queue.ref, queue.created_ms, {**queue.config, **settings})
    tx.execute(_CONFIGURE, orjson.dumps(changed.config), queue.id)
    return changed


def delete(tx: Tx, queue: Queue) -> None:
    for statement in _DELETE:
        tx.execute(statement, queue.id)


def begin(tx: Tx, queue: Queue, shard: Shard, position: int) -> None:
    """The queue delivers a shard's records after this position; of shards that come later, all."""
    tx.execute(_SET_CURSOR, queue.id, shard.number, position)


def receive(tx: Tx, queue: Queue, stream: Stream, shards: list[Shard], limit: int, visible_ms: int) -> list[Received]:
    """Up to `limit` records, which nobody else gets before `visible_ms`: first those that come again, then new ones."""
    _settle(tx, queue, stream)
    found = _again(tx, queue, False, limit, visible_ms)
    cursors: dict[int, int] = dict(tx.all(_CURSORS, queue.id))  # type: ignore[arg-type]
    for shard in shards:
        if len(found) == limit:
            break
        found += _new(tx, queue, stream, shard, cursors.get(shard.number, shard.opened_at), limit - len(found), visible_ms)
    return found


def receive_dead(tx: Tx, queue: Queue, stream: Stream, limit: int, visible_ms: int) -> list[Received]:
    _settle(tx, queue, stream)
    return _again(tx, queue, True, limit, visible_ms)


def next_visible_ms(tx: Tx, queue: Queue) -> int | None:
    """When a record that was received may be received again."""
    row = tx.one(_NEXT_VISIBLE, queue.id)
    return None if row is None else row[0]


def acknowledge(tx: Tx, queue: Queue, receipt: Receipt, *, dead: bool) -> bool:
    return tx.execute(_ACKNOWLEDGE, queue.id, *receipt, int(dead)) == 1


def hide(tx: Tx, queue: Queue, receipt: Receipt, visible_ms: int, *, dead: bool) -> bool:
    return tx.execute(_HIDE, visible_ms, queue.id, *receipt, int(dead)) == 1


def restore(tx: Tx, queue: Queue, receipt: Receipt) -> bool:
    return tx.execute(_RESTORE, tx.now_ms, queue.id, *receipt) == 1


def _settle(tx: Tx, queue: Queue, stream: Stream) -> None:
    """What was received too often is dead; what the stream no longer keeps is gone."""
    tx.execute(_FORGET_OLD, queue.id, tx.now_ms - stream.retention_ms)
    if queue.config["max_receives"]:
        tx.execute(_BURY, queue.id, tx.now_ms, queue.config["max_receives"])


def _again(tx: Tx, queue: Queue, dead: bool, limit: int, visible_ms: int) -> list[Received]:
    found: list[Received] = []
    for record, receives, received, first_ms, fragment in tx.all(_VISIBLE, queue.id, int(dead), tx.now_ms, limit):
        tx.execute(_AGAIN, visible_ms, queue.id, record)
        found.append(Received(record, receives + 1, received + 1, first_ms, fragment))
    return found


def _new(tx: Tx, queue: Queue, stream: Stream, shard: Shard, position: int, limit: int, visible_ms: int) -> list[Received]:
    low, high = bounds(shard.number)
    rows = tx.all(_NEW, low + position, high, tx.now_ms - stream.retention_ms, limit)
    if rows:
        tx.execute(_SET_CURSOR, queue.id, shard.number, rows[-1][0] - low)
        tx.many(_RECEIVED, [(queue.id, id, tx.now_ms, visible_ms) for id, _ in rows])
    return [Received(id, 1, 1, tx.now_ms, fragment) for id, fragment in rows]


def _queue(row: Row) -> Queue:
    id, stream, account, region, name, created_ms, config = row
    return Queue(id, stream, QueueRef(account, region, name), created_ms, orjson.loads(config))
