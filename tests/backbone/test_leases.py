"""Named leases with epochs."""

from __future__ import annotations

import pytest

from tule.backbone import leases
from tule.backbone.leases import LeaseLost
from tule.core.clock import TurnableClock
from tule.store.store import Store

LAST_MS = 10_000


@pytest.fixture
def clock() -> TurnableClock:
    clock = TurnableClock()
    clock.freeze(1_000_000)
    return clock


@pytest.fixture
async def store(store: Store) -> Store:
    await store.migrate("leases", leases.SCHEMA)
    return store


async def take(store: Store, owner: str) -> int | None:
    return await store.write(lambda tx: leases.take(tx, "l", owner, LAST_MS))


async def test_one_holds_it_until_it_runs_out(store: Store, clock: TurnableClock) -> None:
    assert await take(store, "a") == 1
    assert await take(store, "b") is None
    clock.move(LAST_MS - 1)
    assert await take(store, "b") is None
    clock.move(1)
    assert await take(store, "b") == 2


async def test_renewal_makes_it_last(store: Store, clock: TurnableClock) -> None:
    await take(store, "a")
    for _ in range(3):
        clock.move(LAST_MS - 1)
        await store.write(lambda tx: leases.renew(tx, "l", 1, LAST_MS))
    assert await take(store, "b") is None


async def test_who_lost_it_is_refused(store: Store, clock: TurnableClock) -> None:
    await take(store, "a")
    await store.write(lambda tx: leases.check(tx, "l", 1))
    clock.move(LAST_MS)
    await store.write(lambda tx: leases.renew(tx, "l", 1, LAST_MS))  # late, but nobody came between
    clock.move(LAST_MS)
    await take(store, "b")
    for action in (lambda tx: leases.check(tx, "l", 1), lambda tx: leases.renew(tx, "l", 1, LAST_MS)):
        with pytest.raises(LeaseLost):
            await store.write(action)
    await store.write(lambda tx: leases.release(tx, "l", 1))
    assert await take(store, "a") is None


async def test_a_lease_that_is_given_back_is_free_and_one_that_a_node_held_before_its_restart_is_its_own(store: Store) -> None:
    assert await take(store, "a") == 1
    assert await take(store, "a") == 2
    await store.write(lambda tx: leases.release(tx, "l", 2))
    assert await take(store, "b") == 3
