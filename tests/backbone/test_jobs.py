"""Jobs on one node: what is enqueued is delivered, in its time, as often as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tule.backbone import worker
from tule.backbone.clockwork import advance
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.endings import record
from tule.backbone.jobs import Job, cancel, enqueue
from tule.backbone.worker import Jobs
from tule.core.clock import TurnableClock
from tule.core.ids import Ids
from tule.store.errors import StoreFull
from tule.store.store import Store

START_MS = 1_700_000_000_000
MINUTE_MS = 60_000
Answer = Callable[[Delivery], Awaitable[Outcome]]


class Target:
    """Remembers what it was handed; `answers` says what to answer to each kind (Done where it says nothing)."""

    def __init__(self) -> None:
        self.got: list[Delivery] = []
        self.answers: dict[str, Outcome | Answer] = {}

    async def deliver(self, delivery: Delivery) -> Outcome:
        self.got.append(delivery)
        answer = self.answers.get(delivery.kind, Done())
        return await answer(delivery) if callable(answer) else answer

    def kinds(self) -> list[str]:
        return [delivery.kind for delivery in self.got]

    def times(self) -> list[int]:
        return [delivery.now_ms - START_MS for delivery in self.got]


@pytest.fixture
def clock() -> TurnableClock:
    clock = TurnableClock()
    clock.freeze(START_MS)
    return clock


@pytest.fixture
def target() -> Target:
    return Target()


@asynccontextmanager
async def running(store: Store, clock: TurnableClock, target: Target, **options: Any) -> AsyncIterator[Jobs]:
    jobs = Jobs(store, clock, Ids(), target.deliver, **options)
    await jobs.start()
    yield jobs
    await jobs.stop()


@pytest.fixture
async def jobs(store: Store, clock: TurnableClock, target: Target) -> AsyncIterator[Jobs]:
    async with running(store, clock, target) as jobs:
        yield jobs


def job(kind: str = "event", **fields: Any) -> Job:
    return Job(kind, fields.pop("target", "arn:aws:x:::t"), "1" * 12, "us-east-1", **fields)


async def put(store: Store, *jobs: Job) -> list[str]:
    return await store.write(lambda tx: [enqueue(tx, job) for job in jobs])


async def test_a_job_is_delivered_with_all_that_it_carries(store: Store, jobs: Jobs, target: Target) -> None:
    [id] = await put(
        store,
        job("invoke", payload={"a": [1, "ü"]}, source_service="s3.amazonaws.com", source_arn="arn:s", role="arn:r", trace="Root=1", max_attempts=7),
    )
    await jobs.settle()
    [got] = target.got
    assert (got.id, got.kind, got.target, got.account, got.region) == (id, "invoke", "arn:aws:x:::t", "1" * 12, "us-east-1")
    assert (got.payload, got.attempt, got.max_attempts, got.enqueued_ms, got.now_ms) == ({"a": [1, "ü"]}, 1, 7, START_MS, START_MS)
    assert (got.source_service, got.source_arn, got.role, got.trace) == ("s3.amazonaws.com", "arn:s", "arn:r", "Root=1")
    await jobs.settle()
    assert len(target.got) == 1


async def test_a_job_of_a_transaction_that_failed_never_runs(store: Store, jobs: Jobs, target: Target) -> None:
    def fail(tx: Any) -> None:
        enqueue(tx, job())
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fail)
    await jobs.settle()
    assert target.got == []


async def test_a_hint_wakes_the_loop_without_settle(store: Store, jobs: Jobs, target: Target) -> None:
    done = asyncio.Event()

    async def answer(delivery: Delivery) -> Outcome:
        done.set()
        return Done()

    target.answers["event"] = answer
    await put(store, job())
    await asyncio.wait_for(done.wait(), 10)


async def test_jobs_run_when_the_clock_reaches_their_time(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    await put(store, job("later", due_ms=START_MS + 2 * MINUTE_MS), job("soon", due_ms=START_MS + MINUTE_MS))
    await jobs.settle()
    assert target.got == []
    await advance(jobs, clock, MINUTE_MS - 1)
    assert target.got == []
    await advance(jobs, clock, 1)
    assert target.kinds() == ["soon"]
    await advance(jobs, clock, 60 * MINUTE_MS)
    assert target.kinds() == ["soon", "later"]
    assert target.times() == [MINUTE_MS, 2 * MINUTE_MS]
    assert clock.now_ms() == START_MS + 61 * MINUTE_MS


async def test_advance_runs_what_deliveries_enqueue_on_the_way_each_at_its_time(
    store: Store, jobs: Jobs, clock: TurnableClock, target: Target
) -> None:
    async def tick(delivery: Delivery) -> Outcome:
        await put(store, job("tick", due_ms=delivery.now_ms + MINUTE_MS), job("now"))
        return Done()

    target.answers["tick"] = tick
    await put(store, job("tick", due_ms=START_MS + MINUTE_MS))
    await advance(jobs, clock, 3 * MINUTE_MS)
    assert target.kinds() == ["tick", "now"] * 3
    assert target.times() == [MINUTE_MS, MINUTE_MS, 2 * MINUTE_MS, 2 * MINUTE_MS, 3 * MINUTE_MS, 3 * MINUTE_MS]


async def test_an_accelerated_clock_brings_jobs_sooner(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    await put(store, job(due_ms=START_MS + 60 * MINUTE_MS))
    arrived = asyncio.Event()

    async def answer(delivery: Delivery) -> Outcome:
        arrived.set()
        return Done()

    target.answers["event"] = answer
    clock.accelerate(100_000)
    await asyncio.wait_for(arrived.wait(), 10)


async def test_failures_are_repeated_with_doubling_waits_then_the_job_dies(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    target.answers["event"] = Retry("no")
    await put(store, job(max_attempts=5, backoff_ms=1_000, backoff_cap_ms=3_000))
    await advance(jobs, clock, 60 * MINUTE_MS)
    assert target.times() == [0, 1_000, 3_000, 6_000, 9_000]
    assert [delivery.attempt for delivery in target.got] == [1, 2, 3, 4, 5]
    assert await jobs.next_due_ms() is None


async def test_a_delivery_that_raises_has_failed(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    async def fail(delivery: Delivery) -> Outcome:
        raise RuntimeError("broken")

    target.answers["event"] = fail
    await put(store, job(max_attempts=2, dead_letter="arn:dead"))
    await advance(jobs, clock, MINUTE_MS)
    assert target.kinds() == ["event", "event", "dead-letter"]
    assert target.got[-1].payload["reason"] == "RuntimeError: broken"


async def test_a_failure_may_name_its_own_wait_and_need_not_count(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    async def throttled(delivery: Delivery) -> Outcome:
        return Retry("throttled", delay_ms=500, counts=False) if len(target.got) < 6 else Done()

    target.answers["event"] = throttled
    await put(store, job(max_attempts=1))
    await advance(jobs, clock, MINUTE_MS)
    assert target.times() == [0, 500, 1_000, 1_500, 2_000, 2_500]
    assert {delivery.attempt for delivery in target.got} == {1}


async def test_a_dead_job_goes_to_its_dead_letter_target_with_the_reason(store: Store, jobs: Jobs, target: Target) -> None:
    target.answers["event"] = Dead("never")
    await put(store, job(payload={"x": 1}, dead_letter="arn:aws:sqs:::dead", source_arn="arn:s", role="arn:r"))
    await jobs.settle()
    letter = target.got[-1]
    assert (letter.kind, letter.target, letter.source_arn, letter.role) == ("dead-letter", "arn:aws:sqs:::dead", "arn:s", "arn:r")
    assert letter.payload == {
        "reason": "never",
        "code": "",
        "condition": "",
        "attempts": 1,
        "kind": "event",
        "target": "arn:aws:x:::t",
        "payload": {"x": 1},
    }


async def test_a_job_too_old_dies_without_another_attempt(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    target.answers["event"] = Retry("no")
    await put(store, job(max_attempts=100, backoff_ms=10_000, backoff_cap_ms=10_000, expires_ms=START_MS + 25_000, dead_letter="arn:dead"))
    await advance(jobs, clock, MINUTE_MS)
    assert target.kinds() == ["event", "event", "event", "dead-letter"]


async def test_a_job_that_is_too_old_when_it_comes_due_is_not_delivered(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    await put(store, job(due_ms=START_MS + MINUTE_MS, expires_ms=START_MS + MINUTE_MS, dead_letter="arn:dead"))
    await advance(jobs, clock, MINUTE_MS)
    assert target.kinds() == ["dead-letter"]


async def test_a_named_job_replaces_the_one_before(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    await put(store, job("old", name="timer", due_ms=START_MS + 1_000), job("other", name="another", due_ms=START_MS + 1_500))
    await put(store, job("new", name="timer", due_ms=START_MS + 2_000))
    await advance(jobs, clock, MINUTE_MS)
    assert target.kinds() == ["other", "new"]


async def test_a_cancelled_job_never_runs(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    await put(store, job(name="timer", due_ms=START_MS + 1_000))
    assert await store.write(lambda tx: (cancel(tx, "timer"), cancel(tx, "timer"))) == (True, False)
    await advance(jobs, clock, MINUTE_MS)
    assert target.got == []


async def test_a_job_replaced_while_it_is_delivered_runs_again_as_the_new_one(store: Store, jobs: Jobs, target: Target) -> None:
    async def replace(delivery: Delivery) -> Outcome:
        await put(store, job("new", name="timer"))
        return Retry("the old one's end changes nothing")

    target.answers["old"] = replace
    await put(store, job("old", name="timer", max_attempts=9, backoff_ms=0))
    await jobs.settle()
    assert target.kinds() == ["old", "new"]


async def test_a_job_that_came_to_the_place_of_one_that_is_ending_runs(store: Store, jobs: Jobs, target: Target) -> None:
    """SQLite gives the number of the last row again; whoever looked in between took the new job for the old one."""

    came = asyncio.Event()

    async def replaced(_: Delivery) -> Outcome:
        looks = jobs._looks
        await put(store, job("new", name="n"))
        while jobs._looks == looks or jobs._claiming:  # noqa: ASYNC110 - nothing tells of a look that finds nothing
            await asyncio.sleep(0)
        return Done()

    async def arrived(_: Delivery) -> Outcome:
        came.set()
        return Done()

    target.answers |= {"old": replaced, "new": arrived}
    await put(store, job("old", name="n"))
    async with asyncio.timeout(20):
        await came.wait()


async def test_jobs_of_a_group_run_one_at_a_time_in_their_order(store: Store, jobs: Jobs, clock: TurnableClock, target: Target) -> None:
    at_once = most = 0

    async def slow(delivery: Delivery) -> Outcome:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return Retry("once") if delivery.payload["n"] == 1 and delivery.attempt == 1 else Done()

    target.answers["event"] = slow
    await put(store, *(job(group="g", payload={"n": n}) for n in range(5)))
    await put(store, job("free"))
    await jobs.settle()
    assert [delivery.payload.get("n") for delivery in target.got if delivery.kind == "event"] == [0, 1]
    assert "free" in target.kinds()
    await advance(jobs, clock, MINUTE_MS)
    assert [delivery.payload["n"] for delivery in target.got if delivery.kind == "event"] == [0, 1, 1, 2, 3, 4]
    assert most == 1


async def test_the_death_of_one_lets_the_next_of_its_group_run(store: Store, jobs: Jobs, target: Target) -> None:
    target.answers["bad"] = Dead("never")
    await put(store, job("bad", group="g"), job("good", group="g"))
    await jobs.settle()
    assert target.kinds() == ["bad", "good"]


async def test_a_slow_target_does_not_starve_others(store: Store, clock: TurnableClock, target: Target) -> None:
    open_gate, all_quick = asyncio.Event(), asyncio.Event()

    async def quick(delivery: Delivery) -> Outcome:
        if target.kinds().count("quick") == 20:
            all_quick.set()
        return Done()

    async def stuck(delivery: Delivery) -> Outcome:
        await open_gate.wait()
        return Done()

    target.answers.update(stuck=stuck, quick=quick)
    async with running(store, clock, target, concurrency=8) as jobs:
        await put(store, *(job("stuck", target="arn:slow") for _ in range(50)))
        await put(store, *(job("quick", target="arn:quick", payload={"n": n}) for n in range(20)))
        await asyncio.wait_for(all_quick.wait(), 20)
        assert target.kinds().count("stuck") <= 4
        open_gate.set()
        await jobs.settle()
        assert target.kinds().count("stuck") == 50


async def test_no_more_than_the_concurrency_run_at_a_time(store: Store, clock: TurnableClock, target: Target) -> None:
    at_once = most = 0

    async def count(delivery: Delivery) -> Outcome:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.001)
        at_once -= 1
        return Done()

    target.answers["event"] = count
    async with running(store, clock, target, concurrency=4) as jobs:
        await put(store, *(job(target=f"arn:{n % 10}") for n in range(60)))
        await jobs.settle()
    assert len(target.got) == 60
    assert 1 < most <= 4


async def test_what_was_cut_short_by_a_stop_is_delivered_after_a_restart(store: Store, clock: TurnableClock, target: Target) -> None:
    begun = asyncio.Event()

    async def forever(delivery: Delivery) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        return Done()

    target.answers["event"] = forever
    first = Jobs(store, clock, Ids(), target.deliver)
    await first.start()
    await put(store, job())
    await begun.wait()
    await first.stop(grace_s=0)
    target.answers.clear()
    async with running(store, clock, target) as second:
        await second.settle()
    assert [delivery.attempt for delivery in target.got] == [1, 1]


async def test_a_paused_node_delivers_nothing_until_it_goes_on(store: Store, jobs: Jobs, target: Target) -> None:
    await jobs.pause()
    await put(store, job())
    await jobs.settle()
    assert target.got == []
    jobs.resume()
    await jobs.settle()
    assert len(target.got) == 1


async def test_the_loop_outlives_whatever_the_store_raises(store: Store, jobs: Jobs, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "STORE_PAUSE_S", 0.01)
    await jobs.settle()
    failures = 0
    take = jobs._claims.take

    async def fail_twice(*arguments: Any) -> Any:
        nonlocal failures
        failures += 1
        if failures <= 2:
            raise RuntimeError("the disk is on fire")
        return await take(*arguments)

    monkeypatch.setattr(jobs._claims, "take", fail_twice)
    await put(store, job())
    await asyncio.wait_for(jobs.settle(), 20)
    assert (failures >= 3, len(target.got)) == (True, 1)


async def test_an_end_that_cannot_be_recorded_at_once_is_recorded_later(
    store: Store, jobs: Jobs, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STORE_PAUSE_S", 0.01)
    broken = 0

    def fail_twice(*arguments: Any) -> None:
        nonlocal broken
        broken += 1
        if broken <= 2:
            raise StoreFull("no room")
        record(*arguments)

    monkeypatch.setattr(worker, "record", fail_twice)
    await put(store, job())
    await asyncio.wait_for(jobs.settle(), 20)
    assert len(target.got) == 1
    assert await store.read(lambda tx: tx.all("SELECT id FROM jobs")) == []


async def test_what_is_due_again_at_once_is_delivered_again_at_once(jobs: Jobs, store: Store, target: Target) -> None:
    """Nothing else rings: not the clock, nor another job."""
    answers = [Retry("busy", 0), Retry("busy", 0), Done()]
    done = asyncio.Event()

    async def busy(delivery: Delivery) -> Outcome:
        if len(answers) == 1:
            done.set()
        return answers.pop(0)

    target.answers["event"] = busy
    await put(store, job("event", max_attempts=5))
    async with asyncio.timeout(20):
        await done.wait()
    assert [delivery.attempt for delivery in target.got] == [1, 2, 3]


async def test_more_jobs_than_slots_all_run(store: Store, clock: TurnableClock, target: Target) -> None:
    done = asyncio.Event()

    async def count(delivery: Delivery) -> Outcome:
        if len(target.got) == 20:
            done.set()
        return Done()

    target.answers["event"] = count
    async with running(store, clock, target, concurrency=3):
        await put(store, *[job("event", target=f"arn:aws:x:::{n % 2}") for n in range(20)])
        async with asyncio.timeout(20):
            await done.wait()
