"""Who of several nodes on one store reads what.

Each node that runs holds a lease, and says so again every few seconds.  Of what is to be read, everybody takes what falls to
him by a hash over those who are there (rendezvous hashing), so that all agree without talking, and little moves when one comes or
goes.  While two of them disagree for a moment, both may think it theirs: what must not be done twice at a time is guarded by a
lease of its own.  On a store of one node's own everything is its.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable

from tule.backbone import leases
from tule.store.errors import StoreError
from tule.store.store import Store, Tx

log = logging.getLogger("tule.pollers")

LEASE_MS = 30_000
BEAT_S = 5.0

_MEMBERS = "SELECT owner FROM leases WHERE name >= ? AND name < ? AND until_ms > ? ORDER BY owner"


class Sharing:
    def __init__(self, store: Store, name: str, changed: Callable[[], None]) -> None:
        self._store = store
        self._prefix = f"pollers/{name}/"
        self._changed = changed
        self._members: list[str] = [] if store.shared else [store.node]  # until it knows who is there, it reads nothing
        self._epoch: int | None = None

    def is_mine(self, unit: str) -> bool:
        """Whether `unit` falls to this node."""
        return bool(self._members) and max(self._members, key=lambda node: _weight(node, unit)) == self._store.node

    async def run(self) -> None:
        """For the node's life."""
        if not self._store.shared:
            return
        moved = asyncio.Event()
        forget = self._store.subscribe(self._prefix, moved.set)
        try:
            while True:
                moved.clear()
                try:
                    await self.look()
                except StoreError:
                    log.exception("Others may read what this node reads: it cannot say that it is there.")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S):  # `wait_for` of Python 3.11 may swallow a cancellation
                        await moved.wait()
        finally:
            forget()
            await self._leave()

    async def look(self) -> None:
        """Say that this node is there, and see who else is."""
        epoch, members = await self._store.write(self._say_and_look)
        self._epoch = epoch
        if members != self._members:
            self._members = members
            self._changed()

    def _say_and_look(self, tx: Tx) -> tuple[int | None, list[str]]:
        epoch = leases.take(tx, self._prefix + self._store.node, self._store.node, LEASE_MS)
        if self._epoch is None:
            tx.wake(self._prefix)
        return epoch, [row[0] for row in tx.all(_MEMBERS, self._prefix, self._prefix + "\U0010ffff", tx.now_ms)]

    async def _leave(self) -> None:
        epoch = self._epoch
        if epoch is None:
            return

        def leave(tx: Tx) -> None:
            leases.release(tx, self._prefix + self._store.node, epoch)
            tx.wake(self._prefix)

        try:
            await self._store.write(leave)
        except StoreError as error:
            log.warning("The other nodes will notice later that this one has gone: %s", error)


def _weight(node: str, unit: str) -> bytes:
    return hashlib.blake2b(f"{node}\0{unit}".encode(), digest_size=8).digest()
