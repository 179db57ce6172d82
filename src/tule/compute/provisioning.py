"""Provisioned concurrency: as many initialised instances of a function's version as were asked for, at all times.

They wait in the pool like others, but are never reaped, and are taken before others.  One that ends is replaced; one that cannot
be initialised is tried again after a while, later each time.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tule.compute.compute import Credentials, FunctionSpec, FunctionUnavailable, Provisioned
from tule.compute.instances import Instance

RETRY_FIRST_S, RETRY_LAST_S = 1.0, 60.0

Fetch = Callable[[], Credentials]
Start = Callable[[FunctionSpec, Fetch | None], Awaitable[Instance | bytes]]


@dataclass(slots=True)
class _Kept:
    function: FunctionSpec
    credentials: Fetch | None
    wanted: int
    ready: set[Instance] = field(default_factory=set[Instance])
    starting: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    failure: bytes | None = None
    unavailable: FunctionUnavailable | None = None
    pause_s: float = RETRY_FIRST_S
    timer: asyncio.TimerHandle | None = None

    def state(self) -> Provisioned:
        return Provisioned(len(self.ready), self.failure if len(self.ready) < self.wanted else None)


class Provisioning:
    def __init__(self, start: Start, give_up: Callable[[Instance], None]) -> None:
        """`start` gives an initialised instance that waits in the pool, or the error document of why there is none."""
        self._start = start
        self._give_up = give_up
        self._kept: dict[str, _Kept] = {}

    async def keep(self, function: FunctionSpec, count: int, credentials: Fetch | None) -> Provisioned:
        """Raises FunctionUnavailable."""
        if count == 0:
            self.forget(function.key)
            return Provisioned(0)
        kept = self._kept.setdefault(function.key, _Kept(function, credentials, count))
        kept.wanted, kept.credentials, kept.failure, kept.unavailable = count, credentials, None, None
        for surplus in list(kept.ready)[count:]:
            kept.ready.discard(surplus)
            self._give_up(surplus)
        self._fill(kept)
        if kept.starting:
            await asyncio.wait(list(kept.starting))
        if kept.unavailable is not None:
            raise kept.unavailable
        return kept.state()

    def state(self, key: str) -> Provisioned:
        kept = self._kept.get(key)
        return kept.state() if kept is not None else Provisioned(0)

    def lost(self, instance: Instance) -> None:
        """The instance has ended."""
        kept = self._kept.get(instance.function.key)
        if kept is not None and instance in kept.ready:
            kept.ready.discard(instance)
            self._fill(kept)

    def forget(self, key_prefix: str) -> None:
        for key in [key for key in self._kept if key.startswith(key_prefix)]:
            kept = self._kept.pop(key)
            kept.wanted = 0
            self._cancel(kept)
            for instance in kept.ready:
                self._give_up(instance)

    def close(self) -> None:
        for kept in self._kept.values():
            kept.wanted = 0
            self._cancel(kept)
        self._kept.clear()

    def _cancel(self, kept: _Kept) -> None:
        if kept.timer is not None:
            kept.timer.cancel()
        for task in kept.starting:
            task.cancel()

    def _fill(self, kept: _Kept) -> None:
        for _ in range(kept.wanted - len(kept.ready) - len(kept.starting)):
            task = asyncio.get_running_loop().create_task(self._one_more(kept))
            kept.starting.add(task)
            task.add_done_callback(kept.starting.discard)

    async def _one_more(self, kept: _Kept) -> None:
        try:
            started = await self._start(kept.function, kept.credentials)
        except FunctionUnavailable as error:
            kept.unavailable = error
            self._again_later(kept, None)
            return
        if isinstance(started, bytes):
            self._again_later(kept, started)
        elif len(kept.ready) >= kept.wanted:
            self._give_up(started)
        else:
            kept.ready.add(started)
            kept.failure, kept.pause_s = None, RETRY_FIRST_S

    def _again_later(self, kept: _Kept, failure: bytes | None) -> None:
        kept.failure = failure
        if kept.wanted and (kept.timer is None or kept.timer.when() <= asyncio.get_running_loop().time()):
            kept.timer = asyncio.get_running_loop().call_later(kept.pause_s, self._fill, kept)
            kept.pause_s = min(kept.pause_s * 2, RETRY_LAST_S)
