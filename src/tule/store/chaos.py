"""A store that runs each writing closure twice and takes the first run back, so that one that is not pure shows itself.

Both runs see the same rows; whatever else the closure touches, it touches twice, as a serialization conflict on
PostgreSQL would make it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tule.store.store import Store, Tx

T = TypeVar("T")


class ChaosStore:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.dialect = store.dialect
        self.node = store.node
        self.shared = store.shared

    async def write(self, fn: Callable[[Tx], T]) -> T:
        await self._run_in_vain(fn)
        return await self._store.write(fn)

    async def write_relaxed(self, fn: Callable[[Tx], T]) -> T:
        return await self._store.write_relaxed(fn)

    async def write_forgettable(self, fn: Callable[[Tx], T]) -> T:
        return await self._store.write_forgettable(fn)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        return await self._store.read(fn)

    async def snapshot(self, fn: Callable[[Tx], T]) -> T:
        return await self._store.snapshot(fn)

    def subscribe(self, topic: str, notify: Callable[[], None]) -> Callable[[], None]:
        return self._store.subscribe(topic, notify)

    async def migrate(self, room: str, schema: str) -> None:
        await self._store.migrate(room, schema)

    async def wipe(self) -> None:
        await self._store.wipe()

    async def close(self) -> None:
        await self._store.close()

    async def _run_in_vain(self, fn: Callable[[Tx], Any]) -> None:
        def run(tx: Tx) -> None:
            try:
                fn(tx)
            except Exception as error:
                raise _TakenBack from error
            raise _TakenBack

        try:
            await self._store.write(run)
        except _TakenBack:
            return


class _TakenBack(Exception):
    pass
