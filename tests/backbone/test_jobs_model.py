"""Random jobs on a virtual clock against a simulation: what is delivered, when, and as which attempt."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgres import fresh_database
from tests.stores import opened
from tule.backbone.clockwork import advance
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, cancel, enqueue
from tule.backbone.worker import Jobs
from tule.core.clock import TurnableClock
from tule.core.ids import Ids

START_MS = 1_000_000
BACKOFF_MS, CAP_MS = 100, 300


@dataclass(frozen=True)
class Enqueue:
    delay_ms: int
    failures: int  # before it succeeds
    max_attempts: int
    age_ms: int  # 0: no limit
    name: str
    dies: bool


@dataclass(frozen=True)
class Cancel:
    name: str


@dataclass(frozen=True)
class Advance:
    by_ms: int


steps = st.lists(
    st.one_of(
        st.builds(
            Enqueue,
            delay_ms=st.sampled_from([0, 0, 50, 100, 777]),
            failures=st.integers(0, 4),
            max_attempts=st.integers(1, 4),
            age_ms=st.sampled_from([0, 0, 1, 150, 400]),
            name=st.sampled_from(["", "", "a", "b"]),
            dies=st.booleans(),
        ),
        st.builds(Cancel, st.sampled_from(["a", "b"])),
        st.builds(Advance, st.sampled_from([0, 1, 99, 100, 1_000])),
    ),
    max_size=12,
)
Event = tuple[int, int, str, int]  # when, which job, kind, attempt


@dataclass
class Waiting:
    number: int
    job: Enqueue
    due_ms: int
    expires_ms: int
    attempts: int = 0


class Simulation:
    def __init__(self) -> None:
        self.now_ms = 0
        self.waiting: list[Waiting] = []
        self.events: list[Event] = []

    def do(self, number: int, step: Enqueue | Cancel | Advance) -> None:
        match step:
            case Enqueue():
                self._cancel(step.name)
                expires_ms = self.now_ms + step.age_ms if step.age_ms else 0
                self.waiting.append(Waiting(number, step, self.now_ms + step.delay_ms, expires_ms))
            case Cancel(name):
                self._cancel(name)
            case Advance(by_ms):
                self._run_until(self.now_ms + by_ms)

    def _cancel(self, name: str) -> None:
        if name:
            self.waiting = [waiting for waiting in self.waiting if waiting.job.name != name]

    def _run_until(self, end_ms: int) -> None:
        while due := [waiting for waiting in self.waiting if waiting.due_ms <= end_ms]:
            first = min(due, key=lambda waiting: waiting.due_ms)
            self.now_ms = max(self.now_ms, first.due_ms)
            self._deliver(first)
        self.now_ms = end_ms

    def _deliver(self, waiting: Waiting) -> None:
        if waiting.expires_ms and self.now_ms >= waiting.expires_ms:
            return self._bury(waiting)
        waiting.attempts += 1
        self.events.append((self.now_ms, waiting.number, "event", waiting.attempts))
        if waiting.attempts > waiting.job.failures:
            self.waiting.remove(waiting)
            return None
        again_ms = self.now_ms + min(CAP_MS, BACKOFF_MS * 2 ** (waiting.attempts - 1))
        too_old = waiting.expires_ms and again_ms >= waiting.expires_ms
        if waiting.job.dies or waiting.attempts >= waiting.job.max_attempts or too_old:
            return self._bury(waiting)
        waiting.due_ms = again_ms
        return None

    def _bury(self, waiting: Waiting) -> None:
        self.waiting.remove(waiting)
        self.events.append((self.now_ms, waiting.number, "dead-letter", 1))


async def really(kind: str, url: str, data: Path, plan: list[Enqueue | Cancel | Advance]) -> list[Event]:
    clock = TurnableClock()
    clock.freeze(START_MS)
    events: list[Event] = []

    async def deliver(delivery: Delivery) -> Outcome:
        payload = delivery.payload if delivery.kind == "event" else delivery.payload["payload"]
        events.append((delivery.now_ms - START_MS, payload["number"], delivery.kind, delivery.attempt))
        if delivery.kind == "dead-letter" or delivery.attempt > payload["failures"]:
            return Done()
        return Dead("dies") if payload["dies"] else Retry("fails")

    async with opened(kind, data, clock, url=url) as store:
        await store.wipe()
        jobs = Jobs(store, clock, Ids(), deliver)
        await jobs.start()
        for number, step in enumerate(plan):
            match step:
                case Enqueue():
                    job = _job(number, step, clock.now_ms())
                    await store.write(lambda tx, job=job: enqueue(tx, job))
                    await jobs.settle()
                case Cancel(name):
                    await store.write(lambda tx, name=name: cancel(tx, name))
                case Advance(by_ms):
                    await advance(jobs, clock, by_ms)
        await jobs.stop()
    return events


def _job(number: int, step: Enqueue, now_ms: int) -> Job:
    return Job(
        "event",
        f"arn:{number % 3}",
        "1",
        "r",
        {"number": number, "failures": step.failures, "dies": step.dies},
        due_ms=now_ms + step.delay_ms,
        max_attempts=step.max_attempts,
        backoff_ms=BACKOFF_MS,
        backoff_cap_ms=CAP_MS,
        expires_ms=now_ms + step.age_ms if step.age_ms else 0,
        dead_letter="arn:dead",
        name=step.name,
    )


def simulated(plan: list[Enqueue | Cancel | Advance]) -> list[Event]:
    simulation = Simulation()
    for number, step in enumerate(plan):
        simulation.do(number, step)
        if isinstance(step, Enqueue):
            simulation.do(number, Advance(0))
    return simulation.events


@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 60), ("chaos", 20), ("postgresql", 20)])
def test_random_jobs_do_as_the_simulation_says(kind: str, examples: int) -> None:
    url = fresh_database() if kind == "postgresql" else ""

    @given(plan=steps)
    @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def run(plan: list[Enqueue | Cancel | Advance]) -> None:
        with tempfile.TemporaryDirectory() as data:
            assert sorted(asyncio.run(really(kind, url, Path(data), plan))) == sorted(simulated(plan))

    run()
