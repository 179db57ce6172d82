"""Streams of tables: their shards, and where each of their slots has come to.

A stream has one shard at a time for each of its slots, and a partition key falls to one slot for the stream's whole life, so
that an item's changes keep their order.  A head is a slot's open shard and the last position that was given there.  Positions
go on from a shard to its child; the last of a closed shard is no record's.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    stream INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (stream, slot)
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
_EVERYWHERE = f"SELECT {_STREAM} FROM dynamodb_streams ORDER BY id"
_REMOVE = "DELETE FROM dynamodb_streams WHERE id = ?"

_SHARD = "id, stream, name, slot, parent, opened_ms, first, closed_ms, last, trimmed"
_OPEN = f"INSERT INTO dynamodb_shards ({_SHARD}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)"
_CLOSE_SHARD = "UPDATE dynamodb_shards SET closed_ms = ?, last = ? WHERE id = ? RETURNING name"
_SHARD_BY_ID = f"SELECT {_SHARD} FROM dynamodb_shards WHERE id = ?"
_SHARD_BY_NAME = f"SELECT {_SHARD} FROM dynamodb_shards WHERE stream = ? AND name = ?"
_SHARDS = f"SELECT {_SHARD} FROM dynamodb_shards WHERE stream = ? AND name > ? AND (closed_ms IS NULL OR closed_ms > ?) ORDER BY name LIMIT ?"
_CHILDREN = f"SELECT {_SHARD} FROM dynamodb_shards WHERE stream = ? AND name > ? AND parent = ? ORDER BY name LIMIT ?"
_ALL_SHARDS = f"SELECT {_SHARD} FROM dynamodb_shards WHERE stream = ? ORDER BY name"
_REMOVE_SHARD = "DELETE FROM dynamodb_shards WHERE id = ?"
_TRIMMED = "UPDATE dynamodb_shards SET trimmed = ? WHERE id = ?"

_NEW_HEAD = "INSERT INTO dynamodb_heads (stream, slot, shard, opened_ms, last) VALUES (?, ?, ?, ?, ?)"
_HOLD = "UPDATE dynamodb_heads SET last = last WHERE stream = ? AND slot = ? RETURNING slot, shard, opened_ms, last"
_MOVE = "UPDATE dynamodb_heads SET shard = ?, opened_ms = ?, last = ? WHERE stream = ? AND slot = ?"
_HEAD = "SELECT slot, shard, opened_ms, last FROM dynamodb_heads WHERE stream = ? AND slot = ?"
_HEADS = "SELECT slot, shard, opened_ms, last FROM dynamodb_heads WHERE stream = ? ORDER BY slot"
_REMOVE_HEAD = "DELETE FROM dynamodb_heads WHERE stream = ? AND slot = ?"


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
        shard = _open_shard(tx, id, slot, None, 1, tx.now_ms)
        tx.execute(_NEW_HEAD, id, slot, shard, tx.now_ms, 0)
    return Stream(id, table.account, table.region, table.name, label, table.id, view, keys, tx.now_ms, None)


def close_stream(tx: Tx, table_id: int) -> None:
    """No more changes come; its shards are closed once what waits is in them."""
    tx.execute(_CLOSE, tx.now_ms, table_id)


def hold(tx: Tx, stream: int, slot: int) -> Head | None:
    """A slot's head, which nobody else moves before this transaction ends; None when its last shard is closed."""
    row = tx.one(_HOLD, stream, slot)
    return None if row is None else Head(*row)


def move(tx: Tx, stream: int, head: Head) -> None:
    tx.execute(_MOVE, head.shard, head.opened_ms, head.last, stream, head.slot)


def turn(tx: Tx, stream: int, head: Head, at_ms: int) -> Head:
    """Close the shard of a head that is held, and open a child."""
    name = _close_shard(tx, head, at_ms)
    shard = _open_shard(tx, stream, head.slot, name, head.last + 2, at_ms)
    turned = Head(head.slot, shard, at_ms, head.last + 1)
    move(tx, stream, turned)
    return turned


def end(tx: Tx, stream: Stream, head: Head) -> None:
    """Close the last shard of a slot of a stream that was closed."""
    _close_shard(tx, head, stream.closed_ms or tx.now_ms)
    tx.execute(_REMOVE_HEAD, stream.id, head.slot)


def head_of(tx: Tx, stream: int, slot: int) -> Head | None:
    row = tx.one(_HEAD, stream, slot)
    return None if row is None else Head(*row)


def heads(tx: Tx, stream: int) -> list[Head]:
    return [Head(*row) for row in tx.all(_HEADS, stream)]


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


def _open_shard(tx: Tx, stream: int, slot: int, parent: str | None, first: int, at_ms: int) -> int:
    id = tables.new_id(tx)
    tx.execute(_OPEN, id, stream, f"shardId-{at_ms:020d}-{tx.ids.hex(8)}", slot, parent, at_ms, first, first - 1)
    return id


def _close_shard(tx: Tx, head: Head, at_ms: int) -> str:
    """Its name."""
    row = tx.one(_CLOSE_SHARD, at_ms, head.last + 1, head.shard)
    assert row is not None
    return row[0]


def _stream(row: Row) -> Stream:
    id, account, region, table_name, label, table_id, view, keys, created_ms, closed_ms = row
    return Stream(id, account, region, table_name, label, table_id, view, orjson.loads(keys), created_ms, closed_ms)
