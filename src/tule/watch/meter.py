"""Counting what happens, for metrics: gathered in memory, written a moment later, all together.

    node.meter.add(account, region, "AWS/Lambda", "Duration", (("FunctionName", "f"),), 12.5, "Milliseconds")

A count costs about a microsecond.  What was counted in the last second is lost when the process dies; like all telemetry.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from tule.core.clock import Clock
from tule.store.errors import StoreError
from tule.store.store import Store
from tule.watch import metric_store
from tule.watch.metric_store import Dimensions, Series, Summary

log = logging.getLogger("tule.meter")

GATHER_S = 1.0
MINUTE_MS = 60_000
DAY_MS = 86_400_000

# AWS: CloudWatch user guide, "Metrics retention".
COARSER = ((3 * 3_600_000, MINUTE_MS), (15 * DAY_MS, 5 * MINUTE_MS), (63 * DAY_MS, 60 * MINUTE_MS))
GONE_AFTER_MS = 455 * DAY_MS
AGE_EVERY_S = 3_600.0
AT_ONCE = 1_000


class Meter:
    """To be used on the node's event loop only: from a transaction by `tx.after_commit`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._minute_ms = 0
        self._sources: list[Callable[[], None]] = []
        self._counts: dict[tuple[Series, str], dict[float, float]] = {}  # how often each value came in that minute: made summaries later
        self._gathered: dict[tuple[Series, int, str], Summary] = {}
        self._something = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    def add(
        self,
        account: str,
        region: str,
        namespace: str,
        name: str,
        dimensions: Dimensions,
        value: float,
        unit: str = "None",
        *,
        count: float = 1.0,
    ) -> None:
        """`value` came `count` times just now.  `dimensions` in the order of their names; `unit` is one of CloudWatch's."""
        now_ms = self._clock.now_ms()
        if not 0 <= now_ms - self._minute_ms < MINUTE_MS:
            self._sum_up()
            self._minute_ms = now_ms - now_ms % MINUTE_MS
        key = (account, region, namespace, name, dimensions), unit
        seen = self._counts.get(key)  # pyright: ignore[reportArgumentType, reportCallIssue]  # a tuple is equal to a Series, and sooner made
        if seen is None:
            seen = self._counts[Series(*key[0]), unit] = {}
            self._something.set()
        seen[value] = seen.get(value, 0.0) + count

    def merge(self, series: Series, at_ms: int, unit: str, summary: Summary) -> None:
        """What somebody else has counted; `at_ms` is the beginning of its minute or second."""
        self._of(series, at_ms, unit).merge(summary)

    def gathers_from(self, source: Callable[[], None]) -> Callable[[], None]:
        """`source` is asked to `merge` what it has counted, before anything is written; what it gets back says that there is something."""
        self._sources.append(source)
        return self._something.set

    async def flush(self) -> None:
        """Write what is gathered; whoever reads metrics calls it first."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
        await self._once()

    async def run(self) -> None:
        """For the life of the node: write once a second, when there is something."""
        while True:
            await self._something.wait()
            await asyncio.sleep(GATHER_S)
            await self._once()

    async def age(self) -> None:
        """For the life of the node: what gets old becomes coarser, as CloudWatch's does, and goes in the end."""
        while True:
            await asyncio.sleep(AGE_EVERY_S)
            try:
                await self.coarsen()
            except StoreError as error:
                log.warning("old metrics are not removed: %s", error)

    async def coarsen(self) -> None:
        """What is due by now."""
        now_ms = self._clock.now_ms()
        for after_ms, period_ms in COARSER:
            while await self._store.write(partial(metric_store.coarsen, before_ms=now_ms - after_ms, period_ms=period_ms, limit=AT_ONCE)) == AT_ONCE:
                pass
        while await self._store.write(partial(metric_store.drop, before_ms=now_ms - GONE_AFTER_MS, limit=AT_ONCE)) == AT_ONCE:
            pass

    def forget(self) -> None:
        self._counts = {}
        self._gathered = {}

    def _sum_up(self) -> None:
        counts, self._counts = self._counts, {}
        for (series, unit), seen in counts.items():
            summary = self._of(series, self._minute_ms, unit)
            for value, count in seen.items():
                summary.add(value, count)

    def _of(self, series: Series, at_ms: int, unit: str) -> Summary:
        key = series, at_ms, unit
        summary = self._gathered.get(key)
        if summary is None:
            summary = self._gathered[key] = Summary()
            self._something.set()
        return summary

    async def _once(self) -> None:
        """One write, however much comes meanwhile: it has all that was counted when it began."""
        if self._writing is None and self._gather():
            self._writing = asyncio.create_task(self._write())
        if self._writing is not None:
            await asyncio.shield(self._writing)
        elif not self._gathered:
            self._something.clear()

    def _gather(self) -> bool:
        """Whether there is something to be written."""
        for source in self._sources:
            source()
        self._sum_up()
        return bool(self._gathered)

    async def _write(self) -> None:
        self._gather()
        gathered = [(*key, summary) for key, summary in self._gathered.items()]
        self._gathered = {}
        self._something.clear()
        try:
            await self._store.write(lambda tx: metric_store.merge(tx, gathered))
        except StoreError as error:
            log.warning("%d metrics of the last moment are lost: %s", len(gathered), error)
        finally:
            self._writing = None
