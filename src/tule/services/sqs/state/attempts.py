"""Receives from FIFO queues that a client may try again under the same attempt id, and get the same messages.

AWS: SQS API reference, ReceiveMessage, ReceiveRequestAttemptId.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from tule.store.store import Tx

WINDOW_MS = 300_000

SCHEMA = """
CREATE TABLE sqs_attempts (
    backlog INTEGER NOT NULL,
    id TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    messages BLOB NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (backlog, id)
);
CREATE INDEX sqs_attempts_by_age ON sqs_attempts (until_ms);
"""


class Attempt(NamedTuple):
    """What was received: (seq, receives) of each message, hidden until `visible_ms`."""

    received_ms: int
    visible_ms: int
    messages: list[tuple[int, int]]


_GET = "SELECT received_ms, visible_ms, messages FROM sqs_attempts WHERE backlog = ? AND id = ? AND until_ms > ?"
_PUT = (
    "INSERT INTO sqs_attempts (backlog, id, received_ms, visible_ms, messages, until_ms) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (backlog, id) DO UPDATE SET received_ms = excluded.received_ms, visible_ms = excluded.visible_ms,"
    " messages = excluded.messages, until_ms = excluded.until_ms"
)
_FORGET = "DELETE FROM sqs_attempts WHERE backlog = ?"
_EXPIRE = "DELETE FROM sqs_attempts WHERE until_ms <= ?"


def get(tx: Tx, backlog: int, id: str) -> Attempt | None:
    row = tx.one(_GET, backlog, id, tx.now_ms)
    return None if row is None else Attempt(row[0], row[1], [(seq, receives) for seq, receives in orjson.loads(row[2])])


def put(tx: Tx, backlog: int, id: str, attempt: Attempt) -> None:
    tx.execute(_PUT, backlog, id, attempt.received_ms, attempt.visible_ms, orjson.dumps(attempt.messages), attempt.received_ms + WINDOW_MS)


def forget(tx: Tx, backlog: int) -> None:
    tx.execute(_FORGET, backlog)


def expire(tx: Tx) -> None:
    tx.execute(_EXPIRE, tx.now_ms)
