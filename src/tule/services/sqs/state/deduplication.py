"""What was sent to a FIFO queue in the last five minutes, so that the same is not sent twice.

`scope` is empty where a deduplication id counts for the whole queue, and the message group where it counts for that.
AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
"""

from __future__ import annotations

from typing import NamedTuple

from tule.store.store import Tx

WINDOW_MS = 300_000

SCHEMA = """
CREATE TABLE sqs_deduplication (
    backlog INTEGER NOT NULL,
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    message TEXT NOT NULL,
    seq INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (backlog, id, scope)
);
CREATE INDEX sqs_deduplication_by_age ON sqs_deduplication (until_ms);
"""


class Sent(NamedTuple):
    """The earlier message."""

    id: str
    seq: int


_EARLIER = "SELECT message, seq FROM sqs_deduplication WHERE backlog = ? AND id = ? AND scope IN ('', ?) AND until_ms > ?"
_RESERVE = (
    "INSERT INTO sqs_deduplication (backlog, id, scope, message, seq, until_ms) VALUES (?, ?, ?, ?, 0, ?)"
    " ON CONFLICT (backlog, id, scope) DO UPDATE SET message = excluded.message, seq = 0, until_ms = excluded.until_ms"
    " WHERE sqs_deduplication.until_ms <= ? RETURNING 1"
)
_NUMBER = "UPDATE sqs_deduplication SET seq = ? WHERE backlog = ? AND id = ? AND scope = ?"
_FORGET = "DELETE FROM sqs_deduplication WHERE backlog = ?"
_EXPIRE = "DELETE FROM sqs_deduplication WHERE until_ms <= ?"
_CARRY = "UPDATE sqs_deduplication SET backlog = ? WHERE backlog = ?"


def reserve(tx: Tx, backlog: int, id: str, scope: str, message: str) -> Sent | None:
    """Take the id for `message`; or the message that has it already."""
    earlier = tx.one(_EARLIER, backlog, id, scope, tx.now_ms)
    if earlier is None and tx.one(_RESERVE, backlog, id, scope, message, tx.now_ms + WINDOW_MS, tx.now_ms) is None:
        earlier = tx.one(_EARLIER, backlog, id, scope, tx.now_ms)  # another took it between the two
    return None if earlier is None else Sent._make(earlier)


def number(tx: Tx, backlog: int, id: str, scope: str, seq: int) -> None:
    """The message that took the id has got its number."""
    tx.execute(_NUMBER, seq, backlog, id, scope)


def carry(tx: Tx, backlog: int, to: int) -> None:
    """A purge removes messages, not the memory of what was sent."""
    tx.execute(_CARRY, to, backlog)


def forget(tx: Tx, backlog: int) -> None:
    tx.execute(_FORGET, backlog)


def expire(tx: Tx) -> None:
    tx.execute(_EXPIRE, tx.now_ms)
