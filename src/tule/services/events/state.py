"""What EventBridge keeps: buses with their rules and archived events in tables, the rest as documents.

A bus has a version, a random text that every change of its rules renews: whoever has compiled them compares it in the
transaction in which it matches an event.  The default bus has a row from its first rule on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tule.services.events.names import BusRef
from tule.store.documents import Documents
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE event_buses (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE event_rules (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    bus TEXT NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, region, bus, name)
);
CREATE TABLE archived_events (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    archive TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    id TEXT NOT NULL,
    event BLOB NOT NULL,
    PRIMARY KEY (account, region, archive, at_ms, id)
);
"""

ARCHIVES = Documents("events.archive")
REPLAYS = Documents("events.replay")
CONNECTIONS = Documents("events.connection")
API_DESTINATIONS = Documents("events.api-destination")
ENDPOINTS = Documents("events.endpoint")
EVENT_SOURCES = Documents("events.event-source")
PARTNER_SOURCES = Documents("events.partner-event-source")

Record = dict[str, Any]
RULES = "events.rules:"  # topic: woken with the bus's ARN when its rules change

_BUS = "SELECT version, body FROM event_buses WHERE account = ? AND region = ? AND name = ?"
_PUT_BUS = (
    "INSERT INTO event_buses (account, region, name, version, body) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (account, region, name) DO UPDATE SET version = excluded.version, body = excluded.body"
)
_DELETE_BUS = "DELETE FROM event_buses WHERE account = ? AND region = ? AND name = ?"
_BUSES = "SELECT name, body FROM event_buses WHERE account = ? AND region = ? AND name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?"
_VERSION = "SELECT version FROM event_buses WHERE account = ? AND region = ? AND name = ?"
_RULE = "SELECT body FROM event_rules WHERE account = ? AND region = ? AND bus = ? AND name = ?"
_PUT_RULE = (
    "INSERT INTO event_rules (account, region, bus, name, body) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (account, region, bus, name) DO UPDATE SET body = excluded.body"
)
_DELETE_RULE = "DELETE FROM event_rules WHERE account = ? AND region = ? AND bus = ? AND name = ?"
_RULES = "SELECT body FROM event_rules WHERE account = ? AND region = ? AND bus = ? AND name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?"
_ARCHIVE = "INSERT INTO archived_events (account, region, archive, at_ms, id, event) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ARCHIVED = (
    "SELECT at_ms, id, event FROM archived_events WHERE account = ? AND region = ? AND archive = ?"
    " AND (at_ms > ? OR (at_ms = ? AND id > ?)) AND at_ms <= ? ORDER BY at_ms, id LIMIT ?"
)
_ARCHIVED_SIZE = (
    "SELECT count(*), coalesce(sum(length(event)), 0) FROM archived_events WHERE account = ? AND region = ? AND archive = ? AND at_ms >= ?"
)
_FORGET = "DELETE FROM archived_events WHERE account = ? AND region = ? AND archive = ? AND at_ms < ?"
_LAST = "\U0010ffff"


def bus(tx: Tx, ref: BusRef) -> Record | None:
    row = tx.one(_BUS, *ref)
    return None if row is None else orjson.loads(row[1])


def put_bus(tx: Tx, ref: BusRef, body: Record) -> None:
    """Also renews the version."""
    tx.execute(_PUT_BUS, *ref, tx.ids.hex(16), orjson.dumps(body))
    tx.wake(RULES + ref.arn)


def delete_bus(tx: Tx, ref: BusRef) -> bool:
    tx.wake(RULES + ref.arn)
    return tx.execute(_DELETE_BUS, *ref) == 1


def buses(tx: Tx, account: str, region: str, *, after: str = "", prefix: str = "", limit: int = 1_000_000) -> list[tuple[str, Record]]:
    return [(name, orjson.loads(body)) for name, body in tx.all(_BUSES, account, region, after, prefix, prefix + _LAST, limit)]


def version(tx: Tx, ref: BusRef) -> str:
    """Empty when there is no row: no such bus, or a default bus without rules."""
    row = tx.one(_VERSION, *ref)
    return "" if row is None else row[0]


def rule(tx: Tx, ref: BusRef, name: str) -> Record | None:
    row = tx.one(_RULE, *ref, name)
    return None if row is None else orjson.loads(row[0])


def put_rule(tx: Tx, ref: BusRef, name: str, body: Record) -> None:
    tx.execute(_PUT_RULE, *ref, name, orjson.dumps(body))
    _changed(tx, ref)


def delete_rule(tx: Tx, ref: BusRef, name: str) -> None:
    if tx.execute(_DELETE_RULE, *ref, name):
        _changed(tx, ref)


def _changed(tx: Tx, ref: BusRef) -> None:
    put_bus(tx, ref, bus(tx, ref) or {})


def rules(tx: Tx, ref: BusRef, *, after: str = "", prefix: str = "", limit: int = 1_000_000) -> list[Record]:
    return [orjson.loads(body) for (body,) in tx.all(_RULES, *ref, after, prefix, prefix + _LAST, limit)]


def archive(tx: Tx, account: str, region: str, name: str, at_ms: int, id: str, event: bytes) -> None:
    tx.execute(_ARCHIVE, account, region, name, at_ms, id, event)


def archived(tx: Tx, account: str, region: str, name: str, after: tuple[int, str], until_ms: int, limit: int) -> Iterator[tuple[int, str, bytes]]:
    """Events of an archive after a position, by the time in them."""
    for at_ms, id, event in tx.all(_ARCHIVED, account, region, name, after[0], after[0], after[1], until_ms, limit):
        yield at_ms, id, bytes(event)


def archived_size(tx: Tx, account: str, region: str, name: str, since_ms: int) -> tuple[int, int]:
    """How many events, and of how many bytes."""
    row = tx.one(_ARCHIVED_SIZE, account, region, name, since_ms)
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def forget_archived(tx: Tx, account: str, region: str, name: str, before_ms: int) -> int:
    return tx.execute(_FORGET, account, region, name, before_ms)
