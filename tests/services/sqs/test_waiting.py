"""What ends a long poll, without a node around it; and a node that is stopped under one."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from tests.node import Account, RunningNode
from tests.services.sqs.messages import bodies, send
from tests.stores import KINDS, opened
from tule.core.clock import TurnableClock
from tule.services.sqs.arrivals import arrivals, end_with
from tule.store.store import Tx
from tule.watch.meter import Meter

ARN = "arn:aws:sqs:us-east-1:111111111111:q"


@pytest.fixture(params=KINDS)
async def bare(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    clock = TurnableClock()
    async with opened(request.param, tmp_path, clock) as store:
        yield SimpleNamespace(store=store, clock=clock, meter=Meter(store, clock), memory={}, stopping=asyncio.Event())


def _wake(tx: Tx) -> None:
    tx.wake(ARN)


async def test_it_hears_of_what_came_since_it_began_to_listen(bare: Any) -> None:
    async with arrivals(bare, ARN, 20) as heard:
        await bare.store.write(_wake)
        assert await heard.next() is True
        waiting = asyncio.ensure_future(heard.next())
        await bare.store.write(_wake)
        assert await waiting is True


async def test_it_ends_when_the_clock_says_so(bare: Any) -> None:
    async with arrivals(bare, ARN, 20) as heard:
        bare.clock.move(19_000)
        waiting = asyncio.ensure_future(heard.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        bare.clock.move(1_000)
        assert await waiting is False


async def test_it_ends_by_the_wall_when_the_clock_is_frozen(bare: Any) -> None:
    bare.clock.freeze()
    async with arrivals(bare, ARN, 0.01) as heard:
        assert await heard.next() is False


async def test_it_ends_with_the_node(bare: Any) -> None:
    ending = asyncio.ensure_future(end_with(bare))
    async with arrivals(bare, ARN, 20) as heard:
        bare.stopping.set()
        assert await heard.next() is False
    await ending
    async with arrivals(bare, ARN, 20) as heard:
        assert await heard.next() is False
    assert not bare.memory["sqs.arrivals"]


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


def _wait_for_an_answer(aws: Account, queue: str) -> None:
    aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])


def test_a_message_does_not_go_to_a_client_that_has_gone(aws: Account, queue: str) -> None:
    place = urlsplit(aws.node.url)
    form = urlencode({"Action": "ReceiveMessage", "Version": "2012-11-05", "QueueUrl": queue, "WaitTimeSeconds": 20}).encode()
    request = AWSRequest("POST", aws.node.url + "/", data=form, headers={"content-type": "application/x-www-form-urlencoded"})
    SigV4Auth(Credentials(aws.id, "test"), "sqs", aws.region).add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(["POST / HTTP/1.1", f"host: {place.netloc}", f"content-length: {len(form)}", *lines]).encode()
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        connection.sendall(head + b"\r\n\r\n" + form)
        _wait_for_an_answer(aws, queue)  # by then the node has read what came before
    for _ in range(3):
        _wait_for_an_answer(aws, queue)  # and has heard that the client went
    send(aws, queue, "x")
    assert bodies(aws, queue, WaitTimeSeconds=5) == ["x"]
