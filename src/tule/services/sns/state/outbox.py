"""Messages on their way to queues, until the queue has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE sns_outbox (
    sequence INTEGER PRIMARY KEY,
    subscription TEXT NOT NULL,
    message BLOB NOT NULL,
    trace TEXT
);
CREATE INDEX sns_outbox_by_subscription ON sns_outbox (subscription, sequence);
"""

_INSERT = "INSERT INTO sns_outbox (subscription, message, trace) VALUES (?, ?, ?)"
_WAITS = "SELECT 1 FROM sns_outbox WHERE subscription = ? LIMIT 1"
_FIRST = "SELECT sequence, message, trace FROM sns_outbox WHERE subscription = ? ORDER BY sequence LIMIT ?"
_DELETE = "DELETE FROM sns_outbox WHERE sequence = ?"


class Waiting(NamedTuple):
    sequence: int
    message: bytes
    trace: str | None


def put(tx: Tx, subscription: str, message: bytes, trace: str | None) -> None:
    tx.execute(_INSERT, subscription, message, trace)


def is_empty(tx: Tx, subscription: str) -> bool:
    return tx.one(_WAITS, subscription) is None


def first(tx: Tx, subscription: str, limit: int) -> list[Waiting]:
    return [Waiting(*row) for row in tx.all(_FIRST, subscription, limit)]


def remove(tx: Tx, sequences: Sequence[int]) -> None:
    tx.many(_DELETE, [(sequence,) for sequence in sequences])
