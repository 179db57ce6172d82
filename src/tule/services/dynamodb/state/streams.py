"""Streams of tables: their shards, and where the next change of a table goes.

A stream has one shard at a time for each of its slots, and a partition key falls to one slot for the stream's whole life, so
that an item's changes keep their order.  A head is a slot's open shard and the last position that it gave; a writer draws the
next one from it, in its transaction, so that a reader never later finds a smaller position that it missed.  Positions go on
from a shard to its child.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tule.core.arn import arn
from tule.services.dynamodb.state import tables
from tule.services.dynamodb.table import Table
from tule.store.store import Row, Tx

SCHEMA = """
CREATE TABLE dynamodb_streams (
    id INTEGER NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    table_name TEXT NOT NULL,
    label TEXT NOT NULL,
    table_id INTEGER NOT NULL,
    view TEXT NOT NULL,
    keys BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    closed_ms INTEGER
);
CREATE UNIQUE INDEX dynamodb_streams_by_name ON dynamodb_streams (account, region, table_name, label);
CREATE INDEX dynamodb_streams_of_table ON dynamodb_streams (table_id);
CREATE TABLE dynamodb_shards (
    id INTEGER NOT NULL PRIMARY KEY,
    stream INTEGER NOT NULL,
    name TEXT NOT NULL,
    slot INTEGER NOT NULL,
    parent TEXT,
    opened_ms INTEGER NOT NULL,
    first INTEGER NOT NULL,
    closed_ms INTEGER,
    last INTEGER,
    trimmed INTEGER NOT NULL
);
CREATE UNIQUE INDEX dynamodb_shards_of_stream ON dynamodb_shards (stream, name);
CREATE TABLE dynamodb_heads (
    table_id INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (table_id, slot)
);
"""

_STREAM = "id, account, region, table_name, label, table_id, view, keys, created_ms, closed_ms"
_INSERT = f"INSERT INTO dynamodb_streams ({_STREAM}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
_FIND = f"SELECT {_STREAM} FROM dynamodb_streams WHERE account = ? AND region = ? AND table_name = ? AND label = ?"
_BY_ID = f"SELECT {_STREAM} FROM dynamodb_streams WHERE id = ?"
_PAGE = (
    f"SELECT {_STREAM} FROM dynamodb_streams WHERE account = ? AND region = ? AND (table_name, label) > (?, ?)"
    " AND (closed_ms IS NULL OR closed_ms > ?) ORDER BY table_name, label LIMIT ?"
)
_PAGE_OF_TABLE = (
    f"SELECT {_STREAM} FROM dynamodb_streams WHERE account = ? AND region = ? AND table_name = ? AND label > ?"
    " AND (closed_ms IS NULL OR closed_ms > ?) ORDER BY label LIMIT ?"
)
_CLOSE = "UPDATE dynamodb_streams SET closed_ms = ? WHERE table_id = ? AND closed_ms IS NULL"
_CLOSED_BEFORE = f"SELECT {_STREAM} FROM dynamodb_streams WHERE closed_ms <= ?"
_EVERYWHERE = f"SELECT {_STREAM} FROM dynamodb_streams ORDER BY id"
_REMOVE = "DELETE FROM dynamodb_streams WHERE id = ?"

_SHARD = "id, stream, name, slot, parent, opened_ms, first, closed_ms, last, trimmed"
_OPEN = f"INSERT INTO dynamodb_shards ({_SHARD}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)"
_CLOSE_SHARD = "UPDATE dynamodb_shards SET closed_ms = ?, last = ? WHERE id = ? RETURNING stream, name"
_SHARD_BY_ID = f"SELECT {_SHARD} FROM dynamodb_shards WHERE id = ?"
_SHARD_BY_NAME = f"SELECT {_SHARD} FROM dynamodb_shards WHERE stream = ? AND name = ?"
_SHARDS = f"SELECT {_SHARD} FROM dynamodb_shards WHERE stream = ? AND name > ? AND (closed_ms IS NULL OR closed_ms > ?) ORDER BY name LIMIT ?"
_CHILDREN = f"SELECT {_SHARD} FROM dynamodb_shards WHERE stream = ? AND name > ? AND parent = ? ORDER BY name LIMIT ?"
_ALL_SHARDS = f"SELECT {_SHARD} FROM dynamodb_shards WHERE stream = ? ORDER BY name"
_REMOVE_SHARD = "DELETE FROM dynamodb_shards WHERE id = ?"
_TRIMMED = "UPDATE dynamodb_shards SET trimmed = ? WHERE id = ?"

_NEW_HEAD = "INSERT INTO dynamodb_heads (table_id, slot, shard, opened_ms, last) VALUES (?, ?, ?, ?, ?)"
_DRAW = "UPDATE dynamodb_heads SET last = last + 1 WHERE table_id = ? AND slot = ? RETURNING shard, opened_ms, last"
_TURN = "UPDATE dynamodb_heads SET shard = ?, opened_ms = ?, last = ? WHERE table_id = ? AND slot = ?"
_HEADS = "SELECT slot, shard, opened_ms, last FROM dynamodb_heads WHERE table_id = ? ORDER BY slot"
_LAST = "SELECT last FROM dynamodb_heads WHERE table_id = ? AND slot = ?"
_REMOVE_HEADS = "DELETE FROM dynamodb_heads WHERE table_id = ?"
_OLD_HEADS = "SELECT table_id, slot, shard, opened_ms, last FROM dynamodb_heads WHERE opened_ms <= ?"


@dataclass(slots=True, frozen=True)
class Stream:
    id: int
    account: str
    region: str
    table_name: str
    label: str
    table_id: int
    view: str
    keys: list[dict[str, str]]  # as AWS's KeySchema
    created_ms: int
    closed_ms: int | None

    @property
    def arn(self) -> str:
        return arn("dynamodb", self.region, self.account, f"table/{self.table_name}/stream/{self.label}")


@dataclass(slots=True, frozen=True)
class Shard:
    """Its records have positions from `first` on, to `last` once it is closed; up to `trimmed` they are gone."""

    id: int
    stream: int
    name: str
    slot: int
    parent: str | None
    opened_ms: int
    first: int
    closed_ms: int | None
    last: int | None
    trimmed: int


@dataclass(slots=True, frozen=True)
class Head:
    """A slot's open shard, and the last position that was given."""

    slot: int
    shard: int
    opened_ms: int
    last: int


