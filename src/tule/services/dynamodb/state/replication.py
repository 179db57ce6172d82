"""What replicas of a global table owe each other: changes on their way, and the latest version of every item.

A version is the microsecond of the write and the region in which it was made; the later one wins, and of two in the same
microsecond the region that sorts later.  An item that was deleted keeps its version, so that an older write does not bring
it back.
"""

from __future__ import annotations

from typing import NamedTuple

from tule.services.dynamodb.state.items import Position, Stored
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE dynamodb_versions (
    table_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    range BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    region TEXT NOT NULL,
    gone_ms INTEGER,
    PRIMARY KEY (table_id, hash, range)
);
CREATE INDEX dynamodb_versions_gone ON dynamodb_versions (gone_ms) WHERE gone_ms IS NOT NULL;
CREATE TABLE dynamodb_outbox (
    sequence INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    table_name TEXT NOT NULL,
    hash BLOB NOT NULL,
    range BLOB NOT NULL,
    key BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    origin TEXT NOT NULL,
    size INTEGER,
    item BLOB
);
CREATE INDEX dynamodb_outbox_by_table ON dynamodb_outbox (account, region, table_name, sequence);
"""
TOPIC = "dynamodb.outbox"

_WRITE = (
    "INSERT INTO dynamodb_versions (table_id, hash, range, at_us, region, gone_ms) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (table_id, hash, range)"
    " DO UPDATE SET at_us = greatest(dynamodb_versions.at_us + 1, excluded.at_us), region = excluded.region, gone_ms = excluded.gone_ms"
    " RETURNING at_us"
)
_ADOPT = (
    "INSERT INTO dynamodb_versions (table_id, hash, range, at_us, region, gone_ms) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (table_id, hash, range)"
    " DO UPDATE SET at_us = excluded.at_us, region = excluded.region, gone_ms = excluded.gone_ms"
    " WHERE (dynamodb_versions.at_us, dynamodb_versions.region) < (excluded.at_us, excluded.region)"
)
_VERSION = "SELECT at_us, region FROM dynamodb_versions WHERE table_id = ? AND hash = ? AND range = ?"
_FORGET_GONE = (
    "DELETE FROM dynamodb_versions WHERE gone_ms <= ? AND (table_id, hash, range) IN"
    " (SELECT table_id, hash, range FROM dynamodb_versions WHERE gone_ms <= ? LIMIT ?)"
)
_SOME = "SELECT table_id, hash, range FROM dynamodb_versions WHERE table_id = ? LIMIT ?"
_FORGET = "DELETE FROM dynamodb_versions WHERE table_id = ? AND hash = ? AND range = ?"
_SEND = "INSERT INTO dynamodb_outbox (account, region, table_name, hash, range, key, at_us, origin, size, item) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WAITING = "SELECT DISTINCT account, region, table_name FROM dynamodb_outbox LIMIT ?"
_NEXT = (
    "SELECT sequence, hash, range, key, at_us, origin, size, item FROM dynamodb_outbox"
    " WHERE account = ? AND region = ? AND table_name = ? ORDER BY sequence LIMIT ?"
)
_SENT = "DELETE FROM dynamodb_outbox WHERE sequence = ?"


class Version(NamedTuple):
    at_us: int
    region: str


class Target(NamedTuple):
    """The replica that a change goes to."""

    account: str
    region: str
    table_name: str


class Sent(NamedTuple):
    """A change on its way; `item` None: deleted."""

    sequence: int
    at: Position
    key: bytes
    version: Version
    item: Stored | None


def written(tx: Tx, table: int, at: Position, region: str, *, gone: bool) -> Version:
    """A write in this region: a version later than any that the item had here."""
    row = tx.one(_WRITE, table, at[0], at[1], tx.now_ms * 1000, region, tx.now_ms if gone else None)
    assert row is not None
    return Version(row[0], region)


def adopt(tx: Tx, table: int, at: Position, version: Version, *, gone: bool) -> bool:
    """Whether a write of another region wins here; its version is the item's then."""
    return tx.execute(_ADOPT, table, at[0], at[1], version.at_us, version.region, tx.now_ms if gone else None) == 1


def version_of(tx: Tx, table: int, at: Position) -> Version | None:
    row = tx.one(_VERSION, table, *at)
    return None if row is None else Version._make(row)


def forget_gone(tx: Tx, until_ms: int, limit: int) -> int:
    """Remove up to `limit` versions of items that were deleted by then; how many."""
    return tx.execute(_FORGET_GONE, until_ms, until_ms, limit)


def forget(tx: Tx, table: int, limit: int) -> int:
    """Remove up to `limit` versions of a table that is no replica any more; how many."""
    found = tx.all(_SOME, table, limit)
    if found:
        tx.many(_FORGET, found)
    return len(found)


def send(tx: Tx, to: Target, at: Position, key: bytes, version: Version, item: Stored | None) -> None:
    body, size = (None, None) if item is None else (item.item, item.size)
    tx.execute(_SEND, *to, at[0], at[1], key, version.at_us, version.region, size, body)
    tx.wake(TOPIC)


def waiting(tx: Tx, limit: int) -> list[Target]:
    """Replicas to which something is on its way."""
    return [Target._make(row) for row in tx.all(_WAITING, limit)]


def next_for(tx: Tx, to: Target, limit: int) -> list[Sent]:
    """What goes to a replica, in the order in which it was sent."""
    rows = tx.all(_NEXT, *to, limit)
    return [
        Sent(sequence, Position(hash, range), key, Version(at_us, origin), None if item is None else Stored(item, size))
        for sequence, hash, range, key, at_us, origin, size, item in rows
    ]


def sent(tx: Tx, sequences: list[int]) -> None:
    """It has arrived."""
    tx.many(_SENT, [(sequence,) for sequence in sequences])
