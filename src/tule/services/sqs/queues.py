"""The queues that a node knows, so that a message costs no look at its queue's document.

What changes a queue wakes `queue.CHANGED`, and every node forgets what it knows: this one before the change is answered,
others a moment later.  AWS: "When you change a queue's attributes, the change can take up to 60 seconds to propagate".
"""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.node import Node
from tule.platform.service import Params
from tule.services.sqs import errors, queue_url
from tule.services.sqs import queue as documents
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import QueueKey

_MEMORY = "sqs.queues"


class Queues:
    def __init__(self, node: Node) -> None:
        self._store = node.store
        self._known: dict[QueueKey, Queue] = {}
        self._changes = 0
        node.store.subscribe(documents.CHANGED, self.forget)

    def forget(self) -> None:
        self._changes += 1
        self._known.clear()

    async def find(self, key: QueueKey) -> Queue | None:
        known = self._known.get(key)
        if known is not None:
            return known
        changes = self._changes
        found = await self._store.read(lambda tx: documents.find(tx, key))
        if found is not None and changes == self._changes:  # else it may be old already
            self._known[key] = found
        return found

    async def get(self, key: QueueKey) -> Queue:
        """Raises QueueDoesNotExist."""
        found = self._known.get(key) or await self.find(key)
        if found is None:
            raise errors.no_queue()
        return found


def queues(node: Node) -> Queues:
    known = node.memory.get(_MEMORY)
    if known is None:
        known = node.memory[_MEMORY] = Queues(node)
    return known


def key_of(call: Call, params: Params) -> QueueKey:
    """Raises InvalidAddress."""
    return queue_url.parse(params["QueueUrl"], call.account, call.region)


async def queue_of(call: Call, params: Params) -> Queue:
    """The queue that a call names.  Raises QueueDoesNotExist, InvalidAddress."""
    return await queues(call.node).get(key_of(call, params))
