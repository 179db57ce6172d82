"""Rows that nobody can see any more are removed: expired events, and what deleted groups left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.lambda_.house import House, opened
from tule.services.logs.expiry import expire
from tule.watch import log_store

DAY_S = 86_400
COUNT = "SELECT COUNT(*) FROM log_events"


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, request.param) as running:
        yield running


async def put(house: House, group: str, *messages: str) -> None:
    events: list[dict[str, Any]] = [{"timestamp": house.node.clock.now_ms(), "message": message} for message in messages]
    await house.call("logs", "PutLogEvents", logGroupName=group, logStreamName="s", logEvents=events)


async def made(house: House, group: str) -> None:
    await house.call("logs", "CreateLogGroup", logGroupName=group)
    await house.call("logs", "CreateLogStream", logGroupName=group, logStreamName="s")


async def rows(house: House) -> int:
    found = await house.node.telemetry.read(lambda tx: tx.one(COUNT))
    assert found is not None
    return found[0]


async def test_expired_events_are_removed_and_no_others(house: House) -> None:
    await made(house, "short")
    await made(house, "long")
    await house.call("logs", "PutRetentionPolicy", logGroupName="short", retentionInDays=1)
    await put(house, "short", "old", "old too")
    await put(house, "long", "kept")
    await house.advance(2 * DAY_S)
    await put(house, "short", "new")
    await expire(house.node)
    assert await rows(house) == 2
    assert await house.logged("short") == ["new"]
    assert await house.logged("long") == ["kept"]
    described = (await house.call("logs", "DescribeLogGroups", logGroupNamePrefix="short"))["logGroups"][0]
    assert described["storedBytes"] == len("new") + log_store.EVENT_OVERHEAD_BYTES


async def test_what_a_deleted_group_left_is_removed(house: House) -> None:
    await made(house, "gone")
    await put(house, "gone", "x")
    await house.node.store.write(lambda tx: tx.execute("DELETE FROM documents WHERE kind = 'logs.group'"))  # as if the node died in between
    await expire(house.node)
    assert await rows(house) == 0
    assert await house.node.telemetry.read(log_store.group_ids) == []
