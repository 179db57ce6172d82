"""Reconcilers: background work that looks at what is and does what is missing.

`run` takes no input and is idempotent.  It runs when the node starts, when one of its topics is woken, when a turned clock
or its interval says so, or at the time that its last run answered, and never twice at a time; several hints while it runs make
one more run.  Hints only shorten
latency: correctness rests on the next run.  One code path serves the happy case, the restart and the take-over.

On a store that nodes share, the runs of one name take turns by a lease, and a node that finds it held looks again when it
has run out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from tule.backbone import leases
from tule.backbone.alarm import Alarm
from tule.backbone.worker import Jobs
from tule.core.clock import Clock
from tule.store.errors import StoreError
from tule.store.store import Store

log = logging.getLogger("tule.reconcile")

LEASE_MS = 30_000
RENEW_S = 10.0
RETRY_MS = 1_000
RETRY_CAP_MS = 60_000


class Reconciler:
    """`await reconciler.keep(store, clock, jobs)` is the node's background work; `jobs.settle()` waits for it too.

    A run may answer when there will be something to do next, and a clock that is moved stops there.
    """

    def __init__(self, name: str, interval_ms: int, topics: Sequence[str], run: Callable[[], Awaitable[int | None]]) -> None:
        self.name = name
        self._interval_ms = interval_ms
        self._topics = topics
        self._run = run
        self._hinted = True
        self._running = False
        self._due_ms = 0
        self._told_ms: int | None = None
        self._failures = 0
        self._alarm: Alarm | None = None
        self._ran = asyncio.Event()

    def hint(self) -> None:
        """Look soon."""
        self._hinted = True
        if self._alarm is not None:
            self._alarm.ring()

    async def keep(self, store: Store, clock: Clock, jobs: Jobs) -> None:
        """For the node's life."""
        if store.shared:
            await store.migrate("leases", leases.SCHEMA)
        self._alarm = Alarm(clock)
        with contextlib.ExitStack() as stack:
            for topic in self._topics:
                stack.callback(store.subscribe(topic, self.hint))
            stack.callback(lambda: self._ran.set())
            stack.callback(jobs.attend(lambda: self.settle(clock), lambda: self._told_ms))
            while True:
                self._alarm.hush()
                if self._is_due(clock):
                    await self._once(store, clock)
                else:
                    await self._alarm.wait(self._due_ms)

    async def settle(self, clock: Clock) -> bool:
        """Wait for a run that is due or under way; False when there is none."""
        if not self._running and not self._is_due(clock):
            return False
        await self._ran.wait()
        return True

    def _is_due(self, clock: Clock) -> bool:
        return self._hinted or clock.now_ms() >= self._due_ms

    async def _once(self, store: Store, clock: Clock) -> None:
        self._hinted, self._running = False, True
        try:
            if not store.shared:
                self._told_ms = await self._run()
            elif not await self._in_turn(store):
                self._due_ms = clock.now_ms() + LEASE_MS
                return
            self._failures = 0
            self._due_ms = clock.now_ms() + self._interval_ms
            if self._told_ms is not None:
                self._due_ms = min(self._due_ms, self._told_ms)
        except Exception:
            log.exception("%s failed and will be tried again.", self.name)
            self._failures += 1
            self._due_ms = clock.now_ms() + min(RETRY_CAP_MS, RETRY_MS * 2 ** min(self._failures - 1, 10))
        finally:
            self._running = False
            self._ran.set()
            self._ran = asyncio.Event()

    async def _in_turn(self, store: Store) -> bool:
        """False when another node is at it."""
        name = f"reconcile:{self.name}"
        epoch = await store.write(lambda tx: leases.take(tx, name, store.node, LEASE_MS))
        if epoch is None:
            return False
        renewal = asyncio.create_task(_renew(store, name, epoch))
        try:
            self._told_ms = await self._run()
        finally:
            renewal.cancel()
            with contextlib.suppress(StoreError):
                await store.write(lambda tx: leases.release(tx, name, epoch))
        return True


async def _renew(store: Store, name: str, epoch: int) -> None:
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            await store.write(lambda tx: leases.renew(tx, name, epoch, LEASE_MS))
        except leases.LeaseLost:
            return
        except StoreError:
            log.exception("The lease of %s cannot be renewed yet.", name)
