"""Shards: ranges of hash keys, opened, closed, parents and children.

Hash keys are kept as 39 digits, so that they sort.  Of a shard's positions, `opened_at` is before its first record and
`closed_at`, once it is closed, at or after its last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tule.services.kinesis import names, sequence
from tule.services.kinesis.state import streams
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Row, Tx

POSITION_BITS = 39  # of a record's key; the shard's number has the rest

_COLUMNS = "number, stream, shard, start_key, end_key, parent, adjacent, opened_s, opened_ms, opened_at, closed_ms, closed_at"
_INSERT = f"INSERT INTO kinesis_shards ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)"
_CLOSE = "UPDATE kinesis_shards SET closed_ms = ?, closed_at = ? WHERE number = ?"
_ONE = f"SELECT {_COLUMNS} FROM kinesis_shards WHERE stream = ? AND shard = ?"
_OPEN = f"SELECT {_COLUMNS} FROM kinesis_shards WHERE stream = ? AND closed_ms IS NULL ORDER BY start_key"
_WITHIN = f"SELECT {_COLUMNS} FROM kinesis_shards WHERE stream = ? AND closed_ms IS NULL AND start_key >= ? AND end_key <= ? ORDER BY start_key"
_CONTAINING = f"SELECT {_COLUMNS} FROM kinesis_shards WHERE stream = ? AND closed_ms IS NULL AND start_key < ? AND end_key >= ?"
_ALL = f"SELECT {_COLUMNS} FROM kinesis_shards WHERE stream = ? ORDER BY shard"
_CHILDREN = f"SELECT {_COLUMNS} FROM kinesis_shards WHERE stream = ? AND (parent = ? OR adjacent = ?) ORDER BY shard"
_NEXT = "SELECT coalesce(max(shard), -1) + 1 FROM kinesis_shards WHERE stream = ?"
_COUNT_OPEN = "SELECT count(*) FROM kinesis_shards WHERE stream = ? AND closed_ms IS NULL"
_COUNT_OF_ACCOUNT = (
    "SELECT count(*) FROM kinesis_shards JOIN kinesis_streams ON kinesis_streams.id = kinesis_shards.stream"
    " WHERE account = ? AND region = ? AND closed_ms IS NULL"
)
_ORPHANS = "SELECT number FROM kinesis_shards WHERE stream NOT IN (SELECT id FROM kinesis_streams) LIMIT 100"
_DELETE = "DELETE FROM kinesis_shards WHERE number = ?"
_POSITION = "SELECT next FROM kinesis_positions WHERE stream = ?"


@dataclass(slots=True, frozen=True)
class Shard:
    number: int
    stream: int
    index: int
    start_key: int
    end_key: int
    parent: int | None
    adjacent: int | None
    opened_s: int
    opened_ms: int
    opened_at: int
    closed_ms: int | None
    closed_at: int | None

    @property
    def id(self) -> str:
        return names.shard_id(self.index)

    @property
    def hash_key_range(self) -> dict[str, str]:
        return {"StartingHashKey": str(self.start_key), "EndingHashKey": str(self.end_key)}

    @property
    def parents(self) -> list[str]:
        return [names.shard_id(index) for index in (self.parent, self.adjacent) if index is not None]

    def expired(self, horizon_ms: int) -> bool:
        """Closed so long ago that nothing in it can be read any more."""
        return self.closed_ms is not None and self.closed_ms < horizon_ms

    def shown(self) -> dict[str, Any]:
        """As AWS's `Shard`."""
        numbers = {"StartingSequenceNumber": sequence.text(self.opened_s, self.index, self.opened_at, self.opened_s)}
        if self.closed_at is not None and self.closed_ms is not None:
            numbers["EndingSequenceNumber"] = sequence.text(self.opened_s, self.index, self.closed_at, self.closed_ms // 1000)
        shown: dict[str, Any] = {"ShardId": self.id, "HashKeyRange": self.hash_key_range, "SequenceNumberRange": numbers}
        if self.parent is not None:
            shown["ParentShardId"] = names.shard_id(self.parent)
        if self.adjacent is not None:
            shown["AdjacentParentShardId"] = names.shard_id(self.adjacent)
        return shown


def open_shards(tx: Tx, stream: Stream) -> list[Shard]:
    """In the order of their hash keys."""
    return [_shard(row) for row in tx.all(_OPEN, stream.id)]


def open_within(tx: Tx, stream: Stream, start: int, end: int) -> list[Shard]:
    """Open shards none of whose keys lie outside, in the order of their hash keys."""
    return [_shard(row) for row in tx.all(_WITHIN, stream.id, _digits(start), _digits(end))]


def open_across(tx: Tx, stream: Stream, key: int) -> Shard | None:
    """The open shard that has `key` and the key before it."""
    row = tx.one(_CONTAINING, stream.id, _digits(key), _digits(key))
    return None if row is None else _shard(row)


def all_shards(tx: Tx, stream: Stream) -> list[Shard]:
    """In the order in which they were opened; expired ones, too."""
    return [_shard(row) for row in tx.all(_ALL, stream.id)]


def listed(tx: Tx, stream: Stream) -> list[Shard]:
    """Those that are not expired."""
    horizon_ms = tx.now_ms - stream.retention_ms
    return [shard for shard in all_shards(tx, stream) if not shard.expired(horizon_ms)]


def find(tx: Tx, stream: Stream, index: int) -> Shard | None:
    row = tx.one(_ONE, stream.id, index)
    return None if row is None else _shard(row)


def children(tx: Tx, shard: Shard) -> list[Shard]:
    return [_shard(row) for row in tx.all(_CHILDREN, shard.stream, shard.index, shard.index)]


def count_open(tx: Tx, stream: Stream) -> int:
    row = tx.one(_COUNT_OPEN, stream.id)
    assert row is not None
    return row[0]


def count_of_account(tx: Tx, account: str, region: str) -> int:
    row = tx.one(_COUNT_OF_ACCOUNT, account, region)
    assert row is not None
    return row[0]


def position(tx: Tx, stream: Stream) -> int:
    """That of the last record that was put into the stream."""
    row = tx.one(_POSITION, stream.id)
    assert row is not None
    return row[0]


def first(tx: Tx, stream: Stream, ranges: Sequence[tuple[int, int]]) -> Stream:
    """Give a new stream its shards."""
    for start, end in ranges:
        _open(tx, stream, start, end, (), 0)
    return _changed(tx, stream)


def split(tx: Tx, stream: Stream, shard: Shard, at_key: int) -> Stream:
    """Close a shard and open two in its place."""
    closed_at = _close(tx, stream, shard)
    _open(tx, stream, shard.start_key, at_key - 1, (shard,), closed_at)
    _open(tx, stream, at_key, shard.end_key, (shard,), closed_at)
    return _changed(tx, stream)


def merge(tx: Tx, stream: Stream, shard: Shard, adjacent: Shard) -> Stream:
    """Close two shards and open one in their place."""
    closed_at = _close(tx, stream, shard)
    _close(tx, stream, adjacent)
    _open(tx, stream, min(shard.start_key, adjacent.start_key), max(shard.end_key, adjacent.end_key), (shard, adjacent), closed_at)
    return _changed(tx, stream)


def orphans(tx: Tx) -> list[int]:
    """Numbers of shards whose stream was deleted."""
    return [number for (number,) in tx.all(_ORPHANS)]


def delete(tx: Tx, number: int) -> None:
    tx.execute(_DELETE, number)


def _open(tx: Tx, stream: Stream, start: int, end: int, parents: Sequence[Shard], at: int) -> None:
    row = tx.one(_NEXT, stream.id)
    assert row is not None
    parent, adjacent = [*[shard.index for shard in parents], None, None][:2]
    opened_s = max([tx.now_ms // 1000, *[shard.opened_s + 1 for shard in parents]])  # its numbers follow its parents'
    number = streams.take_numbers(tx, "shard", 1)
    tx.execute(_INSERT, number, stream.id, row[0], _digits(start), _digits(end), parent, adjacent, opened_s, tx.now_ms, at)


def _close(tx: Tx, stream: Stream, shard: Shard) -> int:
    at = position(tx, stream)
    tx.execute(_CLOSE, tx.now_ms, at, shard.number)
    return at


def _changed(tx: Tx, stream: Stream) -> Stream:
    changed = replace(stream, layout=tx.ids.hex(16))
    streams.save(tx, changed)
    tx.wake(stream.ref.arn)  # whoever waits at the end of a shard learns that it was closed
    return changed


def _digits(key: int) -> str:
    return f"{key:039d}"


def _shard(row: Row) -> Shard:
    return Shard(row[0], row[1], row[2], int(row[3]), int(row[4]), *row[5:])
