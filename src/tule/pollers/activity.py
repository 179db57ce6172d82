"""What is under way in a fleet of pollers, so that `advance` knows when everything that became due has been handled.

Every task of the fleet is counted as running, but for while it waits: for a bell, for a time, or for both.  The fleet is quiet
when nothing runs and nobody who waits could go on without a new event or a later time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from tule.core.clock import Clock
from tule.pollers.bell import Bell

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Wait:
    bell: Bell
    due_ms: int | None
    retry_ms: int | None

    @property
    def until_ms(self) -> int | None:
        return min((at_ms for at_ms in (self.due_ms, self.retry_ms) if at_ms is not None), default=None)


class Activity:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running = 0
        self._waits: set[_Wait] = set()
        self._changed = asyncio.Event()

    @contextmanager
    def member(self) -> Generator[None]:
        """The task that runs this is one of the fleet's."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._tell()

    def spawn(self, work: Coroutine[Any, Any, T], *, name: str, ended: Bell) -> asyncio.Task[T]:
        """A task of the fleet.  `ended` is rung when it has ended, for whoever waits for that."""
        self._running += 1
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(lambda _: self._end(ended))
        return task

    def _end(self, ended: Bell) -> None:
        ended.ring()
        self._running -= 1
        self._tell()

    async def wait(self, bell: Bell, due_ms: int | None = None, *, retry_ms: int | None = None) -> None:
        """Wait for the bell or the time; for tasks of the fleet.

        At `retry_ms` something that is out of order is tried again: a clock that is advanced does not stop for it.
        """
        mark = _Wait(bell, due_ms, retry_ms)
        self._waits.add(mark)
        self._running -= 1
        self._tell()
        try:
            await bell.wait(mark.until_ms)
        finally:
            self._running += 1
            self._waits.discard(mark)

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
        if self._running:
            return False
        now_ms = self._clock.now_ms()
        return not any(wait.bell.is_rung or (wait.until_ms is not None and wait.until_ms <= now_ms) for wait in self._waits)

    def _tell(self) -> None:
        if not self._running:
            self._changed.set()
            self._changed = asyncio.Event()
