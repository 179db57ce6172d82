"""Sandboxes kept started ahead, for each runtime in use: everything is done but the function's code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tule.compute.compute import FunctionUnavailable
from tule.compute.runtime_contract import Launch
from tule.compute.sandboxes import Sandbox

QUIET_S = 0.05  # new ones are started when no function has been waiting for so long


class Parking:
    def __init__(self, wanted: int, start: Callable[[str], Awaitable[Sandbox]], busy: Callable[[], bool]) -> None:
        self._wanted = wanted
        self._start = start
        self._busy = busy
        self._parked: dict[str, list[Sandbox]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._filling: dict[str, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._parked.values()))

    def take(self, runtime: str, launch: Launch) -> Sandbox | None:
        """A sandbox that waits for its code; others are started once it is quiet.  What was launched otherwise, before another
        interpreter was installed, is ended."""
        self._fill_later(runtime)
        parked = self._parked.setdefault(runtime, [])
        while parked:
            sandbox = parked.pop()
            if sandbox.launch != launch:
                sandbox.kill()
            elif not sandbox.ended.done():
                return sandbox
        return None

    def prepare(self, runtime: str) -> None:
        """Have some ready before the first function of this runtime is invoked."""
        self._fill_later(runtime)

    def _fill_later(self, runtime: str) -> None:
        if self._wanted == 0:
            return
        if runtime in self._timers:
            self._timers[runtime].cancel()
        self._timers[runtime] = asyncio.get_running_loop().call_later(QUIET_S, self._fill, runtime)

    def _fill(self, runtime: str) -> None:
        if self._busy():
            self._fill_later(runtime)
        elif runtime not in self._filling:
            self._filling[runtime] = asyncio.get_running_loop().create_task(self._start_missing(runtime))

    async def _start_missing(self, runtime: str) -> None:
        parked = self._parked.setdefault(runtime, [])
        try:
            while len(parked) < self._wanted and not self._busy():
                parked.append(await self._start(runtime))
        except FunctionUnavailable:
            return  # the next invocation runs into the same reason, and says it
        finally:
            del self._filling[runtime]

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for task in self._filling.values():
            task.cancel()
        for parked in self._parked.values():
            for sandbox in parked:
                sandbox.kill()
            parked.clear()
