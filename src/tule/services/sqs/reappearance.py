"""Telling those who wait when hidden messages become visible: a delay ends, a visibility timeout runs out.

A queue has at most one job for this on each node, due when its next hidden message becomes visible; it wakes the
queue's topic and looks for the next.  A message that is hidden for longer than until that job needs none of its own, so
that hiding costs nothing in most cases.  The jobs are hints with a date: correctness never rests on them, but they make a
clock that is advanced stop wherever a message becomes visible.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.platform.node import Node
from tule.services.sqs import queue as documents
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import key_of_arn
from tule.services.sqs.state import messages
from tule.store.store import Tx

KIND = "reappear"
_MEMORY = "sqs.reappearance"


class Reappearance:
    """When each backlog's job of this node is due, as far as is known."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._due: dict[int, int] = {}

    def covers(self, queue: Queue, due_ms: int) -> bool:
        """Whether a job is still to come, and early enough for a message that will be visible then."""
        return self._node.clock.now_ms() < self._due.get(queue.backlog, 0) <= due_ms

    def cover(self, tx: Tx, queue: Queue) -> None:
        """Have a job for the next message that will be visible."""
        next_ms = messages.next_visible_ms(tx, queue.backlog)
        if next_ms is None:
            tx.after_commit(partial(self._forget, queue.backlog))
            return
        payload: dict[str, Any] = {"backlog": queue.backlog}
        name = f"sqs.{KIND}.{queue.backlog}.{self._node.store.node}"
        enqueue(tx, Job(KIND, queue.arn, queue.key.account, queue.key.region, payload, due_ms=next_ms, max_attempts=10, name=name))
        tx.after_commit(partial(self._due.__setitem__, queue.backlog, next_ms))

    async def ensure(self, queue: Queue, due_ms: int) -> None:
        """After a message was hidden until then: most often there is nothing to do."""
        if not self.covers(queue, due_ms):
            await self._node.store.write(lambda tx: self._cover_anew(tx, queue))

    def _cover_anew(self, tx: Tx, queue: Queue) -> None:
        """In place of a job that may be late."""
        tx.wake(queue.arn)
        self.cover(tx, queue)

    def _forget(self, backlog: int) -> None:
        self._due.pop(backlog, None)

    def forget(self) -> None:
        self._due.clear()


def reappearance(node: Node) -> Reappearance:
    known = node.memory.get(_MEMORY)
    if known is None:
        known = node.memory[_MEMORY] = Reappearance(node)
    return known


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    key = key_of_arn(delivery.target)

    def wake(tx: Tx) -> None:
        found = documents.find(tx, key) if key is not None else None
        if found is not None and found.backlog == delivery.payload["backlog"]:
            tx.wake(found.arn)
            reappearance(node).cover(tx, found)

    await node.store.write(wake)
    return Done()


async def start(node: Node) -> None:
    """For messages that were hidden in an earlier life of the node, or by one that is gone."""

    def hidden(tx: Tx) -> list[Queue]:
        return [queue for queue in documents.everywhere(tx) if messages.next_visible_ms(tx, queue.backlog) is not None]

    for queue in await node.store.read(hidden):
        await reappearance(node).ensure(queue, node.clock.now_ms())
