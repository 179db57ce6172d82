"""Changing for how long a received message stays hidden: twelve hours at most since it was received.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.sqs import errors
from tule.services.sqs.attributes import MAX_VISIBILITY_S
from tule.services.sqs.queue import Queue
from tule.services.sqs.reappearance import reappearance
from tule.services.sqs.receipts import Receipt
from tule.services.sqs.state import groups, messages
from tule.store.store import Tx


class Change(NamedTuple):
    handle: str
    receipt: Receipt
    seconds: int


async def change(node: Node, queue: Queue, changes: Sequence[Change]) -> list[ServiceError | None]:
    """What is wrong with each, in order."""
    if not changes:
        return []
    dialect = node.store.dialect
    problems = await node.store.write_relaxed(lambda tx: [_change(tx, dialect, queue, each) for each in changes])
    soonest = min((each.seconds for each, problem in zip(changes, problems, strict=True) if problem is None and each.seconds), default=0)
    if soonest:
        await reappearance(node).ensure(queue, node.clock.now_ms() + soonest * 1000)
    return problems


def _change(tx: Tx, dialect: str, queue: Queue, wanted: Change) -> ServiceError | None:
    receipt, backlog = wanted.receipt, queue.backlog
    held = messages.held(tx, backlog, receipt.seq) if receipt.backlog == backlog else None
    if held is not None and held.member_of is not None:
        groups.hold(tx, dialect, backlog, held.member_of)
        held = messages.held(tx, backlog, receipt.seq)
    if held is None:
        return errors.not_available(wanted.handle)
    if queue.is_fifo and (held.receives != receipt.receives or held.visible_ms <= tx.now_ms):
        return errors.not_available(wanted.handle)
    until_ms = tx.now_ms + wanted.seconds * 1000
    if until_ms - receipt.received_ms > MAX_VISIBILITY_S * 1000:
        reason = f"Total VisibilityTimeout for the message is beyond the limit [{MAX_VISIBILITY_S} seconds]"
        return errors.invalid_value(wanted.seconds, "VisibilityTimeout", reason)
    messages.hide(tx, backlog, receipt.seq, until_ms)
    is_ready = groups.settle(tx, backlog, held.member_of) if held.member_of is not None else not wanted.seconds
    if is_ready:
        tx.wake(queue.arn)
    return None
