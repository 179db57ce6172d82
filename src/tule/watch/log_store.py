"""Log events: lines with a time, in streams, in groups.

A group is known by an id that is never used again, so that a group made anew under an old name begins empty.  Events of a
stream are ordered by their time and, within a millisecond, by their arrival.  What is older than its group keeps is not
shown any more, at once; rows go when they are swept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE log_streams (
    group_id TEXT NOT NULL,
    name TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    first_event_ms INTEGER,
    last_event_ms INTEGER,
    last_ingestion_ms INTEGER,
    next_arrival INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    PRIMARY KEY (group_id, name)
);
CREATE TABLE log_events (
    stream_id TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    arrival INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    ingested_ms INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (stream_id, time_ms, arrival)
);
CREATE INDEX log_events_by_group ON log_events (group_id, time_ms, stream_id, arrival);
"""

EVENT_OVERHEAD_BYTES = 26
STREAM_ID_DIGITS = 12
LAST_MS = 2**62
READ_CHARS = 4_000_000  # read at once

_COLUMNS = "name, stream_id, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, stored_bytes"
_ADD_STREAM = (
    "INSERT INTO log_streams (group_id, name, stream_id, created_ms, next_arrival, stored_bytes) VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT DO NOTHING"
)
_STREAM = f"SELECT {_COLUMNS} FROM log_streams WHERE group_id = ? AND name = ?"
_STREAMS_BY_NAME = f"SELECT {_COLUMNS} FROM log_streams WHERE group_id = ? AND name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?"
_STREAMS_BY_NAME_DOWN = f"SELECT {_COLUMNS} FROM log_streams WHERE group_id = ? AND name < ? AND name >= ? AND name < ? ORDER BY name DESC LIMIT ?"
_STREAMS_BY_TIME = (
    f"SELECT {_COLUMNS} FROM log_streams WHERE group_id = ?"
    " AND (COALESCE(last_event_ms, 0) > ? OR COALESCE(last_event_ms, 0) = ? AND name > ?) ORDER BY COALESCE(last_event_ms, 0), name LIMIT ?"
)
_STREAMS_BY_TIME_DOWN = (
    f"SELECT {_COLUMNS} FROM log_streams WHERE group_id = ?"
    " AND (COALESCE(last_event_ms, 0) < ? OR COALESCE(last_event_ms, 0) = ? AND name < ?) ORDER BY COALESCE(last_event_ms, 0) DESC, name DESC LIMIT ?"
)
_TAKE_ARRIVALS = (
    "UPDATE log_streams SET next_arrival = next_arrival + ?, last_ingestion_ms = ?, stored_bytes = stored_bytes + ?,"
    " first_event_ms = CASE WHEN first_event_ms IS NULL OR first_event_ms > ? THEN ? ELSE first_event_ms END,"
    " last_event_ms = CASE WHEN last_event_ms IS NULL OR last_event_ms < ? THEN ? ELSE last_event_ms END"
    " WHERE group_id = ? AND name = ? RETURNING stream_id, next_arrival"
)
_ADD_EVENT = "INSERT INTO log_events (stream_id, time_ms, arrival, group_id, ingested_ms, message) VALUES (?, ?, ?, ?, ?, ?)"
_EVENTS = "SELECT time_ms, stream_id, arrival, ingested_ms, message FROM log_events"
_FORWARD = (
    f"{_EVENTS} WHERE stream_id = ? AND time_ms >= ? AND time_ms < ? AND (time_ms > ? OR time_ms = ? AND arrival > ?)"
    " ORDER BY time_ms, arrival LIMIT ?"
)
_BACKWARD = (
    f"{_EVENTS} WHERE stream_id = ? AND time_ms >= ? AND time_ms < ? AND (time_ms < ? OR time_ms = ? AND arrival < ?)"
    " ORDER BY time_ms DESC, arrival DESC LIMIT ?"
)
_IN_GROUP = (
    f"{_EVENTS} WHERE group_id = ? AND time_ms >= ? AND time_ms < ?"
    " AND (time_ms > ? OR time_ms = ? AND (stream_id > ? OR stream_id = ? AND arrival > ?)) ORDER BY time_ms, stream_id, arrival LIMIT ?"
)
_NAMES = "SELECT stream_id, name FROM log_streams WHERE group_id = ?"
_BYTES = "SELECT COALESCE(SUM(stored_bytes), 0) FROM log_streams WHERE group_id = ?"
_DELETE_STREAM = "DELETE FROM log_streams WHERE group_id = ? AND name = ?"
_DELETE_STREAM_EVENTS = "DELETE FROM log_events WHERE stream_id = ?"
_DELETE_GROUP_STREAMS = "DELETE FROM log_streams WHERE group_id = ?"
_DELETE_GROUP_EVENTS = "DELETE FROM log_events WHERE group_id = ?"
_GROUP_IDS = "SELECT DISTINCT group_id FROM log_streams"
_EXPIRED = "SELECT stream_id, time_ms, arrival, LENGTH(message) FROM log_events WHERE group_id = ? AND time_ms < ? ORDER BY time_ms LIMIT ?"
_DELETE_EVENT = "DELETE FROM log_events WHERE stream_id = ? AND time_ms = ? AND arrival = ?"
_SHRINK = "UPDATE log_streams SET stored_bytes = CASE WHEN stored_bytes > ? THEN stored_bytes - ? ELSE 0 END WHERE group_id = ? AND stream_id = ?"
_LAST_NAME = "\U0010ffff"


