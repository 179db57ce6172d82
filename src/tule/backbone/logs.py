"""Ordered logs: records by log and shard, in the order of their commits; consumers keep cursors.

A sequence is drawn from the shard's own row in the writer's transaction, so a reader that has seen sequence n will
never later find a smaller one that it missed, on either store.  (Writers of one shard therefore take turns; spread what
is busy over shards.)

A consumer claims a shard's cursor, reads on from it, and moves it in the transaction of its own effect: effect and
progress are one, so each record has its effect exactly once.  A claim has a lease by the node's clock and raises the
cursor's epoch; whoever lost the lease is refused at the next move (`CursorLost`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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


_SHARDS = "SELECT shard, last FROM log_shards WHERE log = ? ORDER BY shard"
_LAST = "SELECT last FROM log_shards WHERE log = ? AND shard = ?"
_OLDEST = "SELECT min(sequence) FROM log_records WHERE log = ? AND shard = ?"
_TRIM = (
    "DELETE FROM log_records WHERE log = ? AND (shard, sequence) IN"
    " (SELECT shard, sequence FROM log_records WHERE log = ? AND at_ms < ? ORDER BY at_ms LIMIT ?)"
)
_FORGET = tuple(f"DELETE FROM {table} WHERE log = ?" for table in ("log_records", "log_cursors", "log_shards"))
_CLAIM = (
    "INSERT INTO log_cursors (log, shard, consumer, sequence, owner, lease_until_ms, epoch) VALUES (?, ?, ?, ?, ?, ?, 1)"
    " ON CONFLICT (log, shard, consumer) DO UPDATE SET owner = excluded.owner, lease_until_ms = excluded.lease_until_ms,"
    " epoch = log_cursors.epoch + 1 WHERE log_cursors.lease_until_ms <= ? OR log_cursors.owner = excluded.owner RETURNING sequence, epoch"
)
_OF_CURSOR = "WHERE log = ? AND shard = ? AND consumer = ? AND epoch = ?"
_MOVE = f"UPDATE log_cursors SET sequence = ?, lease_until_ms = ? {_OF_CURSOR}"
_RENEW = f"UPDATE log_cursors SET lease_until_ms = ? {_OF_CURSOR}"
_POSITION = "SELECT sequence FROM log_cursors WHERE log = ? AND shard = ? AND consumer = ?"
_DROP = "DELETE FROM log_cursors WHERE log = ? AND consumer = ?"


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


def shards(tx: Tx, log: str) -> list[tuple[str, int]]:
    """The shards that something was appended to, each with its last sequence."""
    return [(shard, last) for shard, last in tx.all(_SHARDS, log)]


def last(tx: Tx, log: str, shard: str) -> int:
    """The last sequence that was given; 0 when there is none.  A consumer of what comes from now on begins after it."""
    row = tx.one(_LAST, log, shard)
    return 0 if row is None else row[0]


def oldest(tx: Tx, log: str, shard: str) -> int | None:
    """The first sequence that is still there."""
    row = tx.one(_OLDEST, log, shard)
    return None if row is None else row[0]


def trim(tx: Tx, log: str, before_ms: int, limit: int = 1_000) -> int:
    """Remove up to `limit` records older than `before_ms`, oldest first; how many went."""
    return tx.execute(_TRIM, log, log, before_ms, limit)


def forget(tx: Tx, log: str) -> None:
    """Remove a log with all its records and cursors."""
    for statement in _FORGET:
        tx.execute(statement, log)


class CursorLost(Exception):
    """Another consumer claimed the shard meanwhile, or it was forgotten."""


@dataclass(slots=True, frozen=True)
class Cursor:
    """A claimed place in a shard: `consumer` has dealt with everything up to `sequence`."""

    log: str
    shard: str
    consumer: str
    sequence: int
    epoch: int

    def read(self, tx: Tx, limit: int = 1_000) -> list[Record]:
        """What comes next."""
        return read(tx, self.log, self.shard, self.sequence, limit)

    def move(self, tx: Tx, sequence: int, lease_ms: int) -> Cursor:
        """Everything up to `sequence` is dealt with, by this very transaction; the lease lasts `lease_ms` more.  Raises CursorLost."""
        if tx.execute(_MOVE, sequence, tx.now_ms + lease_ms, self.log, self.shard, self.consumer, self.epoch) == 0:
            raise CursorLost(f"{self.consumer} of {self.log} {self.shard}")
        return replace(self, sequence=sequence)

    def renew(self, tx: Tx, lease_ms: int) -> None:
        """The effect takes longer.  Raises CursorLost."""
        if tx.execute(_RENEW, tx.now_ms + lease_ms, self.log, self.shard, self.consumer, self.epoch) == 0:
            raise CursorLost(f"{self.consumer} of {self.log} {self.shard}")

    def release(self, tx: Tx) -> None:
        """Let others claim the shard at once.  Nothing happens when it was lost."""
        tx.execute(_RENEW, 0, self.log, self.shard, self.consumer, self.epoch)


def claim(tx: Tx, log: str, shard: str, consumer: str, owner: str, lease_ms: int, *, begin: int = 0) -> Cursor | None:
    """The consumer's place in a shard, held by `owner` (a node) for `lease_ms`; None while another owner holds it.

    A consumer that never was here begins after `begin`: 0 for all there is, `last(...)` for what comes from now on.
    """
    row = tx.one(_CLAIM, log, shard, consumer, begin, owner, tx.now_ms + lease_ms, tx.now_ms)
    return None if row is None else Cursor(log, shard, consumer, row[0], row[1])


def position(tx: Tx, log: str, shard: str, consumer: str) -> int | None:
    """How far a consumer has come, without claiming."""
    row = tx.one(_POSITION, log, shard, consumer)
    return None if row is None else row[0]


def drop_consumer(tx: Tx, log: str, consumer: str) -> None:
    """It will not come back."""
    tx.execute(_DROP, log, consumer)
