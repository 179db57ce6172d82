"""The limit of messages in flight, made small."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.stores import opened
from tule.core.clock import TurnableClock
from tule.core.errors import ServiceError
from tule.services.sqs import ROOM, attributes, queue_changes, sends
from tule.services.sqs.composing import Draft
from tule.services.sqs.in_flight import InFlight
from tule.services.sqs.operations.deleting import delete_message
from tule.services.sqs.operations.receiving import receive_message
from tule.services.sqs.queue_url import QueueKey
from tule.services.sqs.queues import queues
from tule.services.sqs.state.messages import New
from tule.watch.meter import Meter

LIMIT = 4


@pytest.fixture(params=["sqlite", "postgresql"])
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    clock = TurnableClock()
    clock.freeze()
    async with opened(request.param, tmp_path, clock) as store:
        await store.migrate("service:sqs", ROOM.schema)
        found = SimpleNamespace(store=store, clock=clock, meter=Meter(store, clock), memory={}, stopping=asyncio.Event())
        found.memory["sqs.in_flight"] = InFlight(found, LIMIT)  # type: ignore[arg-type]
        yield found


async def _filled(node: Any, name: str, count: int) -> Any:
    """A call for operations on a queue of that name, with `count` messages in it."""
    key = QueueKey("111111111111", "us-east-1", name)
    await node.store.write(lambda tx: queue_changes.create(tx, key, attributes.defaults(is_fifo=name.endswith(".fifo")), {}))
    queue = await queues(node).get(key)
    for number in range(count):
        new = New(str(number), "", "x", None, b"{}", str(number) if queue.is_fifo else None)
        await sends.send(node, queue, [Draft(new, 1, 0, str(number), {})])
    return SimpleNamespace(node=node, account=key.account, region=key.region, now_ms=node.clock.now_ms(), is_abandoned=lambda: False, headers={})


async def _receive(call: Any, name: str, **more: Any) -> list[dict[str, Any]]:
    return (await receive_message(call, {"QueueUrl": name, **more})).get("Messages", [])


async def test_no_more_are_received_than_may_be_in_flight(node: Any) -> None:
    call = await _filled(node, "q", 8)
    taken = [message for _ in range(LIMIT) for message in await _receive(call, "q")]
    assert len(taken) == LIMIT
    with pytest.raises(ServiceError, match="OverLimit"):
        await _receive(call, "q")
    await delete_message(call, {"QueueUrl": "q", "ReceiptHandle": taken[0]["ReceiptHandle"]})
    assert len(await _receive(call, "q")) == 1
    node.clock.move(31_000)
    assert len(await _receive(call, "q", MaxNumberOfMessages=LIMIT)) == LIMIT


async def test_who_waits_is_not_told_of_the_limit(node: Any) -> None:
    call = await _filled(node, "q", 8)
    await _receive(call, "q", MaxNumberOfMessages=LIMIT, VisibilityTimeout=43_200)
    waiting = asyncio.ensure_future(_receive(call, "q", WaitTimeSeconds=20))
    await asyncio.sleep(0)
    while not waiting.done():
        node.clock.move(20_000)
        await asyncio.sleep(0.01)  # the clock must not reach the end of the timeout before the database has answered
    assert waiting.result() == []


async def test_a_fifo_queue_says_nothing_of_its_limit(node: Any) -> None:
    call = await _filled(node, "q.fifo", 8)
    assert len(await _receive(call, "q.fifo", MaxNumberOfMessages=LIMIT)) == LIMIT
    assert await _receive(call, "q.fifo") == []