class Stream(NamedTuple):
    name: str
    id: str
    created_ms: int
    first_event_ms: int | None
    last_event_ms: int | None
    last_ingestion_ms: int | None
    stored_bytes: int


class Position(NamedTuple):
    """Where an event stands: what follows has a greater one."""

    time_ms: int
    stream_id: str
    arrival: int


@dataclass(slots=True, frozen=True)
class Event:
    time_ms: int
    stream_id: str
    arrival: int
    ingested_ms: int
    message: str

    @property
    def position(self) -> Position:
        return Position(self.time_ms, self.stream_id, self.arrival)

    @property
    def size(self) -> int:
        return len(self.message.encode()) + EVENT_OVERHEAD_BYTES


BEGINNING = Position(-1, "", -1)
END = Position(LAST_MS, _LAST_NAME, LAST_MS)


def create_stream(tx: Tx, group_id: str, name: str) -> bool:
    """False when it is there already."""
    return tx.execute(_ADD_STREAM, group_id, name, tx.ids.hex(STREAM_ID_DIGITS), tx.now_ms) == 1


def stream(tx: Tx, group_id: str, name: str) -> Stream | None:
    row = tx.one(_STREAM, group_id, name)
    return None if row is None else Stream(*row)


def streams_by_name(tx: Tx, group_id: str, prefix: str, after: str | None, limit: int, *, descending: bool = False) -> list[Stream]:
    """Streams whose names begin with `prefix`, beyond `after` in the order asked for."""
    last = prefix + _LAST_NAME
    if descending:
        rows = tx.all(_STREAMS_BY_NAME_DOWN, group_id, _LAST_NAME if after is None else after, prefix, last, limit)
    else:
        rows = tx.all(_STREAMS_BY_NAME, group_id, after or "", prefix, last, limit)
    return [Stream(*row) for row in rows]


def streams_by_last_event(tx: Tx, group_id: str, after: tuple[int, str] | None, limit: int, *, descending: bool = False) -> list[Stream]:
    """Streams by the time of their last event (those without one count as the oldest), beyond `after`."""
    if descending:
        time_ms, name = after or (LAST_MS, _LAST_NAME)
        rows = tx.all(_STREAMS_BY_TIME_DOWN, group_id, time_ms, time_ms, name, limit)
    else:
        time_ms, name = after or (-1, "")
        rows = tx.all(_STREAMS_BY_TIME, group_id, time_ms, time_ms, name, limit)
    return [Stream(*row) for row in rows]


