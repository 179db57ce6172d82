"""Putting drafts into a queue, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tule.platform.node import Node
from tule.services.sqs import metrics
from tule.services.sqs.composing import Draft
from tule.services.sqs.queue import Queue
from tule.services.sqs.reappearance import reappearance
from tule.services.sqs.state import deduplication, groups, messages
from tule.store.store import Tx

_FIRST_SEQUENCE = 18_849_496_460_467_696_128
_SEQUENCE_STEP = 256


def sequence_number(seq: int) -> str:
    """20 digits that grow with each message.  AWS: SQS developer guide, "FIFO queue and message identifiers"."""
    return str(_FIRST_SEQUENCE + seq * _SEQUENCE_STEP)


async def send(node: Node, queue: Queue, drafts: Sequence[Draft], *, is_repeated: bool = False) -> list[dict[str, Any]]:
    """What the answer says of each, in order.  `is_repeated` as Call says it."""
    write = node.store.write_forgettable if is_repeated else node.store.write_relaxed
    if queue.is_fifo:
        sent = await write(lambda tx: [_send_in_order(tx, queue, draft) for draft in drafts])
    else:
        await write(lambda tx: _send_all(tx, queue, drafts))
        sent = [{"MessageId": draft.message.id, **draft.digests} for draft in drafts]
    latest_ms = min((draft.delay_ms for draft in drafts if draft.delay_ms), default=0)
    if latest_ms:
        await reappearance(node).ensure(queue, node.clock.now_ms() + latest_ms)
    metrics.sent(node, queue, drafts)
    return sent


def _send_all(tx: Tx, queue: Queue, drafts: Sequence[Draft]) -> None:
    messages.put_all(tx, queue.backlog, [(draft.message, tx.now_ms + draft.delay_ms) for draft in drafts])
    if not all(draft.delay_ms for draft in drafts):
        tx.wake(queue.arn)


def _send_in_order(tx: Tx, queue: Queue, draft: Draft) -> dict[str, Any]:
    message, backlog = draft.message, queue.backlog
    scope = message.member_of or "" if queue.deduplicates_by_group else ""
    earlier = deduplication.reserve(tx, backlog, draft.deduplication_id, scope, message.id)
    if earlier is not None:
        return {"MessageId": earlier.id, **draft.digests, "SequenceNumber": sequence_number(earlier.seq)}
    visible_ms = tx.now_ms + draft.delay_ms
    groups.join(tx, backlog, message.member_of or "", visible_ms)
    seq = messages.put(tx, backlog, message, visible_ms)
    deduplication.number(tx, backlog, draft.deduplication_id, scope, seq)
    if not draft.delay_ms:
        tx.wake(queue.arn)
    return {"MessageId": message.id, **draft.digests, "SequenceNumber": sequence_number(seq)}
