"""Registered consumers of streams: tags and policy (the text that was given) are their settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tule.services.kinesis import names
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Row, Tx

_COLUMNS = "stream, name, created_ms, config"
_INSERT = f"INSERT INTO kinesis_consumers ({_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ONE = f"SELECT {_COLUMNS} FROM kinesis_consumers WHERE stream = ? AND name = ?"
_PAGE = f"SELECT {_COLUMNS} FROM kinesis_consumers WHERE stream = ? AND name > ? ORDER BY name LIMIT ?"
_COUNT = "SELECT count(*) FROM kinesis_consumers WHERE stream = ?"
_CONFIGURE = "UPDATE kinesis_consumers SET config = ? WHERE stream = ? AND name = ?"
_DELETE = "DELETE FROM kinesis_consumers WHERE stream = ? AND name = ?"
_DELETE_ALL = "DELETE FROM kinesis_consumers WHERE stream = ?"


@dataclass(slots=True, frozen=True)
class Consumer:
    stream: int
    ref: StreamRef
    name: str
    created_ms: int
    config: dict[str, Any]

    @property
    def arn(self) -> str:
        return names.consumer_arn(self.ref, self.name, self.created_ms // 1000)

    def shown(self) -> dict[str, Any]:
        """As AWS's `Consumer`."""
        return {
            "ConsumerName": self.name,
            "ConsumerARN": self.arn,
            "ConsumerStatus": "ACTIVE",
            "ConsumerCreationTimestamp": self.created_ms // 1000,
        }


def create(tx: Tx, stream: Stream, name: str, tags: dict[str, str]) -> Consumer | None:
    """None when there is one of this name."""
    config = {"tags": tags}
    if not tx.execute(_INSERT, stream.id, name, tx.now_ms, orjson.dumps(config)):
        return None
    return Consumer(stream.id, stream.ref, name, tx.now_ms, config)


def find(tx: Tx, stream: Stream, name: str) -> Consumer | None:
    row = tx.one(_ONE, stream.id, name)
    return None if row is None else _consumer(stream, row)


def page(tx: Tx, stream: Stream, after: str, limit: int) -> list[Consumer]:
    return [_consumer(stream, row) for row in tx.all(_PAGE, stream.id, after, limit)]


def count(tx: Tx, stream: Stream) -> int:
    row = tx.one(_COUNT, stream.id)
    assert row is not None
    return row[0]


def configure(tx: Tx, consumer: Consumer, **settings: Any) -> None:
    tx.execute(_CONFIGURE, orjson.dumps({**consumer.config, **settings}), consumer.stream, consumer.name)


def delete(tx: Tx, consumer: Consumer) -> None:
    tx.execute(_DELETE, consumer.stream, consumer.name)


def delete_all(tx: Tx, stream: Stream) -> None:
    tx.execute(_DELETE_ALL, stream.id)


def _consumer(stream: Stream, row: Row) -> Consumer:
    return Consumer(row[0], stream.ref, row[1], row[2], orjson.loads(row[3]))
