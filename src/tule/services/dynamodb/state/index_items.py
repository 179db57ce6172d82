"""What secondary indexes hold: one row for each item that has the index's keys, with the projected item's JSON.

`hash` and `range` are those of the index's keys, `base` a digest of the item's own key, which tells apart items that have the
same keys in the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tule.services.dynamodb.state.items import Span
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE dynamodb_index_items (
    index_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    range BLOB NOT NULL,
    base BLOB NOT NULL,
    size INTEGER NOT NULL,
    item BLOB NOT NULL,
    PRIMARY KEY (index_id, hash, range, base)
);
"""


class Place(NamedTuple):
    """Where an item lies in an index."""

    hash: bytes
    range: bytes
    base: bytes


START = Place(b"", b"", b"")

_PUT = (
    "INSERT INTO dynamodb_index_items (index_id, hash, range, base, size, item) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (index_id, hash, range, base) DO UPDATE SET size = excluded.size, item = excluded.item"
)
_DELETE = "DELETE FROM dynamodb_index_items WHERE index_id = ? AND hash = ? AND range = ? AND base = ?"
_PAGE = "SELECT item, size FROM dynamodb_index_items WHERE index_id = ? AND hash = ?"
_SCAN = "SELECT item, size FROM dynamodb_index_items WHERE index_id = ? AND (hash, range, base) > (?, ?, ?)"
_SIZE_OF_COLLECTION = "SELECT coalesce(sum(size), 0) FROM dynamodb_index_items WHERE index_id = ? AND hash = ?"
_SOME = "SELECT hash, range, base FROM dynamodb_index_items WHERE index_id = ? LIMIT ?"

_FORWARD = {
    False: f"{_PAGE} AND (range, base) > (?, ?) ORDER BY range, base LIMIT ?",
    True: f"{_PAGE} AND (range, base) > (?, ?) AND range < ? ORDER BY range, base LIMIT ?",
}
_BACKWARD = {
    False: f"{_PAGE} AND range >= ? ORDER BY range DESC, base DESC LIMIT ?",
    True: f"{_PAGE} AND range >= ? AND (range, base) < (?, ?) ORDER BY range DESC, base DESC LIMIT ?",
}
_SCANS = {
    False: f"{_SCAN} ORDER BY hash, range, base LIMIT ?",
    True: f"{_SCAN} AND hash < ? ORDER BY hash, range, base LIMIT ?",
}


def put(tx: Tx, index: int, at: Place, item: bytes, size: int) -> None:
    tx.execute(_PUT, index, *at, size, item)


def put_all(tx: Tx, rows: Sequence[tuple[int, Place, bytes, int]]) -> None:
    tx.many(_PUT, [(index, *at, size, item) for index, at, item, size in rows])


def delete(tx: Tx, index: int, at: Place) -> None:
    tx.execute(_DELETE, index, *at)


def page(tx: Tx, index: int, hash: bytes, span: Span, after: Place | None, limit: int, *, forward: bool) -> Iterator[tuple[bytes, int]]:
    """Items of one partition key of the index, in the order of their sort keys, beyond the place `after`."""
    if forward:
        begin = (span.low, b"") if after is None or after.range < span.low else (after.range, after.base)
        high = () if span.high is None else (span.high,)
        return tx.each(_FORWARD[span.high is not None], index, hash, *begin, *high, limit)  # type: ignore[return-value]
    end = (span.high, b"") if after is None or (span.high is not None and after.range >= span.high) else (after.range, after.base)
    if end[0] is None:
        return tx.each(_BACKWARD[False], index, hash, span.low, limit)  # type: ignore[return-value]
    return tx.each(_BACKWARD[True], index, hash, span.low, *end, limit)  # type: ignore[return-value]


def scan(tx: Tx, index: int, after: Place, before: bytes | None, limit: int) -> Iterator[tuple[bytes, int]]:
    bounds = () if before is None else (before,)
    return tx.each(_SCANS[before is not None], index, *after, *bounds, limit)  # type: ignore[return-value]


def collection_size(tx: Tx, index: int, hash: bytes) -> int:
    row = tx.one(_SIZE_OF_COLLECTION, index, hash)
    return int(row[0]) if row is not None else 0


def sweep(tx: Tx, index: int, limit: int) -> int:
    """Remove up to `limit` rows of an index that is gone; how many."""
    rows = tx.all(_SOME, index, limit)
    if rows:
        tx.many(_DELETE, [(index, *row) for row in rows])
    return len(rows)
