"""Deletes items whose time has come.

A reconciler that knows when the next item is due, so that the clock stops there.  Each item is looked at again in the
transaction that deletes it: what was written meanwhile expires when it says now.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from tule.backbone.jobs import Job, enqueue
from tule.platform.node import Node
from tule.services.dynamodb import items, lifetimes, metrics
from tule.services.dynamodb.changes import EXPIRY
from tule.services.dynamodb.state import expiries, replication, tables
from tule.services.dynamodb.state import items as rows
from tule.services.dynamodb.state.expiries import Expiry
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

AT_ONCE = 100
NOTED_AT_ONCE = 500
NOTE = "dynamodb.note-expiries"


async def expire(node: Node) -> int | None:
    """When the next item is due, None when none is."""
    while await node.store.write(partial(_expire_some, node)) == AT_ONCE:
        pass
    return await node.store.read(expiries.next_ms)


def _expire_some(node: Node, tx: Tx) -> int:
    due = expiries.due(tx, AT_ONCE)
    known: dict[int, Table | None] = {}
    for expiry in due:
        if expiry.table not in known:
            known[expiry.table] = tables.by_id(tx, expiry.table)
        _expire_one(node, tx, known[expiry.table], expiry)
    return len(due)


def _expire_one(node: Node, tx: Tx, table: Table | None, expiry: Expiry) -> None:
    expiries.remove(tx, expiry.table, expiry.at)
    if table is None or table.ttl_attribute is None:
        return
    found = items.find(tx, table, expiry.at)
    if found is None:
        return
    due_ms = lifetimes.due_ms(found.item.get(table.ttl_attribute), tx.now_ms)
    if due_ms is not None and due_ms <= tx.now_ms and not _expires_elsewhere(tx, table, expiry.at):
        items.remove(tx, table, expiry.at, found, origin=EXPIRY)
        tx.after_commit(lambda: metrics.expired(node, table))


def _expires_elsewhere(tx: Tx, table: Table, at: Position) -> bool:
    """Of replicas, the one where the item was written last deletes it, as the service; to the others goes a plain deletion."""
    version = replication.version_of(tx, table.id, at) if table.replicas else None
    return version is not None and version.region in table.replicas


def note_existing(tx: Tx, table: Table, attribute: str, after: Position = rows.START) -> None:
    """Note when the items of a table expire that had none to tell it to; beyond the first step, by jobs.

    What is written meanwhile is noted by its write, so both may come in any order.
    """
    step = rows.step(tx, table.id, after, NOTED_AT_ONCE)
    for at, text, _ in step.items:
        due_ms = lifetimes.due_ms(orjson.loads(text).get(attribute), tx.now_ms)
        if due_ms is not None:
            expiries.put(tx, table.id, at, due_ms)
    if step.more:
        hash, range = step.items[-1][0]
        payload = {"table": table.id, "attribute": attribute, "hash": hash.hex(), "range": range.hex()}
        job = Job(NOTE, table.arn, table.account, table.region, payload, max_attempts=1_000, backoff_cap_ms=60_000, name=f"{NOTE} {table.id}")
        enqueue(tx, job)


def note_on(tx: Tx, payload: dict[str, Any]) -> None:
    """The step of a job.  Time to live may be off again, or on for another attribute."""
    table = tables.by_id(tx, payload["table"])
    if table is not None and table.ttl_attribute == payload["attribute"]:
        note_existing(tx, table, payload["attribute"], Position(bytes.fromhex(payload["hash"]), bytes.fromhex(payload["range"])))
