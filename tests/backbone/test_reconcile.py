"""Reconcilers run at the start, by hint, by time, once at a time, and again after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.postgres import fresh_database
from tests.stores import opened
from tule.backbone.clockwork import advance
from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.backbone.reconcile import Reconciler
from tule.backbone.worker import Jobs
from tule.core.clock import TurnableClock
from tule.core.ids import Ids
from tule.store.store import Store

MINUTE_MS = 60_000


async def nothing(delivery: Delivery) -> Outcome:
    return Done()


@pytest.fixture
def clock() -> TurnableClock:
    clock = TurnableClock()
    clock.freeze(1_000_000)
    return clock


@pytest.fixture
async def jobs(store: Store, clock: TurnableClock) -> AsyncIterator[Jobs]:
    jobs = Jobs(store, clock, Ids(), nothing)
    await jobs.start()
    yield jobs
    await jobs.stop()


@pytest.fixture
async def keep(store: Store, clock: TurnableClock, jobs: Jobs) -> AsyncIterator[Callable[..., Awaitable[Reconciler]]]:
    tasks: list[asyncio.Task[None]] = []

    async def keep(run: Callable[[], Awaitable[None]], *topics: str, interval_ms: int = MINUTE_MS) -> Reconciler:
        reconciler = Reconciler("test", interval_ms, topics, run)
        began = asyncio.Event()

        async def first_run() -> None:
            await run()
            began.set()

        reconciler._run = first_run
        tasks.append(asyncio.create_task(reconciler.keep(store, clock, jobs)))
        await asyncio.wait_for(began.wait(), 20)
        reconciler._run = run
        await jobs.settle()
        return reconciler

    yield keep
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_it_runs_at_the_start_by_hint_and_by_time(
    store: Store, jobs: Jobs, clock: TurnableClock, keep: Callable[..., Awaitable[Reconciler]]
) -> None:
    runs: list[int] = []

    async def run() -> None:
        runs.append(clock.now_ms() - 1_000_000)

    await keep(run, "changed")
    assert runs == [0]
    await store.write(lambda tx: tx.wake("changed"))
    await jobs.settle()
    assert runs == [0, 0]
    await store.write(lambda tx: tx.wake("something else"))
    await advance(jobs, clock, MINUTE_MS - 1)
    assert runs == [0, 0]
    await advance(jobs, clock, 1)
    assert runs == [0, 0, MINUTE_MS]


async def test_hints_while_it_runs_make_one_more_run(store: Store, jobs: Jobs, keep: Callable[..., Awaitable[Reconciler]]) -> None:
    runs = at_once = most = 0
    gate = asyncio.Event()
    gate.set()

    async def run() -> None:
        nonlocal runs, at_once, most
        runs += 1
        at_once += 1
        most = max(most, at_once)
        await gate.wait()
        at_once -= 1

    await keep(run, "changed")
    gate.clear()
    for _ in range(5):
        await store.write(lambda tx: tx.wake("changed"))
    gate.set()
    await jobs.settle()
    assert runs in (2, 3)
    assert most == 1


async def test_what_it_causes_has_run_when_settled(store: Store, jobs: Jobs, keep: Callable[..., Awaitable[Reconciler]]) -> None:
    delivered: list[str] = []

    async def deliver(delivery: Delivery) -> Outcome:
        delivered.append(delivery.kind)
        return Done()

    jobs._deliver = deliver
    await keep(lambda: store.write(lambda tx: enqueue(tx, Job("caused", "arn", "1", "r"))), "changed")  # type: ignore[arg-type, return-value]
    await jobs.settle()
    delivered.clear()
    await store.write(lambda tx: tx.wake("changed"))
    await jobs.settle()
    assert delivered == ["caused"]


async def test_a_failure_is_tried_again_later_and_later(jobs: Jobs, clock: TurnableClock, keep: Callable[..., Awaitable[Reconciler]]) -> None:
    runs: list[int] = []
    broken = False

    async def run() -> None:
        runs.append(clock.now_ms() - 1_000_000)
        if broken:
            raise RuntimeError("broken")

    reconciler = await keep(run)
    broken = True
    reconciler.hint()
    await jobs.settle()
    for _ in range(8):
        await advance(jobs, clock, 1_000)
    assert runs == [0, 0, 1_000, 3_000, 7_000]


async def test_nodes_take_turns(tmp_path: Path) -> None:
    url = fresh_database()
    running = most = runs = 0
    enough = asyncio.Event()

    async def run() -> None:
        nonlocal running, most, runs
        running += 1
        runs += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        if runs >= 4:
            enough.set()

    async def node(store: Store) -> None:
        clock = TurnableClock()
        jobs = Jobs(store, clock, Ids(), nothing)
        await Reconciler("shared", 10, ["changed"], run).keep(store, clock, jobs)

    async with opened("postgresql", tmp_path / "a", url=url) as a, opened("postgresql", tmp_path / "b", url=url) as b:
        nodes = [asyncio.create_task(node(store)) for store in (a, b)]
        await asyncio.wait_for(enough.wait(), 20)
        for task in nodes:
            task.cancel()
        await asyncio.gather(*nodes, return_exceptions=True)
    assert most == 1
