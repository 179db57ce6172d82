"""A fleet of pollers: one for each source that should be read now.

    pollers = Pollers(node, "lambda", [TOPIC], wanted, reader_of, kept)
    await pollers.run()                     # for the node's life

`wanted` says in a transaction what should be read; it is asked when the node starts and when one of the topics is woken.
`complete`, where it is given, does what takes more than a transaction: of the sources, it gives those that can be read.
What is no longer wanted, or is wanted differently, ends what it has begun before anything takes its place.  `kept` is told
after each change who is being read for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from tule.backbone import leases
from tule.core import arn as arns
from tule.core.clock import Clock
from tule.core.errors import not_implemented
from tule.platform.node import Node
from tule.pollers import checkpoints
from tule.pollers.activity import Activity
from tule.pollers.bell import Bell
from tule.pollers.contract import Reader, Source
from tule.pollers.dynamodb_stream import DynamoDbStream
from tule.pollers.kinesis_stream import KinesisStream
from tule.pollers.queue_poller import QueuePoller
from tule.pollers.sharing import Sharing
from tule.pollers.stream_poller import StreamPoller
from tule.store.store import Tx

log = logging.getLogger("tule.pollers")

RESTART_MS = 1_000


class Poller(Protocol):
    async def run(self) -> None: ...

    def ring(self) -> None:
        """Who reads what may have changed."""
        ...

    def turned(self) -> None:
        """The clock was turned: what is to be tried again may be tried now."""
        ...

    def stop(self) -> None:
        """End what was begun, and return from `run`."""
        ...


class Pollers:
    def __init__(
        self,
        node: Node,
        name: str,
        topics: Sequence[str],
        wanted: Callable[[Tx], Sequence[Source]],
        reader_of: Callable[[Source], Reader],
        kept: Callable[[set[str]], Awaitable[None]],
        complete: Callable[[Sequence[Source]], Awaitable[Sequence[Source]]] | None = None,
    ) -> None:
        self._node = node
        self._topics = topics
        self._wanted = wanted
        self._reader_of = reader_of
        self._kept = kept
        self._complete = complete
        self._activity = Activity(node.clock)
        self._bell = Bell(node.clock)
        self._sharing = Sharing(node.store, name, self._ring_all)
        self._places: dict[str, _Place] = {}

    async def run(self) -> None:
        store = self._node.store
        with contextlib.ExitStack() as ends, self._activity.member():
            ends.callback(self._node.jobs.attend(self._activity.settle, self._activity.next_due_ms))  # the fleet is waited for while it begins, too
            await store.migrate("pollers", checkpoints.SCHEMA)
            if store.shared:
                await store.migrate("leases", leases.SCHEMA)
            self._node.clock.on_change(self._turned)
            for topic in self._topics:
                ends.callback(store.subscribe(topic, self._bell.ring))
            beside = [asyncio.create_task(self._sharing.run()), asyncio.create_task(self._end_with_node())]
            self._bell.ring()
            try:
                while True:
                    await self._activity.wait(self._bell)
                    self._bell.hush()
                    await self._look()
            finally:
                tasks = [*beside, *(place.task for place in self._places.values())]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _end_with_node(self) -> None:
        """When the node begins to stop, nothing more is taken from any source."""
        await self._node.stopping.wait()
        for place in self._places.values():
            place.want(None)

    def look_again(self) -> None:
        """What is wanted may have changed without a topic being woken: after a reset."""
        self._bell.ring()

    def _ring_all(self) -> None:
        self._bell.ring()
        for place in self._places.values():
            place.ring()

    def _turned(self) -> None:
        for place in self._places.values():
            place.turned()

    async def _look(self) -> None:
        if self._node.stopping.is_set():
            return
        try:
            wanted = await self._node.store.read(self._wanted)
            if self._complete is not None:
                wanted = await self._complete(wanted)
            sources = {source.reader: source for source in wanted}
            for reader, place in list(self._places.items()):
                place.want(sources.get(reader))
            for reader, source in sources.items():
                if reader not in self._places:
                    self._begin(reader, source)
            await self._kept(set(self._places))
        except Exception:
            log.exception("Pollers cannot be brought to what is wanted, and will be.")
            asyncio.get_running_loop().call_later(RESTART_MS / 1000, self._bell.ring)

    def _begin(self, reader: str, source: Source) -> None:
        place = _Place(source, self._make, self._activity, self._node.clock, self._bell)
        self._places[reader] = place
        place.task.add_done_callback(lambda _: self._places.pop(reader))

    def _make(self, source: Source) -> Poller:
        reader = self._reader_of(source)
        service = arns.parse(source.arn).service
        if service == "sqs":
            return QueuePoller(self._node, source, reader, self._activity, self._sharing.is_mine)
        if service not in ("kinesis", "dynamodb"):
            raise not_implemented(service)
        stream = KinesisStream(self._node, source, reader) if service == "kinesis" else DynamoDbStream(self._node, source, reader)
        return StreamPoller(self._node, source, reader, stream, self._activity, self._sharing.is_mine)


class _Place:
    """Of one reader: the poller that runs, and what should run instead once it has ended."""

    def __init__(self, source: Source, make: Callable[[Source], Poller], activity: Activity, clock: Clock, ended: Bell) -> None:
        self._wanted: Source | None = source
        self._make = make
        self._activity = activity
        self._clock = clock
        self._changed = Bell(clock)
        self._poller: Poller | None = None
        self.task = activity.spawn(self._run(), name=f"poller of {source.arn}", ended=ended)

    def want(self, source: Source | None) -> None:
        if source != self._wanted:
            self._wanted = source
            self._changed.ring()
            if self._poller is not None:
                self._poller.stop()

    def ring(self) -> None:
        if self._poller is not None:
            self._poller.ring()

    def turned(self) -> None:
        if self._poller is not None:
            self._poller.turned()

    async def _run(self) -> None:
        while (source := self._wanted) is not None:
            self._changed.hush()
            try:
                self._poller = self._make(source)
                await self._poller.run()
            except Exception:
                log.exception("The poller of %s ended and is started again.", source.arn)
                await self._activity.wait(self._changed, self._clock.now_ms() + RESTART_MS)
