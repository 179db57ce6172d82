"""Jobs that one call can deliver: they go together, and each has its own end."""

from __future__ import annotations

import pytest

from tests.backbone.test_jobs import START_MS, Target, job, put, running
from tule.backbone.claims import Claim
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.together import AT_ONCE, MAX_BYTES, Together, in_groups
from tule.core.clock import TurnableClock
from tule.store.store import Store


@pytest.fixture
def clock() -> TurnableClock:
    clock = TurnableClock()
    clock.freeze(START_MS)
    return clock


@pytest.fixture
def target() -> Target:
    return Target()


class Batches:
    """Delivers `batch` jobs of one target together."""

    def __init__(self) -> None:
        self.got: list[list[Delivery]] = []
        self.outcomes: dict[int, Outcome] = {}  # by the payload's number
        self.breaks = False

    def key(self, claim: Claim) -> str | None:
        return claim.target if claim.kind == "batch" and not claim.attempts else None

    async def deliver(self, deliveries: list[Delivery]) -> list[Outcome]:
        self.got.append(deliveries)
        if self.breaks:
            raise RuntimeError("broken")
        return [self.outcomes.get(delivery.payload["n"], Done()) for delivery in deliveries]

    @property
    def numbers(self) -> list[list[int]]:
        return [[delivery.payload["n"] for delivery in batch] for batch in self.got]


async def test_each_of_a_batch_has_its_own_end(store: Store, clock: TurnableClock, target: Target) -> None:
    batches = Batches()
    batches.outcomes = {2: Retry("later", 1_000), 3: Dead("never", "NoQueue")}
    dead = "arn:aws:x:::dead"
    async with running(store, clock, target, together=Together(batches.key, batches.deliver)) as jobs:
        await put(store, *[job("batch", payload={"n": n}, dead_letter=dead) for n in range(5)], job("alone"))
        await jobs.settle()
        assert batches.numbers == [[0, 1, 2, 3, 4]]
        assert sorted(target.kinds()) == ["alone", "dead-letter"]
        letter = next(each.payload for each in target.got if each.kind == "dead-letter")
        assert (letter["payload"], letter["reason"], letter["code"]) == ({"n": 3}, "never", "NoQueue")
        clock.freeze(START_MS + 1_000)
        await jobs.settle()
    assert [(each.payload, each.attempt) for each in target.got if each.kind == "batch"] == [({"n": 2}, 2)], "what failed goes alone"


async def test_a_batch_that_breaks_is_tried_again_one_by_one(store: Store, clock: TurnableClock, target: Target) -> None:
    batches = Batches()
    batches.breaks = True
    async with running(store, clock, target, together=Together(batches.key, batches.deliver)) as jobs:
        await put(store, *[job("batch", payload={"n": n}, backoff_ms=1_000) for n in range(3)])
        await jobs.settle()
        clock.freeze(START_MS + 1_000)
        await jobs.settle()
    assert sorted(each.payload["n"] for each in target.got) == [0, 1, 2]


async def test_what_is_too_old_stays_behind(store: Store, clock: TurnableClock, target: Target) -> None:
    batches = Batches()
    await put(store, job("batch", payload={"n": 0}, expires_ms=START_MS - 1, dead_letter="arn:aws:x:::dead"), job("batch", payload={"n": 1}))
    await put(store, job("batch", payload={"n": 2}))
    async with running(store, clock, target, together=Together(batches.key, batches.deliver)) as jobs:
        await jobs.settle()
    assert batches.numbers == [[1, 2]]
    assert target.kinds() == ["dead-letter"]


def claim(sequence: int, target: str = "t", kind: str = "batch", size: int = 2) -> Claim:
    return Claim(sequence, str(sequence), kind, target, "", "", b"x" * size, 0, 1, 0, 0, 0, 0, "", "", "", "", None, "")


def test_groups_are_bounded_by_number_and_by_size() -> None:
    def sequences(claims: list[Claim]) -> list[list[int]]:
        return [[each.sequence for each in group] for group in in_groups(claims, Batches().key)]

    assert sequences([claim(n) for n in range(AT_ONCE + 2)]) == [list(range(AT_ONCE)), [AT_ONCE, AT_ONCE + 1]]
    assert sequences([claim(n, size=MAX_BYTES // 2) for n in range(3)]) == [[0, 1], [2]]
    assert sequences([claim(0, size=2 * MAX_BYTES), claim(1)]) == [[0], [1]]
    assert sequences([claim(0, "a"), claim(1, "b"), claim(2, kind="alone"), claim(3, "a")]) == [[2], [0, 3], [1]]
