"""Ordered logs and their cursors."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.postgres import fresh_database
from tests.stores import opened
from tule.backbone import logs
from tule.backbone.logs import CursorLost
from tule.core.clock import TurnableClock
from tule.store.store import Store, Tx

LEASE_MS = 10_000


@pytest.fixture
def clock() -> TurnableClock:
    clock = TurnableClock()
    clock.freeze(1_000_000)
    return clock


async def append(store: Store, *data: bytes, shard: str = "0") -> list[int]:
    return await store.write(lambda tx: [logs.append(tx, "log", shard, each) for each in data])


async def test_records_are_read_in_the_order_of_their_sequences(store: Store) -> None:
    assert await append(store, b"a", b"b") == [1, 2]
    assert await append(store, b"c") == [3]
    assert await append(store, b"other", shard="1") == [1]
    records = await store.read(lambda tx: logs.read(tx, "log", "0", after=1, limit=5))
    assert [(record.sequence, record.data, record.at_ms) for record in records] == [(2, b"b", 1_000_000), (3, b"c", 1_000_000)]
    assert len(await store.read(lambda tx: logs.read(tx, "log", "0", limit=2))) == 2
    assert await store.read(lambda tx: logs.shards(tx, "log")) == [("0", 3), ("1", 1)]
    assert await store.read(lambda tx: (logs.last(tx, "log", "0"), logs.last(tx, "log", "9"))) == (3, 0)


async def test_a_transaction_that_fails_leaves_no_gap(store: Store) -> None:
    def fail(tx: Tx) -> None:
        logs.append(tx, "log", "0", b"x")
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fail)
    assert await append(store, b"a") == [1]


async def test_appending_wakes_who_follows_the_log(store: Store) -> None:
    woken = asyncio.Event()
    store.subscribe(logs.topic("log"), woken.set)
    await append(store, b"a")
    assert woken.is_set()


async def test_a_follower_never_misses_a_record_that_was_committed_late(tmp_path: Path) -> None:
    """Two nodes append while a third follows: it must see every sequence, each once, in order."""
    url = fresh_database()
    async with opened("postgresql", tmp_path / "a", url=url) as a, opened("postgresql", tmp_path / "b", url=url) as b:
        seen: list[int] = []

        async def follow() -> None:
            while len(seen) < 120:
                records = await b.read(lambda tx: logs.read(tx, "log", "0", after=seen[-1] if seen else 0))
                seen.extend(record.sequence for record in records)

        await asyncio.gather(follow(), *(append((a, b)[n % 2], b"x", b"y") for n in range(60)))
        assert seen == list(range(1, 121))


async def test_a_consumer_goes_on_from_where_it_was(store: Store) -> None:
    await append(store, b"a", b"b", b"c")

    def take_two(tx: Tx) -> list[bytes]:
        cursor = logs.claim(tx, "log", "0", "me", "node", LEASE_MS)
        assert cursor is not None
        records = cursor.read(tx, limit=2)
        if records:
            cursor.move(tx, records[-1].sequence, LEASE_MS)
        return [record.data for record in records]

    assert await store.write(take_two) == [b"a", b"b"]
    assert await store.write(take_two) == [b"c"]
    assert await store.write(take_two) == []
    assert await store.read(lambda tx: logs.position(tx, "log", "0", "me")) == 3


async def test_a_consumer_may_begin_with_what_comes_from_now_on(store: Store) -> None:
    await append(store, b"old")
    cursor = await store.write(lambda tx: logs.claim(tx, "log", "0", "me", "node", LEASE_MS, begin=logs.last(tx, "log", "0")))
    assert cursor is not None
    await append(store, b"new")
    assert [record.data for record in await store.read(lambda tx: cursor.read(tx))] == [b"new"]


async def test_a_claimed_shard_is_nobody_elses_until_the_lease_runs_out_or_is_given_back(store: Store, clock: TurnableClock) -> None:
    async def claim(owner: str) -> logs.Cursor | None:
        return await store.write(lambda tx: logs.claim(tx, "log", "0", "me", owner, LEASE_MS))

    first = await claim("a")
    assert first is not None
    assert await claim("b") is None
    clock.move(LEASE_MS - 1)
    await store.write(lambda tx: first.renew(tx, LEASE_MS))
    clock.move(LEASE_MS - 1)
    assert await claim("b") is None
    clock.move(1)
    second = await claim("b")
    assert second is not None
    assert second.epoch > first.epoch
    with pytest.raises(CursorLost):
        await store.write(lambda tx: first.move(tx, 9, LEASE_MS))
    with pytest.raises(CursorLost):
        await store.write(lambda tx: first.renew(tx, LEASE_MS))
    await store.write(first.release)
    assert await claim("a") is None
    await store.write(second.release)
    assert await claim("a") is not None


async def test_an_effect_and_the_move_are_one(store: Store) -> None:
    await append(store, b"a")
    stale = await store.write(lambda tx: logs.claim(tx, "log", "0", "me", "a", LEASE_MS))
    assert stale is not None
    await store.write(lambda tx: logs.claim(tx, "log", "0", "me", "a", LEASE_MS))

    def effect(tx: Tx) -> None:
        tx.execute("INSERT INTO things (key, number) VALUES ('effect', 1)")
        stale.move(tx, 1, LEASE_MS)

    with pytest.raises(CursorLost):
        await store.write(effect)
    assert await store.read(lambda tx: tx.all("SELECT * FROM things")) == []


async def test_old_records_are_trimmed_a_few_at_a_time_and_sequences_go_on(store: Store, clock: TurnableClock) -> None:
    await append(store, *[b"old"] * 5)
    clock.move(1_000)
    await append(store, b"new")
    before = clock.now_ms()
    assert [await store.write(lambda tx: logs.trim(tx, "log", before, 3)) for _ in range(3)] == [3, 2, 0]
    assert await store.read(lambda tx: logs.oldest(tx, "log", "0")) == 6
    assert await append(store, b"next") == [7]


async def test_a_forgotten_log_begins_anew(store: Store) -> None:
    await append(store, b"a")
    await store.write(lambda tx: logs.claim(tx, "log", "0", "me", "a", LEASE_MS))
    await store.write(lambda tx: logs.forget(tx, "log"))
    assert await append(store, b"b") == [1]
    assert await store.read(lambda tx: logs.position(tx, "log", "0", "me")) is None


async def test_a_dropped_consumer_is_forgotten(store: Store) -> None:
    await store.write(lambda tx: logs.claim(tx, "log", "0", "me", "a", LEASE_MS, begin=5))
    await store.write(lambda tx: logs.drop_consumer(tx, "log", "me"))
    assert await store.read(lambda tx: logs.position(tx, "log", "0", "me")) is None
