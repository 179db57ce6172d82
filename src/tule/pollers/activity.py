"""What is under way in a fleet of pollers, so that `advance` knows when everything that became due has been handled.

Work is counted while it runs.  Whoever waits says for what: a bell, a time, or both.  The fleet is quiet when nothing
runs and nobody who waits could go on without a new event or a later time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from tule.core.clock import Clock
from tule.pollers.bell import Bell


@dataclass(slots=True, eq=False)
class _Wait:
    bell: Bell | None
    due_ms: int | None


class Activity:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._working = 0
        self._waits: set[_Wait] = set()
        self._changed = asyncio.Event()

    @contextmanager
    def work(self) -> Generator[None]:
        """Something runs that must end before the fleet is quiet."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1
            self._tell()

    async def wait(self, bell: Bell, due_ms: int | None = None) -> None:
        """Wait for the bell or the time; outside of `work`."""
        mark = _Wait(bell, due_ms)
        self._waits.add(mark)
        self._tell()
        try:
            await bell.wait(due_ms)
        finally:
            self._waits.discard(mark)
            self._tell()

    async def nap(self, due_ms: int, bell: Bell | None = None) -> None:
        """Wait in the middle of work: what was counted as running rests until the clock shows `due_ms` (or the bell rings)."""
        self._working -= 1
        try:
            await self.wait(bell or Bell(self._clock), due_ms)
        finally:
            self._working += 1

    def next_due_ms(self) -> int | None:
        """The next time at which somebody goes on."""
        now_ms = self._clock.now_ms()
        return min((wait.due_ms for wait in self._waits if wait.due_ms is not None and wait.due_ms > now_ms), default=None)

    async def settle(self) -> bool:
        """Wait until the fleet is quiet; False when it was."""
        if self._is_quiet():
            return False
        while not self._is_quiet():
            await self._changed.wait()
        return True

    def _is_quiet(self) -> bool:
        now_ms = self._clock.now_ms()
        return not self._working and not any(self._may_go_on(wait, now_ms) for wait in self._waits)

    @staticmethod
    def _may_go_on(wait: _Wait, now_ms: int) -> bool:
        return (wait.bell is not None and wait.bell.is_rung) or (wait.due_ms is not None and wait.due_ms <= now_ms)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
