"""How full queues are, counted once a minute."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.stores import opened
from tule.core.clock import TurnableClock
from tule.services.sqs import ROOM, attributes, gauges, queue_changes, sends
from tule.services.sqs.composing import Draft
from tule.services.sqs.queue_url import QueueKey
from tule.services.sqs.queues import queues
from tule.services.sqs.state.messages import New

KEY = QueueKey("111111111111", "us-east-1", "q")


class Counted:
    """A meter that remembers the last value of each metric."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}

    def add(self, account: str, region: str, namespace: str, name: str, dimensions: object, value: float, unit: str) -> None:
        assert (account, region, namespace, dimensions) == (KEY.account, KEY.region, "AWS/SQS", (("QueueName", "q"),))
        self.last[name] = value


@pytest.fixture(params=["sqlite", "postgresql"])
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    clock = TurnableClock()
    clock.freeze()
    async with opened(request.param, tmp_path, clock) as store:
        await store.migrate("service:sqs", ROOM.schema)
        yield SimpleNamespace(store=store, clock=clock, meter=Counted(), memory={})


async def _send(node: Any, id: str) -> None:
    await sends.send(node, await queues(node).get(KEY), [Draft(New(id, "", "x", None, b"{}"), 1, 0, id, {})])


async def test_a_queue_in_use_tells_how_full_it_is_and_how_old_its_oldest_message(node: Any) -> None:
    await node.store.write(lambda tx: queue_changes.create(tx, KEY, attributes.defaults(is_fifo=False), {}))
    await _send(node, "a")
    node.clock.move(5_000)
    await _send(node, "b")
    await gauges.count_active(node)
    assert node.meter.last["ApproximateNumberOfMessagesVisible"] == 2
    assert node.meter.last["ApproximateNumberOfMessagesNotVisible"] == 0
    assert node.meter.last["ApproximateAgeOfOldestMessage"] == 5


async def test_a_queue_that_nobody_uses_for_six_hours_tells_nothing(node: Any) -> None:
    await node.store.write(lambda tx: queue_changes.create(tx, KEY, attributes.defaults(is_fifo=False), {}))
    await _send(node, "a")
    node.clock.move(gauges.ACTIVE_MS + 1)
    node.meter.last.clear()
    await gauges.count_active(node)
    assert node.meter.last == {}
