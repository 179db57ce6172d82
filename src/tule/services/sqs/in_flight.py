"""How many messages of a queue are in flight, watched without counting them each time.

Once counted, as many receives as are left below the limit cannot exceed it, whatever happens; only then is counted again.
Where nodes share a store, each takes an eighth of what is left, since others receive too: AWS's own limit is approximate.
AWS: SQS developer guide, "Message quotas".
"""

from __future__ import annotations

from tule.platform.node import Node
from tule.services.sqs.queue import Queue
from tule.services.sqs.state import messages

LIMIT = 120_000
_MEMORY = "sqs.in_flight"


class InFlight:
    def __init__(self, node: Node, limit: int = LIMIT) -> None:
        self._store = node.store
        self._limit = limit
        self._left: dict[int, int] = {}

    async def has_room(self, queue: Queue, count: int) -> bool:
        """Whether `count` more may be received, and if so, they count as received."""
        left = self._left.get(queue.backlog, 0)
        if left < count:
            now = await self._store.read(lambda tx: messages.in_flight(tx, queue.backlog, queue.retention_ms))
            room = self._limit - now
            left = max(min(room, count), room // 8) if self._store.shared else room
            if room <= 0:
                self._left.pop(queue.backlog, None)
                return False
        self._left[queue.backlog] = left - count
        return True

    def forget(self) -> None:
        self._left.clear()


def in_flight(node: Node) -> InFlight:
    known = node.memory.get(_MEMORY)
    if known is None:
        known = node.memory[_MEMORY] = InFlight(node)
    return known
