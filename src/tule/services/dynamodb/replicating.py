"""Bringing changes to the replicas of a global table, and items to a new one.

A write notes its version and puts the change into the outbox, once for each replica; a reconciler carries the outbox out, in
order.  Where a change arrives it counts when its version is later than the item's there (the last writer wins), and it goes no
further: every replica hears from the one where it was made.  So all replicas end with the latest version of every item.

A new replica gets what each of the others holds, in steps; what is written meanwhile comes by the outbox, and the versions say
which is later.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tule.backbone.jobs import Job, enqueue
from tule.platform.node import Node
from tule.services.dynamodb import items, metrics
from tule.services.dynamodb.changes import REPLICATION
from tule.services.dynamodb.items import Found
from tule.services.dynamodb.replica_groups import tell
from tule.services.dynamodb.state import items as item_rows
from tule.services.dynamodb.state import replication
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.state.items import Position, Stored
from tule.services.dynamodb.state.replication import Sent, Target, Version
from tule.services.dynamodb.table import ACTIVE, Table
from tule.store.store import Tx

COPY = "dynamodb.replica"
AT_ONCE = 100
COPIED_AT_ONCE = 250
TARGETS_AT_ONCE = 1_000
GONE_MS = 86_400_000  # how long the version of a deleted item is kept: no change is on its way for that long
FORGOTTEN_AT_ONCE = 1_000


async def replicate(node: Node) -> None:
    """Carry out the outbox: a reconciler's run."""
    while targets := await node.store.read(lambda tx: replication.waiting(tx, TARGETS_AT_ONCE)):
        for target in targets:
            while await node.store.write(partial(_carry_some, node, target)) == AT_ONCE:
                pass


def _carry_some(node: Node, target: Target, tx: Tx) -> int:
    sent = replication.next_for(tx, target, AT_ONCE)
    table = rows.find(tx, *target)
    if table is not None and table.replicas:  # another table may have its name by now
        for change in sent:
            _arrive(tx, table, change)
        tx.after_commit(lambda: _count(node, target, sent))
    replication.sent(tx, [change.sequence for change in sent])
    return len(sent)


def _count(node: Node, target: Target, sent: Sequence[Sent]) -> None:
    """How long changes were on their way, told where they were made."""
    now_ms = node.clock.now_ms()
    for change in sent:
        if change.version.region != target.region:
            metrics.replicated(node, target, change.version.region, max(0, now_ms - change.version.at_us // 1000))


def _arrive(tx: Tx, table: Table, change: Sent) -> None:
    if change.version.region != table.region:
        apply(tx, table, change.at, change.version, change.item)
    elif replication.version_of(tx, table.id, change.at) == change.version and change.item is not None:
        _put(tx, table, change.at, change.item)  # the attributes that the legacy version adds where an item was written


def apply(tx: Tx, table: Table, at: Position, version: Version, item: Stored | None) -> None:
    """A change of another replica: it counts if it is later than what is here."""
    if not replication.adopt(tx, table.id, at, version, gone=item is None):
        return
    if item is None:
        items.remove(tx, table, at, items.find(tx, table, at), origin=REPLICATION)
    else:
        _put(tx, table, at, item)


def _put(tx: Tx, table: Table, at: Position, item: Stored) -> None:
    items.put(tx, table, at, items.find(tx, table, at), Found(item.item, item.size), origin=REPLICATION)


def copy(tx: Tx, source: Table, target: Table, after: Position = item_rows.START) -> None:
    """One step of filling a new replica from one of the others; it is ACTIVE once it has everything of all of them."""
    step = item_rows.step(tx, source.id, after, COPIED_AT_ONCE)
    for at, text, size in step.items:
        version = replication.version_of(tx, source.id, at) or Version(0, source.region)
        apply(tx, target, at, version, Stored(text, size))
    if not step.more:
        _copied(tx, source.region, target)
        return
    hash, range = step.items[-1][0]
    payload = {"source": source.id, "region": source.region, "target": target.id, "hash": hash.hex(), "range": range.hex()}
    name = f"{COPY} {source.id} {target.id}"
    enqueue(tx, Job(COPY, target.arn, target.account, target.region, payload, max_attempts=1_000, backoff_cap_ms=60_000, name=name))


def copy_on(tx: Tx, payload: dict[str, Any]) -> None:
    """The step of a job.  Either table may be gone."""
    source, target = rows.by_id(tx, payload["source"]), rows.by_id(tx, payload["target"])
    if target is None or not target.config.get("copied_from"):
        return
    if source is None:
        _copied(tx, payload["region"], target)
    else:
        copy(tx, source, target, Position(bytes.fromhex(payload["hash"]), bytes.fromhex(payload["range"])))


def _copied(tx: Tx, region: str, target: Table) -> None:
    current = rows.by_id(tx, target.id)
    if current is None:
        return
    left = [other for other in current.config.get("copied_from") or () if other != region]
    if left:
        rows.configure(tx, current, copied_from=left)
    else:
        tell(tx, rows.configure(tx, current, copied_from=None, status=ACTIVE))


async def forget_gone(node: Node) -> None:
    """Versions of items that were deleted long ago: a reconciler's run."""

    def some(tx: Tx) -> int:
        return replication.forget_gone(tx, tx.now_ms - GONE_MS, FORGOTTEN_AT_ONCE)

    while await node.store.write(some) == FORGOTTEN_AT_ONCE:
        pass
