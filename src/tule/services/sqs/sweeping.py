"""Removing rows that nobody can see any more: messages past their retention, what purged and deleted queues left, old memories.

A reconciler: what it has not removed yet is not shown either.
"""

from __future__ import annotations

from functools import partial

from tule.backbone.reconcile import Reconciler
from tule.platform.node import Node
from tule.services.sqs import queue as documents
from tule.services.sqs.queue import DELETED, Queue
from tule.services.sqs.queue_changes import DELETION_MS
from tule.services.sqs.state import attempts, backlogs, deduplication, groups, messages
from tule.store.store import Tx

INTERVAL_MS = 15 * 60_000
AT_ONCE = 1_000  # rows in one transaction, so that others write in between


def sweeper(node: Node) -> Reconciler:
    """For `keep` in the background of a node."""
    return Reconciler("sqs", INTERVAL_MS, [backlogs.EMPTIED], partial(sweep, node))


async def sweep(node: Node) -> None:
    for number in await node.store.read(backlogs.abandoned):
        while await node.store.write(partial(_sweep_backlog, number)) == AT_ONCE:
            pass
        await node.store.write(partial(backlogs.remove, number=number))
    for queue in await node.store.read(documents.everywhere):
        if await node.store.read(partial(_has_expired, queue)):
            while await node.store.write_relaxed(partial(_expire, queue, node.store.dialect)) == AT_ONCE:
                pass
    await node.store.write(_forget)


def _sweep_backlog(number: int, tx: Tx) -> int:
    return messages.sweep(tx, number, AT_ONCE)


def _has_expired(queue: Queue, tx: Tx) -> bool:
    return messages.has_expired(tx, queue.backlog, tx.now_ms - queue.retention_ms)


def _expire(queue: Queue, dialect: str, tx: Tx) -> int:
    removed, of_groups = messages.expire(tx, queue.backlog, tx.now_ms - queue.retention_ms, AT_ONCE)
    for group in sorted(of_groups):
        groups.hold(tx, dialect, queue.backlog, group)
        if groups.settle(tx, queue.backlog, group):
            tx.wake(queue.arn)
    return removed


def _forget(tx: Tx) -> None:
    deduplication.expire(tx)
    attempts.expire(tx)
    for account, region, name, deleted in DELETED.everywhere(tx):
        if tx.now_ms - deleted["at_ms"] >= DELETION_MS:
            DELETED.delete(tx, account, region, name)
