"""What secondary indexes hold: one row for each item that has the index's keys, with the projected item's JSON.

`hash` and `range` are those of the index's keys, `base` a digest of the item's own key, which tells apart items that have the
same keys in the index.  `written_ms` lets a reader pretend that the index lags behind its table, as AWS's do.
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
    written_ms INTEGER NOT NULL,
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
    "INSERT INTO dynamodb_index_items (index_id, hash, range, base, written_ms, size, item) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (index_id, hash, range, base) DO UPDATE SET written_ms = excluded.written_ms, size = excluded.size, item = excluded.item"
)
_DELETE = "DELETE FROM dynamodb_index_items WHERE index_id = ? AND hash = ? AND range = ? AND base = ?"
_PAGE = "SELECT item, size FROM dynamodb_index_items WHERE index_id = ? AND hash = ?"
_SCAN = "SELECT item, size FROM dynamodb_index_items WHERE index_id = ? AND (hash, range, base) > (?, ?, ?)"
_SOME = "SELECT hash, range, base FROM dynamodb_index_items WHERE index_id = ? LIMIT ?"

_WRITTEN = " AND written_ms <= ?"
_IN_ORDER = " ORDER BY range, base LIMIT ?"
_IN_REVERSE = " ORDER BY range DESC, base DESC LIMIT ?"


def put(tx: Tx, index: int, at: Place, item: bytes, size: int) -> None:
    tx.execute(_PUT, index, *at, tx.now_ms, size, item)


def put_all(tx: Tx, rows: Sequence[tuple[int, Place, bytes, int]]) -> None:
    tx.many(_PUT, [(index, *at, tx.now_ms, size, item) for index, at, item, size in rows])


def delete(tx: Tx, index: int, at: Place) -> None:
    tx.execute(_DELETE, index, *at)


def page(
    tx: Tx, index: int, hash: bytes, span: Span, after: Place | None, limit: int, *, forward: bool, written_ms: int | None = None
) -> Iterator[tuple[bytes, int]]:
    """Items of one partition key of the index, in the order of their sort keys, beyond the place `after`.

    `written_ms` leaves out what was written after that time.
    """
    sql, params = f"{_PAGE} AND range >= ?", [index, hash, span.low]
    if span.high is not None:
        sql += " AND range < ?"
        params.append(span.high)
    if after is not None:
        sql += f" AND (range, base) {'>' if forward else '<'} (?, ?)"
        params += [after.range, after.base]
    if written_ms is not None:
        sql += _WRITTEN
        params.append(written_ms)
    return tx.each(sql + (_IN_ORDER if forward else _IN_REVERSE), *params, limit)  # type: ignore[return-value]


def scan(tx: Tx, index: int, after: Place, before: bytes | None, limit: int, *, written_ms: int | None = None) -> Iterator[tuple[bytes, int]]:
    """Items beyond a place, up to the digest `before`, in the index's own order."""
    sql, params = _SCAN, [index, *after]
    if before is not None:
        sql += " AND hash < ?"
        params.append(before)
    if written_ms is not None:
        sql += _WRITTEN
        params.append(written_ms)
    return tx.each(f"{sql} ORDER BY hash, range, base LIMIT ?", *params, limit)  # type: ignore[return-value]


def sweep(tx: Tx, index: int, limit: int) -> int:
    """Remove up to `limit` rows of an index that is gone; how many."""
    rows = tx.all(_SOME, index, limit)
    if rows:
        tx.many(_DELETE, [(index, *row) for row in rows])
    return len(rows)
