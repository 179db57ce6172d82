"""When items expire, for tables with time to live: one row for each item that will, found by its time."""

from __future__ import annotations

from typing import NamedTuple

from tule.services.dynamodb.state.items import Position
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE dynamodb_expiries (
    table_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    range BLOB NOT NULL,
    due_ms INTEGER NOT NULL,
    PRIMARY KEY (table_id, hash, range)
);
CREATE INDEX dynamodb_expiries_due ON dynamodb_expiries (due_ms);
"""
TOPIC = "dynamodb.expiries"  # woken by whatever may have made an item due

_PUT = (
    "INSERT INTO dynamodb_expiries (table_id, hash, range, due_ms) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (table_id, hash, range) DO UPDATE SET due_ms = excluded.due_ms"
)
_REMOVE = "DELETE FROM dynamodb_expiries WHERE table_id = ? AND hash = ? AND range = ?"
_DUE = "SELECT table_id, hash, range, due_ms FROM dynamodb_expiries WHERE due_ms <= ? ORDER BY due_ms LIMIT ?"
_NEXT = "SELECT min(due_ms) FROM dynamodb_expiries"
_SOME = "SELECT table_id, hash, range FROM dynamodb_expiries WHERE table_id = ? LIMIT ?"


class Expiry(NamedTuple):
    table: int
    at: Position
    due_ms: int


def put(tx: Tx, table: int, at: Position, due_ms: int) -> None:
    tx.execute(_PUT, table, at[0], at[1], due_ms)
    tx.wake(TOPIC)


def remove(tx: Tx, table: int, at: Position) -> None:
    tx.execute(_REMOVE, table, at[0], at[1])


def due(tx: Tx, limit: int) -> list[Expiry]:
    """The earliest of those that are due by now."""
    return [Expiry(table, Position(hash, range), due_ms) for table, hash, range, due_ms in tx.all(_DUE, tx.now_ms, limit)]


def next_ms(tx: Tx) -> int | None:
    row = tx.one(_NEXT)
    return None if row is None else row[0]


def clear(tx: Tx, table: int, limit: int) -> int:
    """Forget up to `limit` items of a table; how many."""
    found = tx.all(_SOME, table, limit)
    if found:
        tx.many(_REMOVE, found)
    return len(found)
