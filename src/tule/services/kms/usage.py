"""When keys were last used, and for what: kept in memory, and written down once an hour for each key.

A node that is killed forgets at most that hour.  AWS: KMS API reference, GetKeyLastUsage.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.kms import state
from tule.services.kms.key import Key
from tule.store.store import Tx

_MEMORY = "kms.usage"
_EVERY_MS = 3_600_000
_MAX_KNOWN = 100_000


class Use(NamedTuple):
    operation: str
    at_ms: int
    request: str


class Usage:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._latest: dict[str, Use] = {}  # by the key's ARN
        self._written_ms: dict[str, int] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, call: Call, key: Key) -> None:
        """A key has served a call."""
        arn, now_ms = key.arn, call.now_ms
        self._latest[arn] = Use(call.operation, now_ms, call.id)
        if now_ms - self._written_ms.get(arn, -_EVERY_MS) >= _EVERY_MS:
            self._write_later(key, now_ms)

    def latest(self, key: Key) -> Use | None:
        return self._latest.get(key.arn)

    def forget(self) -> None:
        self._latest.clear()
        self._written_ms.clear()

    def _write_later(self, key: Key, now_ms: int) -> None:
        if len(self._latest) >= _MAX_KNOWN:
            self.forget()
        self._written_ms[key.arn] = now_ms
        task = asyncio.create_task(self._write(key))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, key: Key) -> None:
        use = self._latest.get(key.arn)
        if use is not None:
            await self._node.store.write_forgettable(partial(_put, key, use))


def _put(key: Key, use: Use, tx: Tx) -> None:
    if state.key(tx, key.account, key.region, key.id) is not None:
        state.USES.put(tx, key.account, key.region, key.id, use._asdict())


def written(tx: Tx, account: str, region: str, id: str) -> Use | None:
    found = state.USES.get(tx, account, region, id)
    return None if found is None else Use(**found)


def usage(node: Node) -> Usage:
    known = node.memory.get(_MEMORY)
    if known is None:
        known = node.memory[_MEMORY] = Usage(node)
    return known
