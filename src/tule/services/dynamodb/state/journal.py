"""What point-in-time recovery keeps: of every change of an item, the item as it was before.

The state at a time is the present one with the changes since undone: an item that changed is as the first change since then
found it.  Kept by item, so that a restore goes through items and journal side by side.
"""

from __future__ import annotations

from typing import NamedTuple

from tule.services.dynamodb.state.items import STEP_BYTES, Position, Stored
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE dynamodb_journal (
    sequence INTEGER PRIMARY KEY,
    table_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    range BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    size INTEGER,
    item BLOB
);
CREATE INDEX dynamodb_journal_by_item ON dynamodb_journal (table_id, hash, range, sequence);
CREATE INDEX dynamodb_journal_by_age ON dynamodb_journal (table_id, at_ms);
"""

_INSERT = "INSERT INTO dynamodb_journal (table_id, hash, range, at_ms, size, item) VALUES (?, ?, ?, ?, ?, ?)"
_CHANGED = (
    "SELECT hash, range, min(sequence) FROM dynamodb_journal WHERE table_id = ? AND at_ms > ? AND (hash, range) > (?, ?)"
    " GROUP BY hash, range ORDER BY hash, range LIMIT ?"
)
_ONE = "SELECT item, size FROM dynamodb_journal WHERE sequence = ?"
_TRIM = (
    "DELETE FROM dynamodb_journal WHERE sequence IN (SELECT sequence FROM dynamodb_journal WHERE table_id = ? AND at_ms <= ? ORDER BY at_ms LIMIT ?)"
)
_NEXT_TABLE = "SELECT min(table_id) FROM dynamodb_journal WHERE table_id > ?"


class Changed(NamedTuple):
    """An item that changed since a time, as it was then; None: it was not there."""

    at: Position
    before: Stored | None


def append(tx: Tx, table: int, at: Position, before: bytes | None, size: int | None) -> None:
    tx.execute(_INSERT, table, at[0], at[1], tx.now_ms, size, before)


def changed_since(tx: Tx, table: int, at_ms: int, after: Position, limit: int) -> tuple[list[Changed], bool]:
    """The next items after a position that changed later than `at_ms`, and whether there may be more: fewer where they are large."""
    found: list[Changed] = []
    room = STEP_BYTES
    for hash, range, sequence in tx.all(_CHANGED, table, at_ms, *after, limit):
        row = tx.one(_ONE, sequence)
        assert row is not None
        found.append(Changed(Position(hash, range), None if row[0] is None else Stored(row[0], row[1])))
        room -= row[1] or 0
        if room <= 0:
            return found, True
    return found, len(found) == limit


def trim(tx: Tx, table: int, until_ms: int, limit: int) -> int:
    """Remove up to `limit` entries of that time or before; how many."""
    return tx.execute(_TRIM, table, until_ms, limit)


def tables(tx: Tx) -> list[int]:
    """Ids of the tables that have a journal, also of those that are gone; costs a look for each."""
    found: list[int] = []
    row = tx.one(_NEXT_TABLE, 0)
    while row is not None and row[0] is not None:
        found.append(row[0])
        row = tx.one(_NEXT_TABLE, row[0])
    return found
