"""Message groups of FIFO queues: which group's turn it is.

A group is there while it has messages.  Its next message is the oldest; `ready_ms` is from when on that one is visible.
While the oldest is hidden nobody gets a later one, so that order holds.  Whoever changes a group's messages locks the
group's row first and calls `settle` last, so that on PostgreSQL those who work on one group take turns without conflicts.
AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

from __future__ import annotations

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE sqs_groups (
    backlog INTEGER NOT NULL,
    member_of TEXT NOT NULL,
    ready_ms INTEGER NOT NULL,
    PRIMARY KEY (backlog, member_of)
);
CREATE INDEX sqs_groups_by_readiness ON sqs_groups (backlog, ready_ms);
"""

_JOIN = (
    "INSERT INTO sqs_groups (backlog, member_of, ready_ms) VALUES (?, ?, ?)"
    " ON CONFLICT (backlog, member_of) DO UPDATE SET ready_ms = sqs_groups.ready_ms"
)
_LOCK = {"sqlite": "", "postgresql": " FOR UPDATE"}
_LOCK_FREE = {"sqlite": "", "postgresql": " FOR UPDATE SKIP LOCKED"}
_ROW = "SELECT 1 FROM sqs_groups WHERE backlog = ? AND member_of = ?"
_READY = "SELECT member_of FROM sqs_groups WHERE backlog = ? AND ready_ms <= ? ORDER BY ready_ms, member_of LIMIT ?"
_ANY_READY = "SELECT 1 FROM sqs_groups WHERE backlog = ? AND ready_ms <= ? LIMIT 1"
_FIRST = "SELECT seq, visible_ms, sent_ms FROM sqs_messages WHERE backlog = ? AND member_of = ? AND seq > ? ORDER BY seq LIMIT ?"
_SETTLE = "UPDATE sqs_groups SET ready_ms = ? WHERE backlog = ? AND member_of = ?"
_END = "DELETE FROM sqs_groups WHERE backlog = ? AND member_of = ?"
_END_ALL = "DELETE FROM sqs_groups WHERE backlog = ?"
_ALL = "SELECT member_of FROM sqs_groups WHERE backlog = ?"


def join(tx: Tx, backlog: int, group: str, visible_ms: int) -> None:
    """Before a message is put into the group: make the group, or hold it as it is."""
    tx.execute(_JOIN, backlog, group, visible_ms)


def hold(tx: Tx, dialect: str, backlog: int, group: str) -> None:
    """Before messages of the group are changed."""
    if dialect == "postgresql":
        tx.one(_ROW + _LOCK[dialect], backlog, group)


def ready(tx: Tx, dialect: str, backlog: int, limit: int) -> list[str]:
    """Groups whose next message is visible, the one that waits longest first; held, and none that others hold."""
    return [group for (group,) in tx.all(_READY + _LOCK_FREE[dialect], backlog, tx.now_ms, limit)]


def any_ready(tx: Tx, backlog: int) -> bool:
    return tx.one(_ANY_READY, backlog, tx.now_ms) is not None


def first(tx: Tx, backlog: int, group: str, after: int, limit: int) -> list[tuple[int, int, int]]:
    """The group's oldest messages after number `after`, in order: (seq, visible_ms, sent_ms)."""
    return tx.all(_FIRST, backlog, group, after, limit)  # type: ignore[return-value]


def settle(tx: Tx, backlog: int, group: str) -> bool:
    """After messages of the group have changed; True when its next message is visible."""
    oldest = tx.one(_FIRST, backlog, group, 0, 1)
    if oldest is None:
        tx.execute(_END, backlog, group)
        return False
    tx.execute(_SETTLE, oldest[1], backlog, group)
    return oldest[1] <= tx.now_ms


def settle_all(tx: Tx, dialect: str, backlog: int) -> None:
    for (group,) in tx.all(_ALL + _LOCK[dialect], backlog):
        settle(tx, backlog, group)


def forget(tx: Tx, backlog: int) -> None:
    tx.execute(_END_ALL, backlog)
