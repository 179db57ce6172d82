"""Messages: one row each, small enough to be written anew with each receive; a long body lies beside it.

A message is visible from `visible_ms` on.  One that is hidden is in flight when it was received before, else delayed.  No
row says that a message has become visible or has outlived its retention: every query compares with the time.

`seq` numbers rows in the order of their arrival, and no number comes twice.  `member_of` is the message group in a FIFO
queue, where `groups.py` says which group's turn it is.  The index by visibility holds all that is needed to find what can
be received, and to count, without a look at the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tule.store.store import Tx

BESIDE_CHARS = 2_048  # longer bodies are kept beside the row, so that receives do not write them again

SCHEMA = """
CREATE TABLE sqs_messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    backlog INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    sent_ms INTEGER NOT NULL,
    receives INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    id TEXT NOT NULL,
    md5 TEXT NOT NULL,
    body TEXT,
    attributes BLOB,
    system BLOB NOT NULL,
    member_of TEXT,
    source TEXT
);
CREATE INDEX sqs_messages_by_visibility ON sqs_messages (backlog, visible_ms, sent_ms, receives);
CREATE INDEX sqs_messages_by_group ON sqs_messages (backlog, member_of, seq) WHERE member_of IS NOT NULL;
CREATE TABLE sqs_bodies (
    seq INTEGER NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);
