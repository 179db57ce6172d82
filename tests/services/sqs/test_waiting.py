"""What ends a long poll, without a node around it; and a node that is stopped under one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from tests.node import RunningNode
from tests.services.sqs.messages import send
from tests.stores import KINDS, opened
from tule.core.clock import TurnableClock
from tule.services.sqs.arrivals import arrivals, end_with
from tule.store.store import Tx

ARN = "arn:aws:sqs:us-east-1:111111111111:q"


@pytest.fixture(params=KINDS)
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    clock = TurnableClock()
    async with opened(request.param, tmp_path, clock) as store:
        yield SimpleNamespace(store=store, clock=clock, memory={}, stopping=asyncio.Event())


def _wake(tx: Tx) -> None:
    tx.wake(ARN)


async def test_it_hears_of_what_came_since_it_began_to_listen(node: Any) -> None:
    async with arrivals(node, ARN, 20) as heard:
        await node.store.write(_wake)
        assert await heard.next() is True
        waiting = asyncio.ensure_future(heard.next())
        await node.store.write(_wake)
        assert await waiting is True


async def test_it_ends_when_the_clock_says_so(node: Any) -> None:
    async with arrivals(node, ARN, 20) as heard:
        node.clock.move(19_000)
        waiting = asyncio.ensure_future(heard.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        node.clock.move(1_000)
        assert await waiting is False


async def test_it_ends_by_the_wall_when_the_clock_is_frozen(node: Any) -> None:
    node.clock.freeze()
    async with arrivals(node, ARN, 0.01) as heard:
        assert await heard.next() is False


async def test_it_ends_with_the_node(node: Any) -> None:
    ending = asyncio.ensure_future(end_with(node))
    async with arrivals(node, ARN, 20) as heard:
        node.stopping.set()
        assert await heard.next() is False
    await ending
    async with arrivals(node, ARN, 20) as heard:
        assert await heard.next() is False
    assert not node.memory["sqs.arrivals"]


def test_a_node_stops_without_waiting_for_those_who_wait(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    account = node.fresh_account()
    url = account.sqs.create_queue(QueueName="q")["QueueUrl"]
    received = threading.Event()

    def consume() -> None:
        client = account.client("sqs")
        try:
            while True:
                if client.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages"):
                    received.set()
        except (ClientError, EndpointConnectionError, HTTPClientError):
            return

    consumer = threading.Thread(target=consume, daemon=True)
    consumer.start()
    send(account, url, "x")
    assert received.wait(20)
    began = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - began < 8  # the grace for requests in flight is ten seconds
    consumer.join(10)
