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
_SAME_S = 0.01  # a clock that follows the wall's needs no timer of its own


class Arrivals:
    """Hears of a queue from the moment it is made, so that nothing that comes between two looks is missed."""

    def __init__(self, node: Node, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._clock = node.clock
        self._due_ms = node.clock.now_ms() + int(wait_s * 1000)
        self._heard = asyncio.Event()
        self._over = False
        self._ends_at = loop.time() + wait_s
        self._by_wall = loop.call_at(self._ends_at, self.end)
        self._by_clock: asyncio.TimerHandle | None = None
        self.look_at_clock()

    def hear(self) -> None:
        self._heard.set()

    def end(self) -> None:
        self._over = True
        self._heard.set()

    def look_at_clock(self) -> None:
        """In the beginning, when the clock was turned, and when it should be there: end the wait, or look again when it is."""
        if self._by_clock is not None:
            self._by_clock.cancel()
            self._by_clock = None
        left_s = self._clock.real_s_until(self._due_ms)
        if left_s == 0:
            self.end()
        elif left_s is not None:
            loop = asyncio.get_running_loop()
            if (when := loop.time() + left_s) < self._ends_at - _SAME_S:
                self._by_clock = loop.call_at(when, self.look_at_clock)

    def leave(self) -> None:
        self._by_wall.cancel()
        if self._by_clock is not None:
            self._by_clock.cancel()

    async def next(self) -> bool:
        """True when the queue has been heard of since the last time; False when the wait is over."""
        await self._heard.wait()
        self._heard.clear()
        return not self._over


@contextlib.asynccontextmanager
async def arrivals(node: Node, arn: str, wait_s: float) -> AsyncGenerator[Arrivals]:
    found, waiting = Arrivals(node, wait_s), _waiting(node)
    unsubscribe = node.store.subscribe(arn, found.hear)
    waiting.add(found)
    if node.stopping.is_set():
        found.end()
    try:
        yield found
    finally:
        unsubscribe()
        waiting.discard(found)
        found.leave()


def _waiting(node: Node) -> set[Arrivals]:
    known = node.memory.get(_MEMORY)
    if known is None:
        known = node.memory[_MEMORY] = set[Arrivals]()
        node.clock.on_change(lambda: _look_at_clock(known))
    return known


def _look_at_clock(waiting: set[Arrivals]) -> None:
    for found in list(waiting):
        found.look_at_clock()


async def end_with(node: Node) -> None:
    """Background work: when the node stops, whoever waits is answered."""
    await node.stopping.wait()
    for found in list(_waiting(node)):
        found.end()