def open_stream(tx: Tx, table: Table, label: str, view: str, keys: list[dict[str, str]], slots: int) -> Stream:
    id = tables.new_id(tx)
    tx.execute(_INSERT, id, table.account, table.region, table.name, label, table.id, view, orjson.dumps(keys), tx.now_ms)
    for slot in range(slots):
        shard = _open_shard(tx, id, slot, None, 0)
        tx.execute(_NEW_HEAD, table.id, slot, shard, tx.now_ms, 0)
    return Stream(id, table.account, table.region, table.name, label, table.id, view, keys, tx.now_ms, None)


def close_stream(tx: Tx, table_id: int) -> None:
    """Close the open stream of a table, if it has one, and its shards."""
    if tx.execute(_CLOSE, tx.now_ms, table_id):
        for slot, shard, opened_ms, last in tx.all(_HEADS, table_id):
            _close_shard(tx, Head(slot, shard, opened_ms, last + 1))  # an empty shard has numbers, too
        tx.execute(_REMOVE_HEADS, table_id)


def draw(tx: Tx, table_id: int, slot: int) -> Head | None:
    """The position for a change of this slot, as the head's `last`; None when the table has no open stream."""
    row = tx.one(_DRAW, table_id, slot)
    return None if row is None else Head(slot, *row)


def turn(tx: Tx, table_id: int, head: Head) -> Head:
    """Close the shard of a head that was just drawn from, and open a child in its place, which has the position given."""
    stream, name = _close_shard(tx, head)
    last = head.last + 1
    shard = _open_shard(tx, stream, head.slot, name, last)
    tx.execute(_TURN, shard, tx.now_ms, last, table_id, head.slot)
    return Head(head.slot, shard, tx.now_ms, last)


