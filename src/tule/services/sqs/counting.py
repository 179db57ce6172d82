"""How many messages a queue has: exact, though AWS calls it approximate."""

from __future__ import annotations

from tule.platform.node import Node
from tule.services.sqs.queue import Queue
from tule.services.sqs.state import messages

MANY = 20_000  # that many are better counted on a thread of their own
_MEMORY = "sqs.counting"


class Counting:
    def __init__(self, node: Node) -> None:
        self._store = node.store
        self._many: set[int] = set()

    async def shown(self, queue: Queue) -> dict[str, str]:
        """As attributes."""
        run = self._store.snapshot if queue.backlog in self._many else self._store.read
        counts = await run(lambda tx: messages.count(tx, queue.backlog, queue.retention_ms))
        if sum(counts) > MANY:
            self._many.add(queue.backlog)
        else:
            self._many.discard(queue.backlog)
        return {
            "ApproximateNumberOfMessages": str(counts.visible),
            "ApproximateNumberOfMessagesNotVisible": str(counts.in_flight),
            "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
        }


def counting(node: Node) -> Counting:
    known = node.memory.get(_MEMORY)
    if known is None:
        known = node.memory[_MEMORY] = Counting(node)
    return known
