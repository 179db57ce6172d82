"""Reading a stream: every shard whose parents are dealt with, by whichever node it falls to.

Which shards there are is asked at the beginning and whenever one has come to its end; then its children are read.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tule.backbone import leases
from tule.backbone.leases import LeaseLost
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.pollers import checkpoints
from tule.pollers.activity import Activity
from tule.pollers.bell import Bell
from tule.pollers.checkpoints import Checkpoint
from tule.pollers.contract import Reader, Source
from tule.pollers.pauses import Pauses
from tule.pollers.shard_reader import ShardReader
from tule.pollers.streams import Busy, Shard, Stream
from tule.store.store import Tx

log = logging.getLogger("tule.pollers")

LEASE_MS = 30_000
RENEW_S = 10.0
LEASE_RETRY_MS = 5_000
READING = "pollers.reading:"  # the topic on which a reader's shards are given up to others


class StreamPoller:
    def __init__(self, node: Node, source: Source, reader: Reader, stream: Stream, activity: Activity, is_mine: Callable[[str], bool]) -> None:
        self._node = node
        self._source = source
        self._reader = reader
        self._stream = stream
        self._activity = activity
        self._is_mine = is_mine
        self._bell = Bell(node.clock)
        self._pauses = Pauses()
        self._reading: dict[str, tuple[ShardReader, asyncio.Task[None]]] = {}
        self._leases: dict[str, int] = {}
        self._retry_ms: int | None = None
        self._stopping = False

    def ring(self) -> None:
        self._look_now()

    def turned(self) -> None:
        if self._retry_ms is not None:
            self._look_now()

    def _look_now(self) -> None:
        self._retry_ms = None
        self._bell.ring()

    def stop(self) -> None:
        self._stopping = True
        for reading, _ in self._reading.values():
            reading.stop()
        self._bell.ring()

    async def run(self) -> None:
        store = self._node.store
        stops = [
            store.subscribe(self._source.arn.partition("/consumer/")[0], self._ring_shards),
            store.subscribe(READING + self._source.reader, self._look_now),
        ]
        renewal = asyncio.create_task(self._renew())
        self._bell.ring()
        try:
            while not self._stopping:
                await self._activity.wait(self._bell, retry_ms=self._retry_ms)
                self._bell.hush()
                await self._look()
            while self._reading:
                await self._activity.wait(self._bell)
                self._bell.hush()
        finally:
            for stop in stops:
                stop()
            renewal.cancel()
            for _, task in self._reading.values():
                task.cancel()
            await asyncio.gather(renewal, *(task for _, task in self._reading.values()), return_exceptions=True)

    def _ring_shards(self) -> None:
        for reading, _ in self._reading.values():
            reading.ring()

    async def _look(self) -> None:
        if self._stopping or (self._retry_ms is not None and self._node.clock.now_ms() < self._retry_ms):
            return
        self._retry_ms = None
        try:
            await self._read_what_is_ready()
            self._pauses.clear()
        except (ServiceError, Busy) as error:
            self._retry_ms = self._node.clock.now_ms() + self._pauses.next_ms()
            await self._reader.report(error.message if isinstance(error, ServiceError) else str(error))
        except Exception:
            self._retry_ms = self._node.clock.now_ms() + self._pauses.next_ms()
            log.exception("%s cannot be read and waits.", self._source.arn)

    async def _read_what_is_ready(self) -> None:
        source = self._source
        shards = await self._shards()
        known = await self._node.store.read(lambda tx: checkpoints.of_reader(tx, source.reader))
        await self._forget_gone(shards, known)
        for shard in ready(shards, known):
            mine = self._is_mine(f"{source.reader}/{shard.id}")
            if shard.id in self._reading:
                if not mine:
                    self._reading[shard.id][0].stop()
            elif mine:
                await self._begin(shard.id, known.get(shard.id, Checkpoint()))

    async def _shards(self) -> list[Shard]:
        """When the stream is gone, what was dealt with is forgotten: another one of its name begins anew."""
        try:
            return await self._stream.shards()
        except ServiceError as error:
            if error.code == "ResourceNotFoundException":
                await self._node.store.write(lambda tx: checkpoints.forget(tx, self._source.reader))
            raise

    async def _forget_gone(self, shards: list[Shard], known: dict[str, Checkpoint]) -> None:
        """Checkpoints of shards that are not there any more."""
        there = {shard.id for shard in shards}
        gone = [shard for shard, checkpoint in known.items() if checkpoint.is_done and shard not in there]

        def forget(tx: Tx) -> None:
            for shard in gone:
                checkpoints.forget(tx, self._source.reader, shard)

        if gone:
            await self._node.store.write(forget)

    async def _begin(self, shard: str, checkpoint: Checkpoint) -> None:
        node, source = self._node, self._source
        lease: tuple[str, int] | None = None
        if node.store.shared:
            name = f"{READING}{source.reader}/{shard}"

            def take(tx: Tx) -> tuple[int | None, dict[str, Checkpoint]]:
                return leases.take(tx, name, node.store.node, LEASE_MS), checkpoints.of_reader(tx, source.reader)

            epoch, known = await node.store.write(take)
            if epoch is None:
                self._retry_ms = node.clock.now_ms() + LEASE_RETRY_MS
                return
            lease, checkpoint = (name, epoch), known.get(shard, Checkpoint())
            self._leases[name] = epoch
        reading = ShardReader(node, source, self._reader, self._stream, self._activity, shard, checkpoint, lease)
        task = self._activity.spawn(self._run(shard, reading, lease), name=f"shard {shard} of {source.arn}", ended=self._bell)
        self._reading[shard] = (reading, task)

    async def _run(self, shard: str, reading: ShardReader, lease: tuple[str, int] | None) -> None:
        try:
            await reading.run()
        except (ServiceError, Busy) as error:
            self._retry_ms = self._node.clock.now_ms() + self._pauses.next_ms()
            await self._reader.report(error.message if isinstance(error, ServiceError) else str(error))
        except LeaseLost:
            log.info("Another node reads %s of %s now.", shard, self._source.arn)
        except Exception:
            self._retry_ms = self._node.clock.now_ms() + self._pauses.next_ms()
            log.exception("%s of %s cannot be read and waits.", shard, self._source.arn)
        finally:
            del self._reading[shard]
            if lease is not None:
                await self._release(lease)

    async def _release(self, lease: tuple[str, int]) -> None:
        self._leases.pop(lease[0], None)

        def release(tx: Tx) -> None:
            leases.release(tx, *lease)
            tx.wake(READING + self._source.reader)

        await self._node.store.write(release)

    async def _renew(self) -> None:
        if not self._node.store.shared:
            return
        while True:
            await asyncio.sleep(RENEW_S)
            for name, epoch in list(self._leases.items()):
                try:
                    await self._node.store.write(lambda tx, name=name, epoch=epoch: leases.renew(tx, name, epoch, LEASE_MS))
                except LeaseLost:
                    self._leases.pop(name, None)  # its reader will see it, too
                except Exception:
                    log.exception("The lease of %s cannot be renewed yet.", name)


def ready(shards: list[Shard], known: dict[str, Checkpoint]) -> list[Shard]:
    """Shards that are not dealt with, and of whose parents nothing is left to be read."""
    there = {shard.id for shard in shards}
    done = {shard for shard, checkpoint in known.items() if checkpoint.is_done}
    return [shard for shard in shards if shard.id not in done and all(parent in done or parent not in there for parent in shard.parents)]
