"""Queues against a model that looks at every message each time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.sqs.model import Model
from tests.stores import KINDS, opened
from tule.core.clock import TurnableClock
from tule.services.sqs import ROOM, attributes, claims, hiding, queue_changes, removal, sends
from tule.services.sqs import queue as documents
from tule.services.sqs.claims import Claim, Claimed
from tule.services.sqs.composing import Draft
from tule.services.sqs.hiding import Change
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import QueueKey
from tule.services.sqs.receipts import Receipt
from tule.services.sqs.state import messages
from tule.services.sqs.state.messages import New
from tule.store.store import Tx
from tule.watch.meter import Meter

_names = itertools.count()
_BIG = "x" * 3000  # kept beside its row


@dataclass(frozen=True)
class Send:
    group: str
    delay_s: int
    is_big: bool


@dataclass(frozen=True)
class Receive:
    count: int
    hidden_s: int


@dataclass(frozen=True)
class Delete:
    which: int


@dataclass(frozen=True)
class Hide:
    which: int
    hidden_s: int


@dataclass(frozen=True)
class Pass:
    seconds: int


Step = Send | Receive | Delete | Hide | Pass
_which = st.integers(0, 30)
_send = st.builds(Send, st.sampled_from("ab"), st.sampled_from([0, 0, 0, 2]), st.booleans())
_receive = st.builds(Receive, st.integers(1, 3), st.integers(1, 4))
_steps = st.lists(
    st.one_of(
        _send,
        _send,
        _receive,
        _receive,
        _receive,
        st.builds(Delete, _which),
        st.builds(Hide, _which, st.integers(0, 4)),
        st.builds(Pass, st.integers(1, 3)),
    ),
    min_size=20,
    max_size=50,
)


@pytest.fixture(params=KINDS)
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    clock = TurnableClock()
    clock.freeze()
    async with opened(request.param, tmp_path, clock) as store:
        await store.migrate("service:sqs", ROOM.schema)
        yield SimpleNamespace(store=store, clock=clock, meter=Meter(store, clock), memory={}, stopping=asyncio.Event())


async def _new_queue(node: Any, *, is_fifo: bool, more: dict[str, str] | None = None) -> Queue:
    key = QueueKey("111111111111", "us-east-1", f"q{next(_names)}" + (".fifo" if is_fifo else ""))

    def create(tx: Tx) -> Queue | None:
        queue_changes.create(tx, key, {**attributes.defaults(is_fifo=is_fifo), **(more or {})}, {})
        return documents.find(tx, key)

    queue = await node.store.write(create)
    assert queue is not None
    return queue


class Machine:
    """A queue and its model, which take the same steps."""

    def __init__(self, node: Any, queue: Queue, dead: Queue | None, model: Model) -> None:
        self.node, self.queue, self.dead, self.model = node, queue, dead, model
        self.numbers = itertools.count()
        self.handles: list[tuple[int, Receipt]] = []

    @property
    def now_ms(self) -> int:
        return self.node.clock.now_ms()

    async def take(self, step: Step) -> None:
        match step:
            case Send():
                await self._send(step)
            case Receive():
                await self._receive(step)
            case Delete(which):
                await self._delete(which)
            case Hide(which, hidden_s):
                await self._hide(which, hidden_s)
            case Pass(seconds):
                self.node.clock.move(seconds * 1000)
        assert await self.node.store.read(self._counts) == self.model.counts(self.now_ms)

    def _counts(self, tx: Tx) -> tuple[int, int, int]:
        counts = messages.count(tx, self.queue.backlog, self.queue.retention_ms)
        return counts.visible, counts.in_flight, counts.delayed

    async def _send(self, step: Send) -> None:
        number = next(self.numbers)
        body = f"{number}:{_BIG if step.is_big else ''}"
        delay_s = 0 if self.queue.is_fifo else step.delay_s
        new = New(str(number), "", body, None, b"{}", step.group if self.queue.is_fifo else None)
        await sends.send(self.node, self.queue, [Draft(new, len(body), delay_s * 1000, str(number), {})])
        self.model.send(number, step.group, self.now_ms, delay_s * 1000)

    async def _receive(self, step: Receive) -> None:
        wanted = Claim(self.queue, step.count, step.hidden_s * 1000, self.dead)
        found: Claimed = await self.node.store.write(partial(_claim, self.node.store.dialect, wanted))
        numbers = [int(message.id) for message in found.messages]
        expected = self.model.receive(step.count, self.now_ms, step.hidden_s * 1000)
        assert (numbers if self.queue.is_fifo else sorted(numbers)) == (expected if self.queue.is_fifo else sorted(expected))
        for message in found.messages:
            letter = self.model.find(int(message.id))
            assert letter is not None
            assert message.receives == letter.receives
            assert (message.body or "").startswith(f"{letter.number}:")
            self.handles.append((letter.number, Receipt(self.queue.mark, self.queue.backlog, message.seq, found.received_ms, message.receives)))

    async def _delete(self, which: int) -> None:
        if self.handles:
            number, receipt = self.handles[which % len(self.handles)]
            (problem,) = await removal.delete(self.node, self.queue, [("handle", receipt)])
            assert (problem is None) == self.model.delete(number, receipt.receives, self.now_ms)

    async def _hide(self, which: int, hidden_s: int) -> None:
        if self.handles:
            number, receipt = self.handles[which % len(self.handles)]
            (problem,) = await hiding.change(self.node, self.queue, [Change("handle", receipt, hidden_s)])
            assert (problem is None) == self.model.change(number, receipt.receives, self.now_ms, hidden_s * 1000)

    async def check_dead(self) -> None:
        if self.dead is not None:
            wanted = Claim(self.dead, 1000, 1000, None)
            found: Claimed = await self.node.store.write(partial(_claim, self.node.store.dialect, wanted))
            assert sorted(int(message.id) for message in found.messages) == sorted(self.model.dead)
            assert all((message.body or "").startswith(f"{message.id}:") for message in found.messages)
            assert {message.source for message in found.messages} <= {self.queue.arn}


def _claim(dialect: str, wanted: Claim, tx: Tx) -> Claimed:
    return claims.claim(tx, dialect, wanted)


@pytest.mark.parametrize("is_fifo", [False, True])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_steps, st.sampled_from([0, 1, 2]))
async def test_a_queue_does_what_the_model_does(node: Any, is_fifo: bool, steps: list[Step], max_receives: int) -> None:
    dead = await _new_queue(node, is_fifo=is_fifo) if max_receives else None
    redrive = {"RedrivePolicy": f'{{"deadLetterTargetArn":"{dead.arn}","maxReceiveCount":{max_receives}}}'} if dead is not None else {}
    queue = await _new_queue(node, is_fifo=is_fifo, more=redrive)
    machine = Machine(node, queue, dead, Model(is_fifo, max_receives))
    for step in steps:
        await machine.take(step)
    await machine.check_dead()


@pytest.mark.parametrize("is_fifo", [False, True])
async def test_receivers_at_once_share_the_messages(node: Any, is_fifo: bool) -> None:
    """Each message goes to one of them; those of a group to one at a time, in order."""
    queue = await _new_queue(node, is_fifo=is_fifo)
    count, groups = 60, 6
    for number in range(count):
        new = New(str(number), "", "x", None, b"{}", str(number % groups) if is_fifo else None)
        await sends.send(node, queue, [Draft(new, 1, 0, str(number), {})])
    got: list[str] = []

    async def receiver() -> None:
        while len(got) < count:
            wanted = Claim(queue, 3, 60_000, None)
            found: Claimed = await node.store.write_relaxed(partial(_claim, node.store.dialect, wanted))
            got.extend(message.id for message in found.messages)
            handles = [("", Receipt(queue.mark, queue.backlog, message.seq, found.received_ms, message.receives)) for message in found.messages]
            assert await removal.delete(node, queue, handles) == [None] * len(handles)

    await asyncio.wait_for(asyncio.gather(*(receiver() for _ in range(8))), 30)
    assert len(got) == len(set(got)) == count
    if is_fifo:
        for group in range(groups):
            of_group = [int(id) for id in got if int(id) % groups == group]
            assert of_group == sorted(of_group)


async def test_senders_of_the_same_at_once_send_it_once(node: Any) -> None:
    queue = await _new_queue(node, is_fifo=True)

    async def sender(number: int) -> dict[str, Any]:
        new = New(f"m{number}", "", "x", None, b"{}", "g")
        (sent,) = await sends.send(node, queue, [Draft(new, 1, 0, "same", {})])
        return sent

    sent = await asyncio.gather(*(sender(number) for number in range(12)))
    assert len({(each["MessageId"], each["SequenceNumber"]) for each in sent}) == 1
    found: Claimed = await node.store.write(partial(_claim, node.store.dialect, Claim(queue, 10, 1000, None)))
    assert [message.id for message in found.messages] == [sent[0]["MessageId"]]
