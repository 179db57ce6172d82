"""Backlogs: the numbers under which queues keep their messages.

A queue that is purged or deleted leaves its backlog at once, in one small change; the messages in it are swept later.
"""

from __future__ import annotations

from tule.store.store import Tx

EMPTIED = "sqs.emptied"  # the topic of backlogs to be swept

SCHEMA = """
CREATE TABLE sqs_backlogs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    abandoned INTEGER NOT NULL
);
"""

_NEW = "INSERT INTO sqs_backlogs (abandoned) VALUES (0) RETURNING number"
_ABANDON = "UPDATE sqs_backlogs SET abandoned = 1 WHERE number = ?"
_ABANDONED = "SELECT number FROM sqs_backlogs WHERE abandoned = 1 ORDER BY number"
_REMOVE = "DELETE FROM sqs_backlogs WHERE number = ?"


def new(tx: Tx) -> int:
    row = tx.one(_NEW)
    assert row is not None
    return row[0]


def abandon(tx: Tx, number: int) -> None:
    tx.execute(_ABANDON, number)
    tx.wake(EMPTIED)


def abandoned(tx: Tx) -> list[int]:
    return [number for (number,) in tx.all(_ABANDONED)]


def remove(tx: Tx, number: int) -> None:
    tx.execute(_REMOVE, number)
