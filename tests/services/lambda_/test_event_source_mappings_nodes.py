"""Two nodes on one database read a stream and a queue together: everything once, and all of it when one of them goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.postgres import node_database
from tests.services.lambda_.house import House, ScriptedCompute
from tests.services.lambda_.mapped import batches, function, mapping, put, queue, queue_arn, send, stream, stream_arn
from tule.app import build
from tule.core.config import Config

PATIENCE_S = 30


async def started(data: Path, url: str) -> House:
    """A node; all of them have one place for blobs."""
    data.mkdir()
    (data.parent / "blobs").mkdir(exist_ok=True)
    (data / "blobs").symlink_to(data.parent / "blobs")
    app = await build(Config(data=str(data), port=0, store=url))
    compute = ScriptedCompute(app.node.clock)
    await app.node.compute.stop()
    app.node.compute = compute
    await app.start()
    await app.loaded()
    return House(app, compute)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    url = node_database()
    async with AsyncExitStack() as stack:
        houses: list[House] = []
        for name in ("1", "2"):
            house = await started(tmp_path / name, url)
            stack.push_async_callback(house.app.stop)
            houses.append(house)
        yield houses[0], houses[1]


def handed(*houses: House) -> list[str]:
    """Ids of the records that were handed over, on whichever node."""
    return sorted(record.get("messageId") or record["eventID"] for house in houses for batch in batches(house) for record in batch)


async def until_handed(count: int, *houses: House) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(handed(*houses)) < count:
            for house in houses:
                house.compute.started.clear()
            waits = [asyncio.create_task(house.compute.started.wait()) for house in houses]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=0.1)
            for wait in waits:
                wait.cancel()


async def test_a_stream_s_records_are_handed_over_once_whichever_node_reads_them(two: tuple[House, House]) -> None:
    await function(two[0])
    await stream(two[0], shards=4)
    await mapping(two[0], stream_arn("s"), StartingPosition="TRIM_HORIZON", BatchSize=5)
    for n in range(40):
        await put(two[n % 2], n, key=f"k{n}")
    await until_handed(40, *two)
    for house in two:
        await house.settle()
    assert len(handed(*two)) == len(set(handed(*two))) == 40


async def test_a_queue_s_messages_are_handed_over_once_by_both_nodes(two: tuple[House, House]) -> None:
    await function(two[0])
    url = await queue(two[0])
    await mapping(two[0], queue_arn("q"), BatchSize=1)
    sent: list[str] = []
    for n in range(40):
        sent += await send(two[n % 2], url, f"m{n}")
    await until_handed(40, *two)
    assert handed(*two) == sorted(sent)


async def test_the_other_node_goes_on_when_one_stops(two: tuple[House, House]) -> None:
    await function(two[0])
    await stream(two[0], shards=4)
    await mapping(two[0], stream_arn("s"), StartingPosition="TRIM_HORIZON")
    for n in range(8):
        await put(two[0], n, key=f"k{n}")
    await until_handed(8, *two)
    await two[0].settle()
    await two[0].app.stop()
    for n in range(8, 16):
        await put(two[1], n, key=f"k{n}")
    await until_handed(16, *two)
    assert len(set(handed(*two))) == 16
