"""Waiting for a nudge or for a time on the node's clock, whichever comes first, without polling."""

from __future__ import annotations

import asyncio

from tule.core.clock import Clock


class Alarm:
    """One waits; anyone on the event loop may `ring`.  A turned clock rings too, since its times have changed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()
        clock.on_change(self._rung.set)

    def ring(self) -> None:
        self._rung.set()

    def hush(self) -> None:
        """What was rung for is about to be looked at."""
        self._rung.clear()

    async def wait(self, due_ms: int | None) -> None:
        """Return when rung since the last `hush`, or when the clock shows `due_ms`."""
        timer = None if due_ms is None else asyncio.create_task(self._ring_at(due_ms))
        try:
            await self._rung.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _ring_at(self, due_ms: int) -> None:
        await self._clock.sleep_until(due_ms)
        self._rung.set()
