"""What FIFO topics remember for five minutes: which messages came already, and what was answered."""

from __future__ import annotations

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE sns_deduplication (
    topic TEXT NOT NULL,
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sequence_number TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (topic, scope, id)
);
CREATE INDEX sns_deduplication_by_age ON sns_deduplication (expires_ms);
"""

INTERVAL_MS = 5 * 60_000
_FIND = "SELECT message_id, sequence_number FROM sns_deduplication WHERE topic = ? AND scope = ? AND id = ? AND expires_ms > ?"
_INSERT = (
    "INSERT INTO sns_deduplication (topic, scope, id, message_id, sequence_number, expires_ms) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (topic, scope, id) DO UPDATE SET message_id = excluded.message_id,"
    " sequence_number = excluded.sequence_number, expires_ms = excluded.expires_ms"
)
_EXPIRE = "DELETE FROM sns_deduplication WHERE expires_ms <= ?"
_FORGET = "DELETE FROM sns_deduplication WHERE topic = ?"


def earlier(tx: Tx, topic: str, scope: str, id: str) -> tuple[str, str] | None:
    """(message id, sequence number) of the message that came with this deduplication id."""
    row = tx.one(_FIND, topic, scope, id, tx.now_ms)
    return None if row is None else (row[0], row[1])


def remember(tx: Tx, topic: str, scope: str, id: str, message_id: str, sequence_number: str) -> None:
    tx.execute(_EXPIRE, tx.now_ms)
    tx.execute(_INSERT, topic, scope, id, message_id, sequence_number, tx.now_ms + INTERVAL_MS)


def forget(tx: Tx, topic: str) -> None:
    tx.execute(_FORGET, topic)
