"""A stream in memory, a reader that does what the test says, and the poller between them, on a real store and a frozen clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.stores import opened
from tule.access.principal import Principal, root
from tule.backbone import leases
from tule.core.clock import TurnableClock
from tule.platform.node import Node
from tule.pollers import checkpoints
from tule.pollers.activity import Activity
from tule.pollers.bell import Bell
from tule.pollers.checkpoints import Checkpoint
from tule.pollers.contract import Batch, GivenUp, Handled, Outcome, Record, Source
from tule.pollers.stream_poller import StreamPoller
from tule.pollers.streams import IteratorExpired, Page, Shard
from tule.store.store import Store, Tx

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/clicks"
READER = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:1"
SOURCE = Source(ARN, READER, "123456789012", "us-east-1", batch_size=10)
START_MS = 1_700_000_000_000


@dataclass
class FakeShard:
    id: str
    parents: tuple[str, ...] = ()
    records: list[Record] = field(default_factory=list[Record])
    closed: bool = False


@dataclass
class FakeStream:
    clock: TurnableClock
    store: Store
    shards_: dict[str, FakeShard] = field(default_factory=dict[str, FakeShard])
    sequence: int = 100
    expire_next: bool = False
    reads: int = 0

    def add(self, id: str, *parents: str) -> None:
        self.shards_[id] = FakeShard(id, parents)

    async def put(self, *keys: str, shard: str = "s0", wanted: bool = True) -> list[str]:
        """Records, one for each key, named by their sequence numbers."""
        made: list[str] = []
        for key in keys:
            self.sequence += 1
            record = Record(str(self.sequence), {"n": self.sequence, "key": key}, self.clock.now_ms(), 100, key, wanted)
            self.shards_[shard].records.append(record)
            made.append(record.id)
        await self.wake()
        return made

    async def close(self, shard: str, *children: str) -> None:
        self.shards_[shard].closed = True
        for child in children:
            self.add(child, shard)
        await self.wake()

    async def wake(self) -> None:
        await self.store.write(lambda tx: tx.wake(ARN))

    async def shards(self) -> list[Shard]:
        return [Shard(shard.id, shard.parents) for shard in self.shards_.values()]

    async def begin(self, shard: str) -> str:
        return "0"

    async def after(self, shard: str, sequence: str) -> str:
        return str(sum(1 for record in self.shards_[shard].records if int(record.id) <= int(sequence)))

    async def read(self, shard: str, iterator: str, limit: int) -> Page:
        self.reads += 1
        if self.expire_next:
            self.expire_next = False
            raise IteratorExpired
        found, at = self.shards_[shard], int(iterator)
        records = found.records[at : at + limit]
        at += len(records)
        more = at < len(found.records)
        return Page(records, None if found.closed and not more else str(at), more)


@dataclass
class ScriptedReader:
    """`answer` decides about each batch; by default all goes well."""

    answer: Callable[[Batch], Outcome] = field(default=lambda batch: Handled())
    batches: list[Batch] = field(default_factory=list[Batch])
    given_up: list[GivenUp] = field(default_factory=list[GivenUp])
    counted: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    problems: list[str] = field(default_factory=list[str])
    hold: asyncio.Event | None = None
    at_once: int = 0
    begun: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def principal(self) -> Principal:
        return root("123456789012")

    async def handle(self, batch: Batch) -> Outcome:
        self.batches.append(batch)
        self.at_once += 1
        async with self.begun:
            self.begun.notify_all()
        try:
            if self.hold is not None:
                await self.hold.wait()
            return self.answer(batch)
        finally:
            self.at_once -= 1

    async def holds(self, count: int) -> None:
        """Wait until so many batches are being handled."""
        async with self.begun:
            await self.begun.wait_for(lambda: self.at_once >= count)

    def give_up(self, tx: Tx, given_up: GivenUp) -> None:
        tx.after_commit(lambda: self.given_up.append(given_up))

    def polled(self, records: int, filtered_out: int) -> None:
        self.counted.append((records, filtered_out))

    async def report(self, problem: str) -> None:
        self.problems.append(problem)

    @property
    def seen(self) -> list[list[str]]:
        """The ids of the records of each batch."""
        return [[record.id for record in batch.records] for batch in self.batches]


class Stage:
    """`is_mine` says which shards fall to it."""

    def __init__(self, store: Store, clock: TurnableClock, is_mine: Callable[[str], bool] = lambda _: True) -> None:
        self.store = store
        self.clock = clock
        self.activity = Activity(clock)
        self.stream = FakeStream(clock, store)
        self.stream.add("s0")
        self.reader = ScriptedReader()
        self.is_mine = is_mine
        self.poller: StreamPoller | None = None
        self._task: asyncio.Task[None] | None = None
        clock.on_change(self._turned)

    def _turned(self) -> None:
        if self.poller is not None:
            self.poller.turned()

    def start(self, reader: ScriptedReader | None = None, **settings: Any) -> None:
        """Begin to read, as after a restart when something was read before."""
        node = cast(Node, SimpleNamespace(store=self.store, clock=self.clock))
        source = replace(SOURCE, **settings)
        self.reader = reader or self.reader
        self.poller = StreamPoller(node, source, self.reader, self.stream, self.activity, lambda unit: self.is_mine(unit))
        self._task = self.activity.spawn(self.poller.run(), name="poller", ended=Bell(self.clock))

    async def crash(self) -> None:
        """What was begun is cut, wherever it was."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.poller = self._task = None

    async def stop(self) -> None:
        assert self.poller is not None and self._task is not None
        self.poller.stop()
        await self._task
        self.poller = self._task = None

    async def settle(self) -> None:
        while await self.activity.settle():
            pass

    async def advance(self, seconds: float) -> None:
        """As the node's clock is advanced: from due time to due time."""
        end_ms = self.clock.now_ms() + int(seconds * 1000)
        await self.settle()
        while (due_ms := self.activity.next_due_ms()) is not None and due_ms <= end_ms:
            self.clock.move(due_ms - self.clock.now_ms())
            await self.settle()
        self.clock.move(end_ms - self.clock.now_ms())
        await self.settle()

    async def checkpoints(self) -> dict[str, Checkpoint]:
        return await self.store.read(lambda tx: checkpoints.of_reader(tx, READER))


@asynccontextmanager
async def staged(kind: str, data: Path) -> AsyncGenerator[Stage]:
    clock = TurnableClock()
    clock.freeze(START_MS)
    async with opened(kind, data, clock) as store:
        await store.migrate("pollers", checkpoints.SCHEMA)
        await store.migrate("leases", leases.SCHEMA)
        stage = Stage(store, clock)
        try:
            yield stage
        finally:
            await stage.crash()


def ids(records: Sequence[Record]) -> list[str]:
    return [record.id for record in records]
