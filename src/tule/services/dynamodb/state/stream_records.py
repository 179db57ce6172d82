"""Records of streams: the JSON of the answer that shows each, so that a page is joined and not encoded.

A record's key is its shard's number and its position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tule.store.store import Tx

POSITION_BITS = 36  # of a record's key; the shard's number has the rest
MAX_READ_BYTES = 1024 * 1024

SCHEMA = """
CREATE TABLE dynamodb_stream_records (
    id INTEGER NOT NULL PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    record BLOB NOT NULL
);
"""

_INSERT = "INSERT INTO dynamodb_stream_records (id, at_ms, record) VALUES (?, ?, ?)"
_READ = "SELECT id, record FROM dynamodb_stream_records WHERE id > ? AND id < ? AND at_ms > ? ORDER BY id LIMIT ?"
_AT = "SELECT at_ms FROM dynamodb_stream_records WHERE id = ?"
_FIRST = "SELECT id, at_ms FROM dynamodb_stream_records WHERE id > ? AND id < ? ORDER BY id LIMIT 1"
_OLDEST = "SELECT id, at_ms FROM dynamodb_stream_records WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
_CUT = "DELETE FROM dynamodb_stream_records WHERE id > ? AND id <= ?"


@dataclass(slots=True, frozen=True)
class Page:
    """`after` is where the next page begins; `more` says that there is one already."""

    records: list[bytes]
    after: int
    more: bool


def append(tx: Tx, rows: Sequence[tuple[int, int, int, bytes]]) -> None:
    """Records by shard, position and time."""
    tx.many(_INSERT, [((shard << POSITION_BITS) | position, at_ms, record) for shard, position, at_ms, record in rows])


def read(tx: Tx, shard: int, after: int, horizon_ms: int, limit: int) -> Page:
    """Up to `limit` records and 1 MB (but one record always), of those that are not older than the horizon."""
    low, high = _bounds(shard)
    found: list[bytes] = []
    size, last = 0, low + after
    for id, record in tx.each(_READ, low + after, high, horizon_ms, limit + 1):
        if len(found) == limit or (found and size + len(record) > MAX_READ_BYTES):
            return Page(found, last - low, more=True)
        found.append(record)
        size, last = size + len(record), id
    return Page(found, last - low, more=False)


def time_of(tx: Tx, shard: int, position: int) -> int | None:
    """When the record was written; None when there is none."""
    row = tx.one(_AT, (shard << POSITION_BITS) | position)
    return None if row is None else row[0]


def position_at(tx: Tx, shard: int, at_ms: int, first: int, end: int) -> int:
    """After which position the records begin that were written at `at_ms` or later; the shard's lie from `first` to `end`."""
    low, high = _bounds(shard)
    below, last = first - 1, end  # the record sought is after `below`, and if at all not after `last`
    while below < last:
        middle = (below + last) // 2
        row = tx.one(_FIRST, low + middle, high)
        if row is not None and row[1] < at_ms:
            below = row[0] - low
        else:
            last = middle
    return below


def trim(tx: Tx, shard: int, until_ms: int, at_once: int) -> int | None:
    """Remove up to `at_once` of a shard's oldest records, those written by then; the position of the last, None when none was."""
    low, high = _bounds(shard)
    old = [id for id, at_ms in tx.all(_OLDEST, low, high, at_once) if at_ms <= until_ms]
    if not old:
        return None
    tx.execute(_CUT, low, old[-1])
    return old[-1] - low


def _bounds(shard: int) -> tuple[int, int]:
    return shard << POSITION_BITS, (shard + 1) << POSITION_BITS
