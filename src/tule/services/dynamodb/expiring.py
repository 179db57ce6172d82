"""Deletes items whose time has come.

A reconciler that knows when the next item is due, so that the clock stops there.  Each item is looked at again in the
transaction that deletes it: what was written meanwhile expires when it says now.
"""

from __future__ import annotations

import orjson

from tule.platform.node import Node
from tule.services.dynamodb import items, time_to_live
from tule.services.dynamodb.changes import EXPIRY
from tule.services.dynamodb.state import expiries, tables
from tule.services.dynamodb.state import items as rows
from tule.services.dynamodb.state.expiries import Expiry
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

AT_ONCE = 100
BACKFILL_STEP = 500


async def expire(node: Node) -> int | None:
    """When the next item is due, None when none is."""
    while await node.store.write(_expire_some) == AT_ONCE:
        pass
    return await node.store.read(expiries.next_ms)


def _expire_some(tx: Tx) -> int:
    due = expiries.due(tx, AT_ONCE)
    known: dict[int, Table | None] = {}
    for expiry in due:
        if expiry.table not in known:
            known[expiry.table] = tables.by_id(tx, expiry.table)
        _expire_one(tx, known[expiry.table], expiry)
    return len(due)


def _expire_one(tx: Tx, table: Table | None, expiry: Expiry) -> None:
    expiries.remove(tx, expiry.table, expiry.at)
    if table is None or table.ttl_attribute is None:
        return
    found = items.find(tx, table, expiry.at)
    if found is None:
        return
    due_ms = time_to_live.due_ms(found.item.get(table.ttl_attribute), tx.now_ms)
    if due_ms is not None and due_ms <= tx.now_ms:
        items.remove(tx, table, expiry.at, found, origin=EXPIRY)


def note_existing(tx: Tx, table: Table, attribute: str, after: Position) -> Position | None:
    """Note when the next items after a position expire; where to go on, None at the table's end.

    What is written meanwhile is noted by its write, so both may come in any order.
    """
    step = rows.step(tx, table.id, after, BACKFILL_STEP)
    for at, text, _ in step:
        due_ms = time_to_live.due_ms(orjson.loads(text).get(attribute), tx.now_ms)
        if due_ms is not None:
            expiries.put(tx, table.id, at, due_ms)
    return step[-1][0] if len(step) == BACKFILL_STEP else None