def old_heads(tx: Tx, opened_until_ms: int) -> list[tuple[int, Head]]:
    """Heads of shards that were opened so long ago, with their tables' ids."""
    return [(table_id, Head(*head)) for table_id, *head in tx.all(_OLD_HEADS, opened_until_ms)]


def last_position(tx: Tx, table_id: int, slot: int) -> int:
    row = tx.one(_LAST, table_id, slot)
    return 0 if row is None else row[0]


def find(tx: Tx, account: str, region: str, table_name: str, label: str) -> Stream | None:
    row = tx.one(_FIND, account, region, table_name, label)
    return None if row is None else _stream(row)


def by_id(tx: Tx, id: int) -> Stream | None:
    row = tx.one(_BY_ID, id)
    return None if row is None else _stream(row)


def page(tx: Tx, account: str, region: str, after: tuple[str, str], horizon_ms: int, limit: int) -> list[Stream]:
    """Streams after one of this table's name and label, but for those that were closed before the horizon."""
    return [_stream(row) for row in tx.all(_PAGE, account, region, *after, horizon_ms, limit)]


def page_of_table(tx: Tx, account: str, region: str, table_name: str, after: str, horizon_ms: int, limit: int) -> list[Stream]:
    return [_stream(row) for row in tx.all(_PAGE_OF_TABLE, account, region, table_name, after, horizon_ms, limit)]


def everywhere(tx: Tx) -> list[Stream]:
    return [_stream(row) for row in tx.all(_EVERYWHERE)]


def closed_before(tx: Tx, horizon_ms: int) -> list[Stream]:
    return [_stream(row) for row in tx.all(_CLOSED_BEFORE, horizon_ms)]


def remove(tx: Tx, stream: Stream) -> None:
    """Its shards must be gone."""
    tx.execute(_REMOVE, stream.id)


def shard_by_id(tx: Tx, id: int) -> Shard | None:
    row = tx.one(_SHARD_BY_ID, id)
    return None if row is None else Shard(*row)


def shard_by_name(tx: Tx, stream: Stream, name: str) -> Shard | None:
    row = tx.one(_SHARD_BY_NAME, stream.id, name)
    return None if row is None else Shard(*row)


def shards(tx: Tx, stream: Stream, after: str, horizon_ms: int, limit: int) -> list[Shard]:
    """In the order of their names, which is that of their opening; without those that were closed before the horizon."""
    return [Shard(*row) for row in tx.all(_SHARDS, stream.id, after, horizon_ms, limit)]


def children(tx: Tx, stream: Stream, after: str, parent: str, limit: int) -> list[Shard]:
    return [Shard(*row) for row in tx.all(_CHILDREN, stream.id, after, parent, limit)]


def all_shards(tx: Tx, stream: Stream) -> list[Shard]:
    return [Shard(*row) for row in tx.all(_ALL_SHARDS, stream.id)]


def remove_shard(tx: Tx, shard: Shard) -> None:
    """Its records must be gone."""
    tx.execute(_REMOVE_SHARD, shard.id)


def note_trimmed(tx: Tx, shard: int, position: int) -> None:
    tx.execute(_TRIMMED, position, shard)


def _open_shard(tx: Tx, stream: int, slot: int, parent: str | None, last: int) -> int:
    """Its first position is the one after `last`, or `last` itself where the caller has drawn it for a child."""
    id = tables.new_id(tx)
    first = last + 1 if parent is None else last
    tx.execute(_OPEN, id, stream, f"shardId-{tx.now_ms:020d}-{tx.ids.hex(8)}", slot, parent, tx.now_ms, first, first - 1)
    return id


def _close_shard(tx: Tx, head: Head) -> tuple[Any, ...]:
    row = tx.one(_CLOSE_SHARD, tx.now_ms, head.last, head.shard)
    assert row is not None
    return row


def _stream(row: Row) -> Stream:
    id, account, region, table_name, label, table_id, view, keys, created_ms, closed_ms = row
    return Stream(id, account, region, table_name, label, table_id, view, orjson.loads(keys), created_ms, closed_ms)
