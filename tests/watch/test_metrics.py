"""What is counted can be read again, whole, from either store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores import opened
from tule.core.clock import TurnableClock
from tule.store.store import Store
from tule.watch import metric_store
from tule.watch.meter import COARSER, GONE_AFTER_MS, Meter
from tule.watch.metric_store import Series, Summary

SERIES = Series("111111111111", "us-east-1", "AWS/Lambda", "Duration", (("FunctionName", "f"),))
MINUTE = 60_000


class House:
    def __init__(self, store: Store, clock: TurnableClock) -> None:
        self.store, self.clock, self.meter = store, clock, Meter(store, clock)

    def count(self, value: float, name: str = "Duration") -> None:
        self.meter.add(SERIES.account, SERIES.region, SERIES.namespace, name, SERIES.dimensions, value, "Milliseconds")

    async def points(self) -> list[metric_store.Point]:
        await self.meter.flush()
        return await self.store.read(lambda tx: list(metric_store.points(tx, SERIES.id, 0, 2**62)))


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    clock = TurnableClock()
    clock.freeze(1_700_000_000_000)
    async with opened(request.param, tmp_path, clock) as store:
        await store.migrate("metrics", metric_store.SCHEMA)
        yield House(store, clock)


async def test_values_of_a_minute_are_summed_up_however_often_they_are_written(house: House) -> None:
    begin = house.clock.now_ms() - house.clock.now_ms() % MINUTE
    for value in (1.0, 5.0):
        house.count(value)
    assert [point.summary.sum for point in await house.points()] == [6.0]
    house.count(3.0)
    (point,) = await house.points()
    assert (point.at_ms, point.unit) == (begin, "Milliseconds")
    assert (point.summary.count, point.summary.sum, point.summary.low, point.summary.high) == (3, 9.0, 1.0, 5.0)
    house.clock.move(MINUTE)
    house.count(7.0)
    assert [point.at_ms for point in await house.points()] == [begin, begin + MINUTE]


async def test_values_of_two_minutes_stay_apart_when_they_are_written_together(house: House) -> None:
    begin = house.clock.now_ms() - house.clock.now_ms() % MINUTE
    house.count(1.0)
    house.clock.move(MINUTE)
    house.count(2.0)
    house.clock.freeze(begin)  # as a clock that is set to the wall's again
    house.count(4.0)
    assert [(point.at_ms, point.summary.sum) for point in await house.points()] == [(begin, 5.0), (begin + MINUTE, 2.0)]


async def test_series_are_listed_by_namespace_and_name(house: House) -> None:
    for name in ("Errors", "Duration"):
        house.count(1.0, name)
    await house.meter.flush()
    found = await house.store.read(lambda tx: metric_store.listed(tx, SERIES.account, SERIES.region, limit=10))
    assert [(one.namespace, one.name, one.dimensions) for one in found] == [
        ("AWS/Lambda", "Duration", SERIES.dimensions),
        ("AWS/Lambda", "Errors", SERIES.dimensions),
    ]
    one = found[0]
    rest = await house.store.read(
        lambda tx: metric_store.listed(tx, SERIES.account, SERIES.region, after=(one.namespace, one.name, one.id), limit=10)
    )
    assert [two.name for two in rest] == ["Errors"]
    assert await house.store.read(lambda tx: metric_store.listed(tx, SERIES.account, "eu-west-1", limit=10)) == []


async def test_what_gets_old_becomes_coarser_and_goes_in_the_end(house: House) -> None:
    for _ in range(7):
        house.count(2.0)
        await house.meter.flush()
        house.clock.move(MINUTE)
    house.clock.move(COARSER[1][0])
    await house.meter.coarsen()
    points = await house.points()
    assert len(points) in (2, 3)
    assert all(point.at_ms % COARSER[1][1] == 0 for point in points)
    assert sum(point.summary.sum for point in points) == 14.0
    house.clock.move(GONE_AFTER_MS)
    await house.meter.coarsen()
    assert await house.points() == []
    assert await house.store.read(lambda tx: metric_store.listed(tx, SERIES.account, SERIES.region, limit=10)) == []


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(1, 5)), min_size=1, max_size=60), st.integers(0, 60), st.floats(0, 100))
def test_a_summary_of_parts_is_that_of_the_whole(values: list[tuple[float, int]], cut: int, rank: float) -> None:
    whole, left, right = Summary(), Summary(), Summary()
    for number, (value, count) in enumerate(values):
        whole.add(value, count)
        (left if number < cut else right).add(value, count)
    left.merge(right)
    assert (left.count, left.low, left.high, left.seen) == (whole.count, whole.low, whole.high, whole.seen)
    assert left.sum == pytest.approx(whole.sum)
    plain = sorted(value for value, count in values for _ in range(count))
    exact = plain[max(0, min(len(plain) - 1, -int(-len(plain) * rank // 100) - 1))]
    assert left.percentile(rank) == pytest.approx(exact, rel=0.01, abs=1e-3)
