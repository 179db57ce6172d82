"""Long polling: waiting until a queue has something, its time is over, or the node stops.

The wait ends by the node's clock or by the wall's, whichever is first: a client that waits for 20 seconds of a frozen
clock still has a connection to keep.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from tule.platform.node import Node

_MEMORY = "sqs.arrivals"


class Arrivals:
    """Hears of a queue from the moment it is made, so that nothing that comes between two looks is missed."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()
        self._over = False

    def hear(self) -> None:
        self._heard.set()

    def end(self) -> None:
        self._over = True
        self._heard.set()

    async def next(self) -> bool:
        """True when the queue has been heard of since the last time; False when the wait is over."""
        await self._heard.wait()
        self._heard.clear()
        return not self._over


@contextlib.asynccontextmanager
async def arrivals(node: Node, arn: str, wait_s: float) -> AsyncGenerator[Arrivals]:
    found, waiting = Arrivals(), _waiting(node)
    unsubscribe = node.store.subscribe(arn, found.hear)
    by_wall = asyncio.get_running_loop().call_later(wait_s, found.end)
    by_clock = asyncio.create_task(_end_at(node, node.clock.now_ms() + int(wait_s * 1000), found))
    waiting.add(found)
    if node.stopping.is_set():
        found.end()
    try:
        yield found
    finally:
        unsubscribe()
        waiting.discard(found)
        by_wall.cancel()
        by_clock.cancel()


def _waiting(node: Node) -> set[Arrivals]:
    return node.memory.setdefault(_MEMORY, set())


async def _end_at(node: Node, due_ms: int, found: Arrivals) -> None:
    await node.clock.sleep_until(due_ms)
    found.end()


async def end_with(node: Node) -> None:
    """Background work: when the node stops, whoever waits is answered."""
    await node.stopping.wait()
    for found in list(_waiting(node)):
        found.end()
