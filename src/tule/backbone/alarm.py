"""Waiting for a nudge or for a time on the node's clock, whichever comes first, without polling."""

from __future__ import annotations

import asyncio

from tule.core.clock import Clock


class Alarm:
    """One waits; anyone on the event loop may `ring`.  A turned clock rings too, since its times have changed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        clock.on_change(self._rung.set)

    def ring(self) -> None:
        self._rung.set()

    def hush(self) -> None:
        """What was rung for is about to be looked at."""
        self._rung.clear()

    async def wait(self, due_ms: int | None) -> None:
        """Return when rung since the last `hush`, or when the clock shows `due_ms`."""
        if due_ms is not None:
            self._ring_at(due_ms)
        try:
            await self._rung.wait()
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _ring_at(self, due_ms: int) -> None:
        """A timer, which looks at the clock again when it is over: a task for it would cost twenty times as much."""
        self._timer = None
        left_s = self._clock.real_s_until(due_ms)
        if left_s == 0:
            self._rung.set()
        elif left_s is not None:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._ring_at, due_ms)
