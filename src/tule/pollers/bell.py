"""Waiting to be rung for, or for a time on the node's clock."""

from __future__ import annotations

import asyncio

from tule.core.clock import Clock


class Bell:
    """As `backbone.alarm.Alarm`, but for what does not live as long as its node: whoever turns the clock must `ring`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    @property
    def is_rung(self) -> bool:
        return self._rung.is_set()

    def ring(self) -> None:
        self._rung.set()

    def hush(self) -> None:
        """What was rung for is about to be looked at."""
        self._rung.clear()

    async def wait(self, due_ms: int | None = None) -> None:
        """Return when rung since the last `hush`, or when the clock shows `due_ms`."""
        if due_ms is None:
            await self._rung.wait()
            return
        waits = [asyncio.ensure_future(self._rung.wait()), asyncio.ensure_future(self._clock.sleep_until(due_ms))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
