"""Jobs on one database that several nodes share: each is done, by one node at a time, whoever dies."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.postgres import fresh_database
from tests.stores import opened
from tule.backbone import claims, worker
from tule.backbone.claims import LeaseClaims
from tule.backbone.delivery import Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, enqueue
from tule.backbone.worker import Jobs
from tule.core.clock import TurnableClock
from tule.core.ids import Ids
from tule.store.store import Store

Deliver = Callable[[Delivery], Awaitable[Outcome]]


@pytest.fixture
def url() -> str:
    return fresh_database()


@asynccontextmanager
async def node(url: str, data: Path, deliver: Deliver, **options: int) -> AsyncIterator[Jobs]:
    async with opened("postgresql", data, url=url) as store:
        jobs = Jobs(store, TurnableClock(), Ids(), deliver, **options)
        await jobs.start()
        yield jobs
        await jobs.stop(grace_s=0)


async def put(store: Store, count: int, **fields: object) -> None:
    await store.write(lambda tx: [enqueue(tx, Job("event", f"arn:{n % 7}", "1", "r", {"n": n}, **fields)) for n in range(count)])  # type: ignore[arg-type]


async def test_every_job_is_done_by_one_node_at_a_time(url: str, tmp_path: Path) -> None:
    at_once: Counter[str] = Counter()
    most: list[int] = []
    done: Counter[int] = Counter()
    by: Counter[str] = Counter()
    all_done = asyncio.Event()

    def deliverer(name: str) -> Deliver:
        async def deliver(delivery: Delivery) -> Outcome:
            at_once[delivery.id] += 1
            most.append(at_once[delivery.id])
            await asyncio.sleep(0.001)
            at_once[delivery.id] -= 1
            if delivery.payload["n"] % 5 == 0 and delivery.attempt == 1:
                return Retry("once", delay_ms=1)
            done[delivery.payload["n"]] += 1
            by[name] += 1
            if len(done) == 300:
                all_done.set()
            return Done()

        return deliver

    async with AsyncExitStack() as stack:
        for name in ("a", "b"):
            await stack.enter_async_context(node(url, tmp_path / name, deliverer(name), concurrency=16))
        store = await stack.enter_async_context(opened("postgresql", tmp_path / "client", url=url))
        await asyncio.gather(*(put_some(store, range(start, start + 30)) for start in range(0, 300, 30)))
        await asyncio.wait_for(all_done.wait(), 60)
    assert max(most) == 1
    assert set(done.values()) == {1}
    assert set(by) == {"a", "b"}


async def put_some(store: Store, numbers: range) -> None:
    await store.write(lambda tx: [enqueue(tx, Job("event", f"arn:{n % 7}", "1", "r", {"n": n})) for n in numbers])


async def test_groups_keep_their_order_across_nodes(url: str, tmp_path: Path) -> None:
    seen: list[int] = []
    all_seen = asyncio.Event()

    async def deliver(delivery: Delivery) -> Outcome:
        await asyncio.sleep(0)
        seen.append(delivery.payload["n"])
        if len(seen) == 30:
            all_seen.set()
        return Done()

    async with node(url, tmp_path / "a", deliver), node(url, tmp_path / "b", deliver), opened("postgresql", tmp_path / "c", url=url) as store:
        await put(store, 30, group="g")
        await asyncio.wait_for(all_seen.wait(), 30)
    assert seen == list(range(30))


DYING = """
import asyncio, os, sys
from pathlib import Path
from tests.stores import opened
from tule.backbone.jobs import Job, enqueue
from tule.backbone.worker import Jobs
from tule.core.clock import TurnableClock
from tule.core.ids import Ids

async def deliver(delivery):
    print("begun", flush=True)
    await asyncio.Event().wait()

async def main():
    async with opened(sys.argv[1], Path(sys.argv[2]), url=sys.argv[3]) as store:
        await store.write(lambda tx: enqueue(tx, Job("event", "arn", "1", "r")))
        jobs = Jobs(store, TurnableClock(), Ids(), deliver)
        await jobs.start()
        await asyncio.Event().wait()

asyncio.run(main())
"""


def die_while_delivering(kind: str, data: Path, url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", DYING, kind, str(data), url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.kill()


def noting(delivered: asyncio.Event, attempts: list[int]) -> Deliver:
    async def deliver(delivery: Delivery) -> Outcome:
        attempts.append(delivery.attempt)
        delivered.set()
        return Done()

    return deliver


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_node_that_was_killed_does_its_jobs_at_once_when_it_is_back(kind: str, tmp_path: Path) -> None:
    url = fresh_database() if kind == "postgresql" else ""
    die_while_delivering(kind, tmp_path, url)
    delivered, attempts = asyncio.Event(), list[int]()
    async with opened(kind, tmp_path, url=url) as store:
        jobs = Jobs(store, TurnableClock(), Ids(), noting(delivered, attempts))
        await jobs.start()
        await asyncio.wait_for(delivered.wait(), claims.LEASE_MS / 1000 / 2)
        await jobs.stop()
    assert attempts == [1]


async def test_another_node_does_the_jobs_of_one_that_died_when_their_leases_run_out(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_while_delivering("postgresql", tmp_path / "dead", url)
    monkeypatch.setattr(worker, "claims_for", lambda store, ids: LeaseClaims(store, ids, heartbeat_s=0.05))
    delivered, attempts = asyncio.Event(), list[int]()
    async with node(url, tmp_path / "other", noting(delivered, attempts)), opened("postgresql", tmp_path / "c", url=url) as store:
        await asyncio.sleep(0.3)
        assert attempts == []
        await store.write(lambda tx: tx.execute("UPDATE jobs SET lease_until_ms = 1"))
        await asyncio.wait_for(delivered.wait(), 20)
    assert attempts == [1]


async def test_a_long_delivery_keeps_its_lease(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "claims_for", lambda store, ids: LeaseClaims(store, ids, lease_ms=400, heartbeat_s=0.05))
    begun: list[str] = []
    finished = asyncio.Event()

    async def deliver(delivery: Delivery) -> Outcome:
        begun.append(delivery.id)
        await asyncio.sleep(1.5)  # several leases long
        finished.set()
        return Done()

    async with node(url, tmp_path / "a", deliver), node(url, tmp_path / "b", deliver), opened("postgresql", tmp_path / "c", url=url) as store:
        await store.write(lambda tx: enqueue(tx, Job("event", "arn", "1", "r")))
        await asyncio.wait_for(finished.wait(), 20)
    assert len(begun) == 1


async def test_the_end_of_a_delivery_that_lost_its_lease_changes_nothing(url: str, tmp_path: Path) -> None:
    gate = asyncio.Event()
    begun = asyncio.Event()

    async def deliver(delivery: Delivery) -> Outcome:
        begun.set()
        await gate.wait()
        return Done()

    async with node(url, tmp_path / "a", deliver) as jobs, opened("postgresql", tmp_path / "c", url=url) as store:
        await store.write(lambda tx: enqueue(tx, Job("event", "arn", "1", "r")))
        await asyncio.wait_for(begun.wait(), 20)
        await store.write(lambda tx: tx.execute("UPDATE jobs SET lease_owner = 'somebody/else'"))
        gate.set()
        await jobs.settle()
        assert await store.read(lambda tx: tx.all("SELECT lease_owner FROM jobs")) == [("somebody/else",)]
