"""Messages that FIFO topics keep for replays.  AWS: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-archiving-replay.html"""

from __future__ import annotations

from typing import Any

import orjson

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE sns_archive (
    topic TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    published_ms INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (topic, sequence)
);
CREATE INDEX sns_archive_by_age ON sns_archive (topic, published_ms);
"""

_INSERT = "INSERT INTO sns_archive (topic, sequence, published_ms, message) VALUES (?, ?, ?, ?)"
_PAGE = (
    "SELECT sequence, message FROM sns_archive WHERE topic = ? AND sequence > ? AND published_ms >= ? AND published_ms <= ? ORDER BY sequence LIMIT ?"
)
_EXPIRE = "DELETE FROM sns_archive WHERE topic = ? AND published_ms < ?"
_OLDEST = "SELECT min(published_ms) FROM sns_archive WHERE topic = ?"
_FORGET = "DELETE FROM sns_archive WHERE topic = ?"


def keep(tx: Tx, topic: str, sequence: int, message: bytes) -> None:
    tx.execute(_INSERT, topic, sequence, tx.now_ms, message)


def page(tx: Tx, topic: str, after: int, from_ms: int, to_ms: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """(sequence, message), in the order in which they were published."""
    return [(sequence, orjson.loads(message)) for sequence, message in tx.all(_PAGE, topic, after, from_ms, to_ms, limit)]


def expire(tx: Tx, topic: str, before_ms: int) -> None:
    tx.execute(_EXPIRE, topic, before_ms)


def oldest_ms(tx: Tx, topic: str) -> int | None:
    row = tx.one(_OLDEST, topic)
    return None if row is None else row[0]


def forget(tx: Tx, topic: str) -> None:
    tx.execute(_FORGET, topic)
