"""Changes that were recorded and have no place in a shard yet.

A write only adds a row here, so that writers never wait for each other: what gave them an order would be what all of them
change.  Whoever reads the stream moves them into the shard, in the order of their numbers (`streams/sequencing.py`).  Two
changes of one item keep their order: the later transaction draws its number after the earlier one ended, or is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE dynamodb_stream_inbox (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX dynamodb_stream_inbox_of_slot ON dynamodb_stream_inbox (stream, slot, id);
"""

_ADD = "INSERT INTO dynamodb_stream_inbox (stream, slot, at_ms, record) VALUES (?, ?, ?, ?)"
_NEXT = "SELECT id, at_ms, record FROM dynamodb_stream_inbox WHERE stream = ? AND slot = ? ORDER BY id LIMIT ?"
_ANY = "SELECT 1 FROM dynamodb_stream_inbox WHERE stream = ? AND slot = ? LIMIT 1"
_REMOVE = "DELETE FROM dynamodb_stream_inbox WHERE id = ?"


class Waiting(NamedTuple):
    id: int
    at_ms: int
    record: bytes


def add(tx: Tx, stream: int, slot: int, record: bytes) -> None:
    tx.execute(_ADD, stream, slot, tx.now_ms, record)


def waiting(tx: Tx, stream: int, slot: int, limit: int) -> list[Waiting]:
    """The next of a slot."""
    return [Waiting._make(row) for row in tx.all(_NEXT, stream, slot, limit)]


def is_empty(tx: Tx, stream: int, slot: int) -> bool:
    return tx.one(_ANY, stream, slot) is None


def remove(tx: Tx, moved: Sequence[Waiting]) -> None:
    tx.many(_REMOVE, [(one.id,) for one in moved])
