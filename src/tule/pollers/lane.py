"""One lane of a shard: batches of the records that fall to it, one at a time and in order.

What cannot be handled is tried again until it is handled, given up or expired; nothing behind it is touched before.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html, .../services-kinesis-windows.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tule.core.clock import Clock
from tule.pollers.activity import Activity
from tule.pollers.bell import Bell
from tule.pollers.contract import FOREVER, Batch, Failed, GivenUp, Handled, NotNow, PartlyHandled, Reader, Record, Source, Window
from tule.pollers.pauses import Pauses

MAX_BATCH_BYTES = 6 * 1024 * 1024
MAX_STATE_BYTES = 1024 * 1024

Commit = Callable[[int, Sequence[Record], GivenUp | None, "Aggregate | None"], Awaitable[None]]


@dataclass(slots=True, frozen=True)
class Aggregate:
    """A tumbling window that has begun: when, and the state that came of its records so far."""

    start_ms: int
    state: Any


@dataclass(slots=True)
class _Attempt:
    records: Sequence[Record]
    number: int = 1


class Lane:
    """`put` gives it records, `end` says that no more come; `run` returns then, or after `stop`.

    `commit(lane, records, given_up, aggregate)` makes durable that these records are dealt with.
    """

    def __init__(
        self, number: int, shard: str, source: Source, reader: Reader, clock: Clock, activity: Activity, commit: Commit, aggregate: Aggregate | None
    ) -> None:
        self._number = number
        self._shard = shard
        self._source = source
        self._reader = reader
        self._clock = clock
        self._activity = activity
        self._commit = commit
        self._aggregate = aggregate
        self._waiting: deque[tuple[Record, int]] = deque()  # with the time when they came
        self._waiting_bytes = 0
        self._bell = Bell(clock)
        self._stop = Bell(clock)
        self._ended = False

    @property
    def backlog(self) -> int:
        """How many records wait."""
        return len(self._waiting)

    @property
    def backlog_bytes(self) -> int:
        return self._waiting_bytes

    def put(self, record: Record) -> None:
        self._waiting.append((record, self._clock.now_ms()))
        self._waiting_bytes += record.size
        self._bell.ring()

    def end(self) -> None:
        self._ended = True
        self._bell.ring()

    def stop(self) -> None:
        self._stop.ring()
        self._bell.ring()

    async def run(self) -> None:
        self._bell.ring()
        while not self._stop.is_rung:
            await self._activity.wait(self._bell, self._due_ms())
            self._bell.hush()
            while not self._stop.is_rung and (await self._close_window() or await self._next()):
                pass
            if self._ended and not self._waiting and self._aggregate is None:
                return

    def _due_ms(self) -> int | None:
        """When a batch need not wait any longer, or the window closes."""
        dues: list[int] = []
        if self._waiting:
            dues.append(self._waiting[0][1] + self._source.window_ms)
        if self._aggregate is not None:
            dues.append(self._aggregate.start_ms + self._source.tumbling_ms)
        return min(dues, default=None)

    async def _next(self) -> bool:
        """Deal with the next batch; False when there is none that is ready."""
        records = self._take()
        if not records:
            return False
        await self._deal_with(records)
        return True

    def _take(self) -> list[Record]:
        """The records of the next batch, taken from those that wait; none while more may join them."""
        source = self._source
        records: list[Record] = []
        size, is_full = 0, False
        for record, _ in self._waiting:
            is_full = len(records) == source.batch_size or size + record.size > MAX_BATCH_BYTES or self._is_of_later_window(record, records)
            if records and is_full:
                break
            records.append(record)
            size += record.size
        is_full = is_full or len(records) == source.batch_size
        if not records or not (is_full or self._ended or self._clock.now_ms() >= self._waiting[0][1] + source.window_ms):
            return []
        for _ in records:
            self._waiting.popleft()
        self._waiting_bytes -= size
        return records

    def _is_of_later_window(self, record: Record, records: Sequence[Record]) -> bool:
        return bool(self._source.tumbling_ms and records) and self._window_start(record) > self._window_start(records[0])

    def _window_start(self, record: Record) -> int:
        return record.at_ms // self._source.tumbling_ms * self._source.tumbling_ms

    async def _close_window(self) -> bool:
        """Tell the function that the window is over, when it is; False when it is not."""
        aggregate = self._aggregate
        if aggregate is None:
            return False
        end_ms = aggregate.start_ms + self._source.tumbling_ms
        following = self._window_start(self._waiting[0][0]) if self._waiting else None
        if following == aggregate.start_ms or (following is None and not self._ended and self._clock.now_ms() < end_ms):
            return False
        return await self._finish_window(aggregate, terminated_early=False)

    async def _finish_window(self, aggregate: Aggregate, *, terminated_early: bool) -> bool:
        """False when the reading was stopped before."""
        end_ms = aggregate.start_ms + self._source.tumbling_ms
        window = Window(aggregate.start_ms, end_ms, aggregate.state, is_final=True, is_terminated_early=terminated_early)
        pauses, attempt = Pauses(), 1
        while True:
            outcome = await self._reader.handle(Batch((), self._shard, window, attempt))
            if isinstance(outcome, (Handled, PartlyHandled)) or (isinstance(outcome, Failed) and self._is_exhausted(attempt)):
                break
            attempt += isinstance(outcome, Failed)
            if not await self._pause(pauses):
                return False
        self._aggregate = None
        await self._commit(self._number, (), None, None)
        return True

    async def _deal_with(self, records: Sequence[Record]) -> None:
        """Until all of them are handled or given up, or the reading is stopped."""
        attempts = deque([_Attempt(records)])
        pauses = Pauses()
        while attempts:
            attempt = attempts[0]
            await self._give_up_aged(attempt)
            if not attempt.records:
                attempts.popleft()
            elif await self._try(attempts):
                pauses.clear()
            elif not await self._pause(pauses):
                return

    async def _try(self, attempts: deque[_Attempt]) -> bool:
        """One invocation; False when there is to be a pause before the next."""
        attempt = attempts[0]
        batch = Batch(attempt.records, self._shard, self._window(attempt.records), attempt.number)
        outcome = await self._reader.handle(batch)
        if isinstance(outcome, NotNow):
            await self._reader.report(outcome.why)
            return False
        if isinstance(outcome, Handled):
            await self._tick_off(attempt, len(attempt.records), state=outcome.state)
            await self._reader.report("")
            return True
        await self._reader.report("Function call failed")
        if isinstance(outcome, PartlyHandled):
            first = next(index for index, record in enumerate(attempt.records) if record.id in outcome.failed)
            await self._tick_off(attempt, first, state=outcome.state)
        elif self._source.bisect and len(attempt.records) > 1:
            self._bisect(attempts)
            return True
        if self._is_exhausted(attempt.number):
            told = GivenUp(Batch(attempt.records, self._shard), "RetryAttemptsExhausted", attempt.number, outcome.told)
            await self._tick_off(attempt, len(attempt.records), told)
            return True
        attempt.number += 1
        return False

    @staticmethod
    def _bisect(attempts: deque[_Attempt]) -> None:
        """Both halves have all the attempts that were left to the whole."""
        whole = attempts.popleft()
        middle = len(whole.records) // 2
        attempts.appendleft(_Attempt(whole.records[middle:], whole.number))
        attempts.appendleft(_Attempt(whole.records[:middle], whole.number))

    def _is_exhausted(self, number: int) -> bool:
        return self._source.max_retries != FOREVER and number > self._source.max_retries

    async def _give_up_aged(self, attempt: _Attempt) -> None:
        if self._source.max_age_ms == FOREVER:
            return
        since_ms = self._clock.now_ms() - self._source.max_age_ms
        aged = next((i for i, record in enumerate(attempt.records) if record.at_ms >= since_ms), len(attempt.records))
        if aged:
            batch = Batch(attempt.records[:aged], self._shard)
            await self._tick_off(attempt, aged, GivenUp(batch, "RecordAgeExceeded", attempt.number - 1, {}))

    async def _tick_off(self, attempt: _Attempt, count: int, given_up: GivenUp | None = None, state: Any = None) -> None:
        """The first `count` records of it are dealt with."""
        done, attempt.records = attempt.records[:count], attempt.records[count:]
        if not done:
            return
        if self._source.tumbling_ms and given_up is None:
            self._aggregate = Aggregate(self._window_start(done[0]), state if state is not None else {})
        await self._commit(self._number, done, given_up, self._aggregate)
        aggregate = self._aggregate
        if aggregate is not None and len(orjson.dumps(aggregate.state)) > MAX_STATE_BYTES:
            await self._finish_window(aggregate, terminated_early=True)

    def _window(self, records: Sequence[Record]) -> Window | None:
        if not self._source.tumbling_ms:
            return None
        start_ms = self._window_start(records[0])
        state = self._aggregate.state if self._aggregate is not None else {}
        return Window(start_ms, start_ms + self._source.tumbling_ms, state)

    async def _pause(self, pauses: Pauses) -> bool:
        """False when the reading was stopped."""
        if not self._stop.is_rung:
            await self._activity.wait(self._stop, self._clock.now_ms() + pauses.next_ms())
        return not self._stop.is_rung
