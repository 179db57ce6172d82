"""Removing messages that were received.

In a standard queue any handle of a message removes it.  In a FIFO queue only the latest does, and only while the message is
hidden: after that somebody else may be at work on it.  A power cut may bring back what was removed from a standard queue in
its last moments, as AWS may.  AWS: SQS API reference, DeleteMessage; SQS developer guide, "At-least-once delivery".
"""

from __future__ import annotations

from collections.abc import Sequence

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.sqs import errors, metrics
from tule.services.sqs.queue import Queue
from tule.services.sqs.receipts import Receipt
from tule.services.sqs.state import groups, messages
from tule.store.store import Tx

Handles = Sequence[tuple[str, Receipt]]


async def delete(node: Node, queue: Queue, handles: Handles) -> list[ServiceError | None]:
    """What is wrong with each, in order."""
    if not handles:
        return []
    if queue.is_fifo:
        dialect = node.store.dialect
        problems = await node.store.write_relaxed(lambda tx: [_delete_in_order(tx, dialect, queue, handle, receipt) for handle, receipt in handles])
        metrics.deleted(node, queue, problems.count(None))
        return problems
    numbers = [receipt.seq for _, receipt in handles if receipt.backlog == queue.backlog]
    if numbers:
        await node.store.write_forgettable(lambda tx: messages.delete_all(tx, queue.backlog, numbers))
    metrics.deleted(node, queue, len(handles))
    return [None] * len(handles)


def _delete_in_order(tx: Tx, dialect: str, queue: Queue, handle: str, receipt: Receipt) -> ServiceError | None:
    backlog = queue.backlog
    held = messages.held(tx, backlog, receipt.seq) if receipt.backlog == backlog else None
    if held is None:
        return None
    group = held.member_of or ""
    groups.hold(tx, dialect, backlog, group)
    held = messages.held(tx, backlog, receipt.seq)  # as it is now that nobody else changes it
    if held is None:
        return None
    if held.receives != receipt.receives or held.visible_ms <= tx.now_ms:
        return errors.handle_expired(handle)
    messages.delete(tx, backlog, receipt.seq)
    if groups.settle(tx, backlog, group):
        tx.wake(queue.arn)
    return None
