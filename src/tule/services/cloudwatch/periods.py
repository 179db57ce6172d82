"""Points of a series, gathered into periods."""

from __future__ import annotations

from collections.abc import Iterable

from tule.platform.node import Node
from tule.watch import metric_store
from tule.watch.metric_store import Point, Series, Summary


async def periods(node: Node, series: Series, begin_ms: int, end_ms: int, period_ms: int) -> dict[str, dict[int, Summary]]:
    """By unit, and by the beginning of the period; periods are counted from `begin_ms`, and those without data are absent."""
    await node.meter.flush()
    return await node.telemetry.read(lambda tx: gathered(metric_store.points(tx, series.id, begin_ms, end_ms), begin_ms, period_ms))


def gathered(points: Iterable[Point], begin_ms: int, period_ms: int) -> dict[str, dict[int, Summary]]:
    found: dict[str, dict[int, Summary]] = {}
    for point in points:
        start = point.at_ms - (point.at_ms - begin_ms) % period_ms
        found.setdefault(point.unit, {}).setdefault(start, Summary()).merge(point.summary)
    return found


def rounded_ms(seconds: float, period_ms: int) -> int:
    """The beginning of a range, rounded down to the minute, or to a high resolution's period."""
    at_ms = round(seconds * 1_000)
    return at_ms - at_ms % min(period_ms, 60_000)
