"""Items: one row each, its JSON as an answer shows it.

`hash` is a digest of the partition key (`keys.py`), so that a scan goes in its order, parallel segments are ranges of it, and
no key is too long for an index of PostgreSQL; `range` sorts as DynamoDB sorts the sort key.  `size` is the item's by DynamoDB's
rules.  Rows of 1 KB lie three to a page, beside an index of short keys: a table that is clustered by its key would have inner
pages full of items.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE dynamodb_items (
    table_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    range BLOB NOT NULL,
    size INTEGER NOT NULL,
    item BLOB NOT NULL,
    PRIMARY KEY (table_id, hash, range)
);
"""


class Position(NamedTuple):
    """Where an item lies in its table."""

    hash: bytes
    range: bytes


class Stored(NamedTuple):
    item: bytes
    size: int


class Step(NamedTuple):
    """Items with their positions and sizes; `more` where there may be some after them."""

    items: list[tuple[Position, bytes, int]]
    more: bool


class Span(NamedTuple):
    """Sort keys from `low` on and before `high`; None is without end."""

    low: bytes = b""
    high: bytes | None = None


START = Position(b"", b"")
STEP_BYTES = 4 << 20

_GET = "SELECT item, size FROM dynamodb_items WHERE table_id = ? AND hash = ? AND range = ?"
_GET_SOME = "SELECT hash, range, item, size FROM dynamodb_items WHERE table_id = ? AND (hash, range) IN (VALUES {})"
_PUT = (
    "INSERT INTO dynamodb_items (table_id, hash, range, size, item) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (table_id, hash, range) DO UPDATE SET size = excluded.size, item = excluded.item"
)
_PUT_FIRST = "INSERT INTO dynamodb_items (table_id, hash, range, size, item) VALUES (?, ?, ?, ?, ?) ON CONFLICT (table_id, hash, range) DO NOTHING"
_DELETE = "DELETE FROM dynamodb_items WHERE table_id = ? AND hash = ? AND range = ?"
_PAGE = "SELECT item, size FROM dynamodb_items WHERE table_id = ? AND hash = ? AND range >= ?"
_BEFORE = " AND range < ?"
_SCAN = "SELECT item, size FROM dynamodb_items WHERE table_id = ? AND (hash, range) > (?, ?)"
_SCAN_BEFORE = " AND hash < ?"
_SOME = "SELECT hash, range FROM dynamodb_items WHERE table_id = ? LIMIT ?"
_STEP = "SELECT hash, range, item, size FROM dynamodb_items WHERE table_id = ? AND (hash, range) > (?, ?) ORDER BY hash, range LIMIT ?"
_ANY = "SELECT 1 FROM dynamodb_items WHERE table_id = ? LIMIT 1"

_FORWARD = {
    False: f"{_PAGE} ORDER BY range LIMIT ?",
    True: f"{_PAGE}{_BEFORE} ORDER BY range LIMIT ?",
}
_BACKWARD = {
    False: f"{_PAGE} ORDER BY range DESC LIMIT ?",
    True: f"{_PAGE}{_BEFORE} ORDER BY range DESC LIMIT ?",
}
_SCANS = {
    False: f"{_SCAN} ORDER BY hash, range LIMIT ?",
    True: f"{_SCAN}{_SCAN_BEFORE} ORDER BY hash, range LIMIT ?",
}


def get(tx: Tx, table: int, at: Position) -> Stored | None:
    row = tx.one(_GET, table, *at)
    return None if row is None else Stored._make(row)


def get_all(tx: Tx, table: int, positions: Sequence[Position]) -> dict[tuple[bytes, bytes], tuple[bytes, int]]:
    """Those that are there, by one statement: items and sizes by position, in tuples without names, which are sooner made."""
    if len(positions) == 1:
        found = get(tx, table, positions[0])
        return {} if found is None else {positions[0]: found}
    rows = tx.all(_get_some(len(positions)), table, *chain.from_iterable(positions))
    return {(hash, range): (item, size) for hash, range, item, size in rows}


@lru_cache(maxsize=128)
def _get_some(count: int) -> str:
    return _GET_SOME.format(", ".join(["(?, ?)"] * count))


def put(tx: Tx, table: int, at: Position, item: bytes, size: int) -> None:
    tx.execute(_PUT, table, at[0], at[1], size, item)


def put_first(tx: Tx, table: int, at: Position, item: bytes, size: int) -> bool:
    """Put an item where there is none; whether that was so."""
    return tx.execute(_PUT_FIRST, table, at[0], at[1], size, item) == 1


def put_all(tx: Tx, table: int, rows: Sequence[tuple[Position, bytes, int]]) -> None:
    tx.many(_PUT, [(table, *at, size, item) for at, item, size in rows])


def delete(tx: Tx, table: int, at: Position) -> bool:
    return tx.execute(_DELETE, table, *at) == 1


def page(tx: Tx, table: int, hash: bytes, span: Span, limit: int, *, forward: bool) -> Iterator[tuple[bytes, int]]:
    """Items of one partition key, in the order of their sort keys."""
    is_bounded = span.high is not None
    sql = (_FORWARD if forward else _BACKWARD)[is_bounded]
    bounds = (span.low, span.high) if is_bounded else (span.low,)
    return tx.each(sql, table, hash, *bounds, limit)  # type: ignore[return-value]


def scan(tx: Tx, table: int, after: Position, before: bytes | None, limit: int) -> Iterator[tuple[bytes, int]]:
    """Items after a position, up to the digest `before`, in the table's own order."""
    bounds = () if before is None else (before,)
    return tx.each(_SCANS[before is not None], table, *after, *bounds, limit)  # type: ignore[return-value]


def step(tx: Tx, table: int, after: Position, limit: int) -> Step:
    """The next items, for work in bounded steps: up to `limit`, and fewer where they are large."""
    found: list[tuple[Position, bytes, int]] = []
    room = STEP_BYTES
    for hash, range, item, size in tx.each(_STEP, table, *after, limit):
        found.append((Position(hash, range), item, size))
        room -= size
        if room <= 0:
            return Step(found, more=True)
    return Step(found, more=len(found) == limit)


def is_empty(tx: Tx, table: int) -> bool:
    return tx.one(_ANY, table) is None


def sweep(tx: Tx, table: int, limit: int) -> int:
    """Remove up to `limit` items of a table that is gone; how many."""
    rows = tx.all(_SOME, table, limit)
    if rows:
        tx.many(_DELETE, [(table, *row) for row in rows])
    return len(rows)
