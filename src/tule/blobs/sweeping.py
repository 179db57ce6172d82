"""Which blobs nobody refers to any more."""

from __future__ import annotations

from collections.abc import Callable

from tule.store.store import Store, Tx

Holders = Callable[[Tx, list[str]], set[str]]


class Sweeper:
    """Asks every service that keeps blobs.  Where none has registered, nothing is an orphan."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._holders: list[Holders] = []

    def add(self, holders: Holders) -> None:
        self._holders.append(holders)

    async def orphans(self, names: list[str]) -> list[str]:
        if not names or not self._holders:
            return []
        held = await self._store.read(lambda tx: set[str]().union(*(holders(tx, names) for holders in self._holders)))
        return [name for name in names if name not in held]