def append(tx: Tx, group_id: str, name: str, events: Sequence[tuple[int, str]]) -> list[Event] | None:
    """Add events, as (time, message) in the order of their times; None when there is no such stream."""
    events = [(time_ms, message.replace("\0", "\ufffd")) for time_ms, message in events]  # PostgreSQL keeps no NUL
    size = sum(len(message.encode()) + EVENT_OVERHEAD_BYTES for _, message in events)
    first, last = events[0][0], events[-1][0]
    row = tx.one(_TAKE_ARRIVALS, len(events), tx.now_ms, size, first, first, last, last, group_id, name)
    if row is None:
        return None
    stream_id, arrival = row[0], row[1] - len(events)
    added = [Event(time_ms, stream_id, arrival + i, tx.now_ms, message) for i, (time_ms, message) in enumerate(events)]
    tx.many(_ADD_EVENT, [(e.stream_id, e.time_ms, e.arrival, group_id, e.ingested_ms, e.message) for e in added])
    return added


def forward(tx: Tx, stream_id: str, start_ms: int, end_ms: int, after: Position, limit: int) -> list[Event]:
    """Events of a stream from `start_ms` up to `end_ms` (exclusive), those after a position, the oldest first."""
    return _some(tx.each(_FORWARD, stream_id, max(start_ms, after.time_ms), end_ms, after.time_ms, after.time_ms, after.arrival, limit))


def backward(tx: Tx, stream_id: str, start_ms: int, end_ms: int, before: Position, limit: int) -> list[Event]:
    """Those before a position, the youngest first."""
    return _some(tx.each(_BACKWARD, stream_id, start_ms, min(end_ms, before.time_ms + 1), before.time_ms, before.time_ms, before.arrival, limit))


def in_group(tx: Tx, group_id: str, start_ms: int, end_ms: int, after: Position, limit: int) -> list[Event]:
    """Events of all streams of a group by their time."""
    time_ms, stream_id, arrival = after
    return _some(tx.each(_IN_GROUP, group_id, max(start_ms, time_ms), end_ms, time_ms, time_ms, stream_id, stream_id, arrival, limit))


def _some(rows: Iterator[tuple[int, str, int, int, str]]) -> list[Event]:
    """As many as fit well into memory; the caller asks again from the last one's position."""
    events: list[Event] = []
    size = 0
    for row in rows:
        events.append(Event(*row))
        size += len(row[4])
        if size > READ_CHARS:
            break
    return events


def stream_names(tx: Tx, group_id: str) -> dict[str, str]:
    """Names by stream id."""
    return {row[0]: row[1] for row in tx.all(_NAMES, group_id)}


def stored_bytes(tx: Tx, group_id: str) -> int:
    row = tx.one(_BYTES, group_id)
    return int(row[0]) if row else 0


def delete_stream(tx: Tx, group_id: str, name: str) -> bool:
    found = stream(tx, group_id, name)
    if found is None:
        return False
    tx.execute(_DELETE_STREAM_EVENTS, found.id)
    tx.execute(_DELETE_STREAM, group_id, name)
    return True


def delete_group(tx: Tx, group_id: str) -> None:
    tx.execute(_DELETE_GROUP_EVENTS, group_id)
    tx.execute(_DELETE_GROUP_STREAMS, group_id)


def group_ids(tx: Tx) -> list[str]:
    """All groups that have streams, those that are gone included."""
    return [row[0] for row in tx.all(_GROUP_IDS)]


def expire(tx: Tx, group_id: str, before_ms: int, limit: int) -> int:
    """Delete up to `limit` events older than `before_ms`, the oldest first; how many."""
    rows = tx.all(_EXPIRED, group_id, before_ms, limit)
    tx.many(_DELETE_EVENT, [row[:3] for row in rows])
    for stream_id, freed in _sums((row[0], row[3] + EVENT_OVERHEAD_BYTES) for row in rows).items():
        tx.execute(_SHRINK, freed, freed, group_id, stream_id)
    return len(rows)


def _sums(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key, amount in pairs:
        sums[key] = sums.get(key, 0) + amount
    return sums
