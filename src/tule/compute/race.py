"""Waiting for something that may be cut short: by time, or because the sandbox ended."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Literal

Lost = Literal["time", "end"]
GRACE_S = 0.005


class Race:
    """`async with Race(ended, seconds) as race:` runs the body; afterwards `race.lost` says what cut it short, if anything."""

    def __init__(self, ended: asyncio.Future[int | None], seconds: float) -> None:
        self.lost: Lost | None = None
        self._ended = ended
        self._seconds = seconds
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._grace: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Race:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(max(self._seconds, 0), self._cut, "time")
        self._ended.add_done_callback(self._on_end)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        assert self._task is not None and self._timer is not None
        self._timer.cancel()
        self._ended.remove_done_callback(self._on_end)
        if self._grace is not None:
            self._grace.cancel()
        task, self._task = self._task, None
        if self.lost is None:
            return False
        return task.uncancel() == 0 and kind is asyncio.CancelledError

    def _on_end(self, ended: asyncio.Future[int | None]) -> None:
        """What the process said last may still be on its way."""
        self._grace = asyncio.get_running_loop().call_later(GRACE_S, self._cut, "end")

    def _cut(self, why: Lost) -> None:
        if self.lost is None and self._task is not None:
            self.lost = why
            self._task.cancel()
