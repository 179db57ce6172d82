"""Reading a queue: receive, gather, hand over, and delete what was handled.

What is not handled is left alone, and comes back when its visibility time-out has passed, or goes to the queue's dead
letters: SQS sees to that, as it sees to the order of message groups, of which it gives nothing out while some of it is in
flight.  So a killed node loses nothing: what it had received comes back.

The poller looks when the queue's ARN is woken, which SQS does whenever messages become visible.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.platform.targets import queue_url
from tule.pollers import queue_records
from tule.pollers.activity import Activity
from tule.pollers.bell import Bell
from tule.pollers.contract import Batch, Failed, Handled, NotNow, Outcome, PartlyHandled, Reader, Record, Source
from tule.pollers.pauses import Pauses
from tule.pollers.scaling import Scaling

log = logging.getLogger("tule.pollers")

AT_ONCE = 10  # messages of one call
MAX_BATCH_BYTES = 6 * 1024 * 1024
THROTTLED_AT_MOST_MS = 5_000


class QueuePoller:
    """`run` is the poller's life; `stop` lets it end what it has begun.  `is_mine` says whether this node reads the queue."""

    def __init__(self, node: Node, source: Source, reader: Reader, activity: Activity, is_mine: Callable[[str], bool]) -> None:
        self._node = node
        self._source = source
        self._reader = reader
        self._activity = activity
        self._is_mine = is_mine
        self._arn = arns.parse(source.arn)
        self._url = queue_url(node, self._arn)
        self._bell = Bell(node.clock)
        self._scaling = Scaling(source.max_concurrency, source.pollers)
        self._pauses = Pauses()
        self._running: set[asyncio.Task[None]] = set()
        self._gathered: list[Record] = []
        self._gathered_bytes = 0
        self._gathered_since_ms = 0
        self._ready: deque[Batch] = deque()
        self._retry_ms: int | None = None
        self._stopping = False

    def ring(self) -> None:
        self._bell.ring()

    def turned(self) -> None:
        if self._retry_ms is not None:
            self._bell.ring()

    def stop(self) -> None:
        self._stopping = True
        self._bell.ring()

    async def run(self) -> None:
        unsubscribe = self._node.store.subscribe(self._source.arn, self._bell.ring)
        self._bell.ring()
        try:
            while not self._stopping:
                await self._activity.wait(self._bell, self._due_ms(), retry_ms=self._retry_ms)
                self._bell.hush()
                await self._look()
            self._close_batch()
            self._begin_batches()
            while self._running:
                await self._activity.wait(self._bell)
                self._bell.hush()
                self._begin_batches()
        finally:
            unsubscribe()
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _look(self) -> None:
        """Take what is there, as far as there is room."""
        now_ms = self._node.clock.now_ms()
        self._close_batch_in_time()
        self._begin_batches()
        if self._stopping or (self._source.max_concurrency is not None and not self._is_mine(self._source.reader)):
            self._retry_ms = None
            return
        try:
            await self._take()
        except ServiceError as error:
            self._retry_ms = now_ms + self._pauses.next_ms()
            await self._reader.report(error.message)
        except Exception:
            self._retry_ms = now_ms + self._pauses.next_ms()
            log.exception("%s cannot be read and waits.", self._source.arn)
        else:
            self._retry_ms = None
            self._pauses.clear()
            await self._reader.report("")

    async def _take(self) -> None:
        source = self._source
        while not self._ready and len(self._running) < self._scaling.limit():
            messages = await self._receive(min(AT_ONCE, source.batch_size - len(self._gathered)))
            if not messages:
                if not self._running:
                    self._scaling.idle()
                break
            self._scaling.busy(self._node.clock.now_ms())
            await self._gather(messages)
            self._begin_batches()
        self._close_batch_in_time()
        self._begin_batches()

    async def _receive(self, limit: int) -> list[dict[str, Any]]:
        answer = await self._call(
            "ReceiveMessage",
            {"MaxNumberOfMessages": limit, "WaitTimeSeconds": 0, "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]},
        )
        return answer.get("Messages", [])

    async def _gather(self, messages: Sequence[dict[str, Any]]) -> None:
        """Put what is wanted to the batch; delete the rest.  A batch that is full, or is not to wait, is ready."""
        source, now_ms = self._source, self._node.clock.now_ms()
        unwanted: list[Record] = []
        for message in messages:
            record = queue_records.record(self._arn, message, now_ms, gathered=source.window_ms > 0)
            if not source.filters.want(record.event, "body", message["Body"]):
                unwanted.append(record)
                continue
            if self._gathered_bytes + record.size > MAX_BATCH_BYTES:
                self._close_batch()
            if not self._gathered:
                self._gathered_since_ms = now_ms
            self._gathered.append(record)
            self._gathered_bytes += record.size
        if len(self._gathered) >= source.batch_size or not source.window_ms:
            self._close_batch()
        self._reader.polled(len(messages), len(unwanted))
        if unwanted:
            await self._delete(unwanted)

    def _close_batch_in_time(self) -> None:
        """When its window is over."""
        if self._node.clock.now_ms() >= self._gathered_since_ms + self._source.window_ms:
            self._close_batch()

    def _close_batch(self) -> None:
        if self._gathered:
            self._ready.append(Batch(tuple(self._gathered)))
            self._gathered, self._gathered_bytes = [], 0

    def _begin_batches(self) -> None:
        """As many as may be handled at a time; the others wait for one of them to end."""
        while self._ready and len(self._running) < self._scaling.limit():
            self._begin(self._ready.popleft())

    def _begin(self, batch: Batch) -> None:
        task = self._activity.spawn(self._process(batch), name=f"batch of {self._source.arn}", ended=self._bell)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A batch of %s was left to come back.", self._source.arn, exc_info=error)

    async def _process(self, batch: Batch) -> None:
        outcome = await self._outcome(batch)
        match outcome:
            case Handled():
                await self._delete(batch.records)
            case PartlyHandled(failed):
                await self._delete([record for record in batch.records if record.id not in failed])
            case _:
                log.debug("A batch of %s was not handled and comes back.", self._source.arn)

    async def _outcome(self, batch: Batch) -> Outcome:
        """What the reader answers in the end: as long as the messages are hidden, it is asked again while it says `NotNow`."""
        clock, pauses = self._node.clock, Pauses(at_most_ms=THROTTLED_AT_MOST_MS)
        hidden_until_ms: int | None = None
        while True:
            outcome = await self._reader.handle(batch)
            if not isinstance(outcome, NotNow):
                return outcome
            self._scaling.throttled()
            if hidden_until_ms is None:
                hidden_until_ms = batch.records[0].at_ms + await self._visibility_ms()
            again_ms = clock.now_ms() + pauses.next_ms()
            if self._stopping or again_ms >= hidden_until_ms:
                return Failed()
            await self._activity.wait(Bell(clock), again_ms)

    async def _visibility_ms(self) -> int:
        answer = await self._call("GetQueueAttributes", {"AttributeNames": ["VisibilityTimeout"]})
        return int(answer["Attributes"]["VisibilityTimeout"]) * 1000

    async def _delete(self, records: Sequence[Record]) -> None:
        for first in range(0, len(records), AT_ONCE):
            some = records[first : first + AT_ONCE]
            entries = [{"Id": str(i), "ReceiptHandle": record.event["receiptHandle"]} for i, record in enumerate(some)]
            await self._call("DeleteMessageBatch", {"Entries": entries})

    async def _call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        queue = self._arn
        principal = await self._reader.principal()
        return await self._node.dispatcher.invoke(
            "sqs", operation, {"QueueUrl": self._url, **params}, principal=principal, region=queue.region, account=queue.account
        )

    def _due_ms(self) -> int | None:
        """When the batch that is being gathered is not to wait any longer."""
        return self._gathered_since_ms + self._source.window_ms if self._gathered else None
