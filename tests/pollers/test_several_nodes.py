"""Several nodes on one database share the shards of a stream: each is read by one of them, whoever comes or dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pollers.stage import START_MS, ScriptedReader, Stage
from tests.postgres import fresh_database
from tests.stores import opened
from tule.backbone import leases
from tule.core.clock import TurnableClock
from tule.pollers import checkpoints
from tule.pollers.contract import Batch, Handled, Outcome
from tule.pollers.sharing import Sharing
from tule.pollers.stream_poller import LEASE_MS, LEASE_RETRY_MS
from tule.store.store import Store

SHARDS = [f"s{n}" for n in range(8)]


@dataclass(slots=True)
class Nodes:
    """Two nodes that read one stream."""

    first: Stage
    second: Stage
    clock: TurnableClock
    moved: asyncio.Condition

    async def seen(self, count: int) -> None:
        """Wait until so many records were handed over, on whichever node."""
        async with self.moved, asyncio.timeout(20):
            await self.moved.wait_for(lambda: len(self.handed(self.first)) + len(self.handed(self.second)) >= count)

    @staticmethod
    def handed(stage: Stage) -> list[str]:
        return [id for batch in stage.reader.seen for id in batch]

    @staticmethod
    def shards(stage: Stage) -> set[str]:
        return {batch.shard for batch in stage.reader.batches}


@asynccontextmanager
async def two_nodes(data: Path) -> AsyncGenerator[Nodes]:
    url, clock, moved = fresh_database(), TurnableClock(), asyncio.Condition()
    clock.freeze(START_MS)
    async with opened("postgresql", data / "1", clock, url=url) as one, opened("postgresql", data / "2", clock, url=url) as two:
        await one.migrate("pollers", checkpoints.SCHEMA)
        await one.migrate("leases", leases.SCHEMA)
        first, second = Stage(one, clock), Stage(two, clock)
        second.stream = first.stream
        for stage in (first, second):
            stage.reader = ScriptedReader(begun=moved)
        for shard in SHARDS:
            first.stream.add(shard)
        try:
            yield Nodes(first, second, clock, moved)
        finally:
            await first.crash()
            await second.crash()


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with two_nodes(tmp_path) as running:
        yield running


async def test_a_shard_that_two_nodes_think_theirs_is_read_by_one(nodes: Nodes) -> None:
    for shard in SHARDS:
        await nodes.first.stream.put("a", "b", shard=shard)
    nodes.first.start()
    nodes.second.start()
    await nodes.seen(16)
    await nodes.first.settle()
    await nodes.second.settle()
    assert len(nodes.handed(nodes.first) + nodes.handed(nodes.second)) == 16
    assert nodes.shards(nodes.first) & nodes.shards(nodes.second) == set()


async def test_nodes_share_shards_by_who_is_there(nodes: Nodes) -> None:
    one, two = sharing(nodes.first.store), sharing(nodes.second.store)
    for each in (one, two, one):
        await each.look()
    nodes.first.is_mine, nodes.second.is_mine = one.is_mine, two.is_mine
    for shard in SHARDS:
        await nodes.first.stream.put("a", shard=shard)
    nodes.first.start()
    nodes.second.start()
    await nodes.seen(8)
    assert nodes.shards(nodes.first) | nodes.shards(nodes.second) == set(SHARDS)
    assert nodes.shards(nodes.first) & nodes.shards(nodes.second) == set()


def sharing(store: Store) -> Sharing:
    return Sharing(store, "test", lambda: None)


async def test_what_a_dead_node_read_is_taken_over_when_its_lease_is_over(nodes: Nodes) -> None:
    nodes.first.reader.hold = asyncio.Event()
    (id,) = await nodes.first.stream.put("a")
    nodes.first.start()
    await nodes.seen(1)
    await nodes.first.crash()  # without a word: its lease lasts
    await hold_again(nodes.first.store)
    nodes.second.start()
    await nodes.second.settle()
    assert nodes.handed(nodes.second) == []
    await nodes.second.advance((LEASE_MS + LEASE_RETRY_MS) / 1000)
    assert nodes.handed(nodes.second) == [id]


async def hold_again(store: Store) -> None:
    """A cancelled task gives its leases back; a killed process does not."""
    await store.write(lambda tx: tx.execute("UPDATE leases SET until_ms = ?", tx.now_ms + LEASE_MS))


async def test_who_lost_the_lease_can_write_no_progress(nodes: Nodes) -> None:
    answered = asyncio.Event()

    def late(batch: Batch) -> Outcome:
        answered.set()
        return Handled()

    nodes.first.reader = ScriptedReader(late, begun=nodes.moved, hold=asyncio.Event())
    first, second = await nodes.first.stream.put("a", "b")
    nodes.first.start(batch_size=1)
    await nodes.seen(1)
    await nodes.second.store.write(lambda tx: tx.execute("UPDATE leases SET until_ms = 0"))  # as if it had been paused for long
    nodes.second.start(batch_size=1)
    await nodes.seen(3)
    await nodes.second.settle()
    assert nodes.handed(nodes.second) == [first, second]
    assert nodes.first.reader.hold is not None
    nodes.first.reader.hold.set()
    await answered.wait()
    await nodes.first.settle()
    assert nodes.handed(nodes.first) == [first]


async def test_a_node_that_ends_gives_its_shards_up_at_once(nodes: Nodes) -> None:
    nodes.first.start()
    await nodes.first.stream.put("a")
    await nodes.seen(1)
    nodes.second.start()
    await nodes.second.settle()
    await nodes.first.stop()
    (id,) = await nodes.first.stream.put("b")
    await nodes.seen(2)
    assert nodes.handed(nodes.second) == [id]
