"""Streams: who they are and how they are set up.

A stream's settings: mode, id, retention_hours, metrics, key (of KMS), sealed (it had one), max_record_kib, distribution, warm_mib, tags, policy
(the text that was given).  `layout` names the set of its open shards and is another after each change of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from tule.services.kinesis.names import StreamRef
from tule.store.store import Row, Tx

CHANGED = "kinesis.streams"  # the topic that every change of a stream wakes

PROVISIONED = "PROVISIONED"
ON_DEMAND = "ON_DEMAND"
AUTO = "AUTO"
BY_KEY = "USER_PARTITION_KEY"
HOUR_MS = 3_600_000

_COLUMNS = "id, account, region, name, created_ms, layout, config"
_NUMBER = "INSERT INTO kinesis_numbers (name, next) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next = kinesis_numbers.next + ? RETURNING next"
_INSERT = f"INSERT INTO kinesis_streams ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_POSITION = "INSERT INTO kinesis_positions (stream, next, last_ms) VALUES (?, 0, 0)"
_BY_NAME = f"SELECT {_COLUMNS} FROM kinesis_streams WHERE account = ? AND region = ? AND name = ?"
_PAGE = f"SELECT {_COLUMNS} FROM kinesis_streams WHERE account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?"
_ALL = f"SELECT {_COLUMNS} FROM kinesis_streams ORDER BY id"
_BY_ID = f"SELECT {_COLUMNS} FROM kinesis_streams WHERE id = ?"
_UPDATE = "UPDATE kinesis_streams SET layout = ?, config = ? WHERE id = ?"
_DELETE = "DELETE FROM kinesis_streams WHERE id = ?"
_DELETE_POSITION = "DELETE FROM kinesis_positions WHERE stream = ?"


@dataclass(slots=True, frozen=True)
class Stream:
    id: int
    ref: StreamRef
    created_ms: int
    layout: str
    config: dict[str, Any]

    @property
    def is_on_demand(self) -> bool:
        return self.config["mode"] == ON_DEMAND

    @property
    def retention_ms(self) -> int:
        return self.config["retention_hours"] * HOUR_MS


def take_numbers(tx: Tx, name: str, count: int) -> int:
    """The first of `count` numbers that nobody had before: numbers of what was deleted are not given again."""
    row = tx.one(_NUMBER, name, count, count)
    assert row is not None
    return row[0] - count + 1


def create(tx: Tx, ref: StreamRef, config: dict[str, Any]) -> Stream | None:
    """None when there is one already.  It has no shards yet."""
    stream = Stream(take_numbers(tx, "stream", 1), ref, tx.now_ms, "", config)
    if not tx.execute(_INSERT, stream.id, *ref, stream.created_ms, "", orjson.dumps(config)):
        return None
    tx.execute(_POSITION, stream.id)
    return stream


def find(tx: Tx, ref: StreamRef) -> Stream | None:
    row = tx.one(_BY_NAME, *ref)
    return None if row is None else _stream(row)


def by_id(tx: Tx, id: int) -> Stream | None:
    row = tx.one(_BY_ID, id)
    return None if row is None else _stream(row)


def page(tx: Tx, account: str, region: str, after: str, limit: int) -> list[Stream]:
    return [_stream(row) for row in tx.all(_PAGE, account, region, after, limit)]


def everywhere(tx: Tx) -> list[Stream]:
    return [_stream(row) for row in tx.all(_ALL)]


def count_on_demand(tx: Tx, account: str, region: str) -> int:
    return sum(stream.is_on_demand for stream in page(tx, account, region, "", 1_000_000))


def save(tx: Tx, stream: Stream) -> None:
    tx.execute(_UPDATE, stream.layout, orjson.dumps(stream.config), stream.id)
    tx.wake(CHANGED)


def configure(tx: Tx, stream: Stream, **settings: Any) -> Stream:
    """With these settings changed."""
    changed = replace(stream, config={**stream.config, **settings})
    save(tx, changed)
    return changed


def delete(tx: Tx, stream: Stream) -> None:
    tx.execute(_DELETE, stream.id)
    tx.execute(_DELETE_POSITION, stream.id)
    tx.wake(CHANGED)


def _stream(row: Row) -> Stream:
    id, account, region, name, created_ms, layout, config = row
    return Stream(id, StreamRef(account, region, name), created_ms, layout, orjson.loads(config))
