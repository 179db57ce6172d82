"""Reading one shard: page by page, each record to the lane of its key, and progress written down with what it causes.

On a store that nodes share a shard is read under a lease; whoever lost it is refused when it writes, and stops.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Sequence

from tule.backbone import leases
from tule.platform.node import Node
from tule.pollers import checkpoints
from tule.pollers.activity import Activity
from tule.pollers.bell import Bell
from tule.pollers.checkpoints import Checkpoint
from tule.pollers.contract import GivenUp, Reader, Record, Source
from tule.pollers.lane import MAX_BATCH_BYTES, Aggregate, Lane
from tule.pollers.pauses import Pauses
from tule.pollers.progress import Progress
from tule.pollers.streams import Busy, IteratorExpired, Page, Stream
from tule.store.store import Tx

log = logging.getLogger("tule.pollers")

PAGE = 1_000
READ_AHEAD = 2_000  # records that wait in the lanes, besides two batches for each
READ_AHEAD_BYTES = 8 * 1024 * 1024  # besides one batch for each
BUSY_MS = 200


class ShardReader:
    """`run` returns when the shard is read to its end (True), or after `stop`.  Raises LeaseLost, ServiceError."""

    def __init__(
        self,
        node: Node,
        source: Source,
        reader: Reader,
        stream: Stream,
        activity: Activity,
        shard: str,
        checkpoint: Checkpoint,
        lease: tuple[str, int] | None,
    ) -> None:
        self._node = node
        self._source = source
        self._reader = reader
        self._stream = stream
        self._activity = activity
        self._shard = shard
        self._lease = lease
        self._progress = Progress(checkpoint, source.lanes)
        self._writing = asyncio.Lock()
        self._bell = Bell(node.clock)
        self._stopping = False
        self._iterator: str | None = None
        self._written = self._progress.sequence
        self._lanes = [self._lane(number) for number in range(source.lanes)]

    def _lane(self, number: int) -> Lane:
        window = self._progress.windows.get(number)
        aggregate = Aggregate(window["start_ms"], window["state"]) if window is not None else None
        return Lane(number, self._shard, self._source, self._reader, self._node.clock, self._activity, self._commit, aggregate)

    def ring(self) -> None:
        self._bell.ring()

    def stop(self) -> None:
        self._stopping = True
        self._bell.ring()
        for lane in self._lanes:
            lane.stop()

    async def run(self) -> bool:
        ended = Bell(self._node.clock)
        works = [self._read_all(), *(lane.run() for lane in self._lanes)]
        tasks = [self._activity.spawn(work, name=f"reading of {self._shard}", ended=ended) for work in works]
        try:
            while any(not task.done() for task in tasks):
                await self._activity.wait(ended)
                ended.hush()
                for task in tasks:
                    if task.done():
                        task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._stopping:
            return False
        await self._write(is_done=True)
        return True

    async def _read_all(self) -> None:
        """Until the shard's end, or `stop`."""
        following: str | None = ""
        self._bell.ring()
        due_ms: int | None = None
        pauses = Pauses(BUSY_MS, 5_000)
        while following is not None and not self._stopping:
            await self._activity.wait(self._bell, due_ms)
            self._bell.hush()
            due_ms = None
            try:
                following = await self._read_on()
            except IteratorExpired:
                self._iterator = None
                self._bell.ring()
            except Busy:
                due_ms = self._node.clock.now_ms() + pauses.next_ms()
            else:
                pauses.clear()
        for lane in self._lanes:
            lane.end()

    async def _read_on(self) -> str | None:
        """As far as there is something, and room for it; None at the shard's end."""
        following: str | None = ""
        while not self._stopping and self._has_room():
            iterator = self._iterator or await self._begin()
            page = await self._stream.read(self._shard, iterator, PAGE)
            self._iterator = following = page.following
            await self._take(page)
            if following is None or not (page.more or page.records):
                break
        return following

    async def _begin(self) -> str:
        read_to = self._progress.read_to
        return await self._stream.after(self._shard, read_to) if read_to else await self._stream.begin(self._shard)

    def _has_room(self) -> bool:
        records, size = sum(lane.backlog for lane in self._lanes), sum(lane.backlog_bytes for lane in self._lanes)
        lanes = len(self._lanes)
        return records < READ_AHEAD + 2 * self._source.batch_size * lanes and size < READ_AHEAD_BYTES + MAX_BATCH_BYTES * lanes

    async def _take(self, page: Page) -> None:
        if page.records:
            self._reader.polled(len(page.records), sum(not record.wanted for record in page.records))
        for record in page.records:
            number = self._lane_of(record)
            if self._progress.note(record, number):
                self._lanes[number].put(record)
        if self._progress.is_settled and self._progress.sequence != self._written:
            await self._write()  # everything so far was passed over

    def _lane_of(self, record: Record) -> int:
        return zlib.crc32(record.key.encode()) % len(self._lanes) if len(self._lanes) > 1 else 0

    async def _commit(self, lane: int, records: Sequence[Record], given_up: GivenUp | None, aggregate: Aggregate | None) -> None:
        """These records of a lane are dealt with; durable when this returns."""
        self._progress.tick_off(lane, records)
        self._progress.windows[lane] = None if aggregate is None else {"start_ms": aggregate.start_ms, "state": aggregate.state}
        await self._write(given_up)
        self._bell.ring()  # there may be room again

    async def _write(self, given_up: GivenUp | None = None, *, is_done: bool = False) -> None:
        async with self._writing:
            checkpoint = self._progress.checkpoint(is_done=is_done)

            def write(tx: Tx) -> None:
                if self._lease is not None:
                    leases.check(tx, *self._lease)
                checkpoints.put(tx, self._source.reader, self._shard, checkpoint)
                if given_up is not None:
                    self._reader.give_up(tx, given_up)

            await self._node.store.write(write)
            self._written = checkpoint.sequence