"""


class New(NamedTuple):
    """A message to be put into a queue.  `attributes` and `system` are JSON; `source` is the queue from whose failures it comes."""

    id: str
    md5: str
    body: str
    attributes: bytes | None
    system: bytes
    member_of: str | None = None
    source: str | None = None


class Message(NamedTuple):
    """A message as it was received: `receives` counts this time too."""

    seq: int
    receives: int
    sent_ms: int
    first_ms: int
    id: str
    md5: str
    body: str | None
    attributes: bytes | None
    system: bytes
    member_of: str | None
    source: str | None


class Counts(NamedTuple):
    visible: int
    in_flight: int
    delayed: int


_COLUMNS = "seq, receives, sent_ms, first_ms, id, md5, body, attributes, system, member_of, source"
_INSERT = (
    "INSERT INTO sqs_messages (backlog, visible_ms, sent_ms, receives, first_ms, id, md5, body, attributes, system, member_of, source)"
    " VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_RETURNING = _INSERT + " RETURNING seq"
_INSERT_BODY = "INSERT INTO sqs_bodies (seq, body) VALUES (?, ?)"
_BODY = "SELECT body FROM sqs_bodies WHERE seq = ?"
_DELETE_BODY = "DELETE FROM sqs_bodies WHERE seq = ?"

_VISIBLE = "SELECT seq FROM sqs_messages WHERE backlog = ? AND visible_ms <= ? AND sent_ms > ? ORDER BY visible_ms, sent_ms, receives, seq LIMIT ?"
_VISIBLE_IN_ORDER = "SELECT seq FROM sqs_messages WHERE backlog = ? AND visible_ms <= ? AND sent_ms > ? ORDER BY seq LIMIT ?"
_ANY_VISIBLE = "SELECT 1 FROM sqs_messages WHERE backlog = ? AND visible_ms <= ? AND sent_ms > ? LIMIT 1"
_RECEIVED = "UPDATE sqs_messages SET visible_ms = ?, receives = receives + 1, first_ms = CASE first_ms WHEN 0 THEN ? ELSE first_ms END"
_LONGEST_VISIBLE = _VISIBLE.replace("SELECT seq", f"SELECT {_COLUMNS}", 1)
_CLAIM_LOCKED = f"{_RECEIVED} WHERE seq = ANY(ARRAY({_VISIBLE} FOR UPDATE SKIP LOCKED)) RETURNING {_COLUMNS}"
_MARK = "UPDATE sqs_messages SET visible_ms = ?, receives = ?, first_ms = ? WHERE seq = ?"
_CLAIM_ONE = f"{_RECEIVED} WHERE seq = ? RETURNING {_COLUMNS}"
_LOOK = f"SELECT {_COLUMNS} FROM sqs_messages WHERE seq = ?"

_DELETE = "DELETE FROM sqs_messages WHERE seq = ? AND backlog = ? RETURNING body IS NULL, member_of"
_HOLDS = "SELECT visible_ms, receives, member_of FROM sqs_messages WHERE seq = ? AND backlog = ?"
_HIDE = "UPDATE sqs_messages SET visible_ms = ? WHERE seq = ? AND backlog = ?"
_MOVE = "UPDATE sqs_messages SET backlog = ?, visible_ms = ?, receives = receives - 1, source = ? WHERE seq = ?"
_RENEW = (
    "INSERT INTO sqs_messages (backlog, visible_ms, sent_ms, receives, first_ms, id, md5, body, attributes, system, member_of, source)"
    " SELECT ?, ?, ?, receives - 1, first_ms, id, md5, body, attributes, system, member_of, ? FROM sqs_messages WHERE seq = ? RETURNING seq"
)
_MOVE_BODY = "UPDATE sqs_bodies SET seq = ? WHERE seq = ?"
_REMOVE_ROW = "DELETE FROM sqs_messages WHERE seq = ?"

_COUNT = (
    "SELECT count(CASE WHEN visible_ms <= ? THEN 1 END), count(CASE WHEN visible_ms > ? AND receives > 0 THEN 1 END), count(*)"
    " FROM sqs_messages WHERE backlog = ? AND sent_ms > ?"
)
_IN_FLIGHT = "SELECT count(*) FROM sqs_messages WHERE backlog = ? AND visible_ms > ? AND sent_ms > ? AND receives > 0"
_OLDEST = "SELECT min(sent_ms) FROM sqs_messages WHERE backlog = ? AND sent_ms > ?"
_NEXT_VISIBLE = "SELECT min(visible_ms) FROM sqs_messages WHERE backlog = ? AND visible_ms > ?"
_SHIFT_DELAYED = "UPDATE sqs_messages SET visible_ms = greatest(sent_ms, visible_ms + ?) WHERE backlog = ? AND visible_ms > ? AND receives = 0"

_SOME = "SELECT seq FROM sqs_messages WHERE backlog = ? LIMIT ?"
_EXPIRED = "SELECT seq, member_of FROM sqs_messages WHERE backlog = ? AND visible_ms <= ? AND sent_ms <= ? LIMIT ?"


def put(tx: Tx, backlog: int, message: New, visible_ms: int) -> int:
    """The number of the message."""
    row = tx.one(_INSERT_RETURNING, *_values(tx, backlog, message, visible_ms))
    assert row is not None
    if len(message.body) > BESIDE_CHARS:
        tx.execute(_INSERT_BODY, row[0], message.body)
    return row[0]


def put_all(tx: Tx, backlog: int, messages: Sequence[tuple[New, int]]) -> None:
    """Of a standard queue, whose numbers nobody asks for: each message with the time from which it is visible."""
    short = [_values(tx, backlog, message, visible_ms) for message, visible_ms in messages if len(message.body) <= BESIDE_CHARS]
    if len(short) == 1:
        tx.execute(_INSERT, *short[0])
    elif short:
        tx.many(_INSERT, short)
    if len(short) < len(messages):
        for message, visible_ms in messages:
            if len(message.body) > BESIDE_CHARS:
                put(tx, backlog, message, visible_ms)


def _values(tx: Tx, backlog: int, message: New, visible_ms: int) -> tuple[object, ...]:
    id, md5, body, attributes, system, member_of, source = message
    kept = body if len(body) <= BESIDE_CHARS else None
    return backlog, visible_ms, tx.now_ms, id, md5, kept, attributes, system, member_of, source


def claim(tx: Tx, dialect: str, backlog: int, limit: int, until_ms: int, retention_ms: int) -> list[Message]:
    """Hide up to `limit` visible messages of a standard queue until `until_ms`, those that are visible longest first."""
    if dialect == "postgresql":
        rows = sorted(tx.all(_CLAIM_LOCKED, until_ms, tx.now_ms, backlog, tx.now_ms, tx.now_ms - retention_ms, limit))
        return [_complete(tx, row) for row in rows]
    # Where nobody else writes, looking and then marking takes half the time.
    found = tx.all(_LONGEST_VISIBLE, backlog, tx.now_ms, tx.now_ms - retention_ms, limit)
    claimed = [_complete(tx, (seq, receives + 1, sent_ms, first_ms or tx.now_ms, *rest)) for seq, receives, sent_ms, first_ms, *rest in found]
    marks = [(until_ms, message.receives, message.first_ms, message.seq) for message in claimed]
    if len(marks) == 1:
        tx.execute(_MARK, *marks[0])
    elif marks:
        tx.many(_MARK, marks)
    return claimed


def claim_one(tx: Tx, seq: int, until_ms: int) -> Message:
    row = tx.one(_CLAIM_ONE, until_ms, tx.now_ms, seq)
    assert row is not None
    return _complete(tx, row)


def look(tx: Tx, seq: int) -> Message | None:
    """As it was last received."""
    row = tx.one(_LOOK, seq)
    return None if row is None else _complete(tx, row)


def _complete(tx: Tx, row: tuple[object, ...]) -> Message:
    message = Message._make(row)  # type: ignore[arg-type]
    if message.body is not None:
        return message
    beside = tx.one(_BODY, message.seq)
    return message._replace(body=beside[0] if beside is not None else "")


def visible(tx: Tx, backlog: int, retention_ms: int, limit: int, *, in_order: bool) -> list[int]:
    """The numbers of messages that can be received now; of a FIFO queue in the order of their arrival."""
    sql = _VISIBLE_IN_ORDER if in_order else _VISIBLE
    return [seq for (seq,) in tx.all(sql, backlog, tx.now_ms, tx.now_ms - retention_ms, limit)]


def any_visible(tx: Tx, backlog: int, retention_ms: int) -> bool:
    return tx.one(_ANY_VISIBLE, backlog, tx.now_ms, tx.now_ms - retention_ms) is not None


class Held(NamedTuple):
    """Where a message stands."""

    visible_ms: int
    receives: int
    member_of: str | None


def held(tx: Tx, backlog: int, seq: int) -> Held | None:
    row = tx.one(_HOLDS, seq, backlog)
    return None if row is None else Held._make(row)


def delete(tx: Tx, backlog: int, seq: int) -> bool:
    """False when it is not there any more."""
    row = tx.one(_DELETE, seq, backlog)
    if row is None:
        return False
    if row[0]:
        tx.execute(_DELETE_BODY, seq)
    return True


def delete_all(tx: Tx, backlog: int, seqs: Sequence[int]) -> None:
    """Those that are there."""
    if len(seqs) == 1:
        delete(tx, backlog, seqs[0])
        return
    rows = tx.all(f"DELETE FROM sqs_messages WHERE backlog = ? AND seq IN ({_marks(len(seqs))}) RETURNING seq, body IS NULL", backlog, *seqs)
    beside = [(seq,) for seq, is_beside in rows if is_beside]
    if beside:
        tx.many(_DELETE_BODY, beside)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def hide(tx: Tx, backlog: int, seq: int, until_ms: int) -> bool:
    """False when it is not there any more."""
    return tx.execute(_HIDE, until_ms, seq, backlog) == 1


def bury(tx: Tx, message: Message, backlog: int, source: str) -> None:
    """Take a message that was just received once too often to the dead letter queue `backlog`, as if it had not been."""
    tx.execute(_MOVE, backlog, tx.now_ms, source, message.seq)


def bury_in_order(tx: Tx, message: Message, backlog: int, source: str) -> None:
    """The same for a FIFO queue, where it joins the end of its group as of now."""
    row = tx.one(_RENEW, backlog, tx.now_ms, tx.now_ms, source, message.seq)
    assert row is not None
    tx.execute(_MOVE_BODY, row[0], message.seq)
    tx.execute(_REMOVE_ROW, message.seq)


def count(tx: Tx, backlog: int, retention_ms: int) -> Counts:
    now_ms = tx.now_ms
    row = tx.one(_COUNT, now_ms, now_ms, backlog, now_ms - retention_ms)
    visible, in_flight, total = row or (0, 0, 0)
    return Counts(visible, in_flight, total - visible - in_flight)


def oldest_ms(tx: Tx, backlog: int, retention_ms: int) -> int | None:
    """When the oldest message was sent; None for an empty backlog."""
    row = tx.one(_OLDEST, backlog, tx.now_ms - retention_ms)
    return None if row is None else row[0]


def in_flight(tx: Tx, backlog: int, retention_ms: int) -> int:
    row = tx.one(_IN_FLIGHT, backlog, tx.now_ms, tx.now_ms - retention_ms)
    return row[0] if row is not None else 0


def next_visible_ms(tx: Tx, backlog: int) -> int | None:
    """When the next hidden message will be visible."""
    row = tx.one(_NEXT_VISIBLE, backlog, tx.now_ms)
    return None if row is None else row[0]


def shift_delayed(tx: Tx, backlog: int, by_ms: int) -> None:
    """A FIFO queue's new delay holds for messages that wait already."""
    tx.execute(_SHIFT_DELAYED, by_ms, backlog, tx.now_ms)


def sweep(tx: Tx, backlog: int, limit: int) -> int:
    """Remove up to `limit` messages of an abandoned backlog; how many."""
    return _remove(tx, [seq for (seq,) in tx.all(_SOME, backlog, limit)])


def has_expired(tx: Tx, backlog: int, before_ms: int) -> bool:
    return bool(tx.all(_EXPIRED, backlog, before_ms, before_ms, 1))


def expire(tx: Tx, backlog: int, before_ms: int, limit: int) -> tuple[int, set[str]]:
    """Remove up to `limit` messages sent before then: how many, and of which groups."""
    rows = tx.all(_EXPIRED, backlog, before_ms, before_ms, limit)
    return _remove(tx, [row[0] for row in rows]), {row[1] for row in rows if row[1] is not None}


def _remove(tx: Tx, seqs: list[int]) -> int:
    if seqs:
        one_each = [(seq,) for seq in seqs]
        tx.many(_DELETE_BODY, one_each)
        tx.many(_REMOVE_ROW, one_each)
    return len(seqs)
