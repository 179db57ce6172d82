"""Ordered logs: records by log and shard, in the order of their commits; consumers keep cursors.

A sequence is drawn from the shard's own row in the writer's transaction, so a reader that has seen sequence n will
never later find a smaller one that it missed, on either store.
"""

from __future__ import annotations

from dataclasses import dataclass

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE log_shards (
    log TEXT NOT NULL,
    shard TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (log, shard)
);
CREATE TABLE log_records (
    log TEXT NOT NULL,
    shard TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (log, shard, sequence)
);
CREATE INDEX log_records_by_age ON log_records (log, at_ms);
CREATE TABLE log_cursors (
    log TEXT NOT NULL,
    shard TEXT NOT NULL,
    consumer TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    owner TEXT NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (log, shard, consumer)
);
"""

_NEXT = "INSERT INTO log_shards (log, shard, last) VALUES (?, ?, 1) ON CONFLICT (log, shard) DO UPDATE SET last = log_shards.last + 1 RETURNING last"
_APPEND = "INSERT INTO log_records (log, shard, sequence, at_ms, data) VALUES (?, ?, ?, ?, ?)"
_READ = "SELECT sequence, at_ms, data FROM log_records WHERE log = ? AND shard = ? AND sequence > ? ORDER BY sequence LIMIT ?"


@dataclass(slots=True, frozen=True)
class Record:
    sequence: int
    at_ms: int
    data: bytes


def topic(log: str) -> str:
    """Woken whenever something is appended to `log`."""
    return f"log:{log}"


def append(tx: Tx, log: str, shard: str, data: bytes) -> int:
    """Add a record; its sequence, from 1."""
    row = tx.one(_NEXT, log, shard)
    assert row is not None
    tx.execute(_APPEND, log, shard, row[0], tx.now_ms, data)
    tx.wake(topic(log))
    return row[0]


def read(tx: Tx, log: str, shard: str, after: int = 0, limit: int = 1_000) -> list[Record]:
    """Records whose sequence is greater than `after`, oldest first."""
    return [Record(*row) for row in tx.all(_READ, log, shard, after, limit)]
