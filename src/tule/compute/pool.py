"""Idle instances of every function, the last used first; those idle for too long are ended, but for provisioned ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tule.compute.instances import Instance


class Pool:
    def __init__(self, idle_s: float, end: Callable[[Instance], None]) -> None:
        self._idle_s = idle_s
        self._end = end
        self._by_key: dict[str, list[Instance]] = {}
        self._oldest_first: dict[Instance, None] = {}
        self._provisioned: dict[str, list[Instance]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._oldest_first) + sum(map(len, self._provisioned.values()))

    def take(self, key: str) -> Instance | None:
        idle = self._provisioned.get(key) or self._by_key.get(key)
        if not idle:
            return None
        instance = idle[-1]
        self.discard(instance)
        return instance

    def put(self, instance: Instance) -> None:
        if instance.provisioned:
            self._provisioned.setdefault(instance.function.key, []).append(instance)
            return
        instance.idle_since = asyncio.get_running_loop().time()
        self._by_key.setdefault(instance.function.key, []).append(instance)
        self._oldest_first[instance] = None
        if self._timer is None:
            self._wait()

    def discard(self, instance: Instance) -> bool:
        """False when it was not idle."""
        if instance in self._oldest_first:
            del self._oldest_first[instance]
            _remove(self._by_key, instance)
            return True
        if instance.provisioned and instance in self._provisioned.get(instance.function.key, ()):
            _remove(self._provisioned, instance)
            return True
        return False

    def oldest(self) -> Instance | None:
        """Of those that may be ended to make room."""
        return next(iter(self._oldest_first), None)

    def matching(self, key_prefix: str) -> list[Instance]:
        both = (*self._by_key.items(), *self._provisioned.items())
        return [instance for key, idle in both if key.startswith(key_prefix) for instance in idle]

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        oldest = self.oldest()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(oldest.idle_since + self._idle_s, self._reap) if oldest else None

    def _reap(self) -> None:
        now = asyncio.get_running_loop().time()
        while (oldest := self.oldest()) and oldest.idle_since + self._idle_s <= now:
            self.discard(oldest)
            self._end(oldest)
        self._wait()


def _remove(by_key: dict[str, list[Instance]], instance: Instance) -> None:
    idle = by_key[instance.function.key]
    idle.remove(instance)
    if not idle:
        del by_key[instance.function.key]
