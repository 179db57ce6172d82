"""Putting records into a stream, many calls in one transaction.

All that write to a stream need its next position, so two transactions that do it at once must wait for one another, or, where
the store is shared, one of them is repeated.  So a node's calls to a stream take turns: while one transaction commits, the
calls that come meanwhile gather, and the next transaction is theirs.  A call that is refused leaves the others alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, cast

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.kinesis import layouts, lookup
from tule.services.kinesis.layouts import Layout
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state import records
from tule.services.kinesis.state.records import Entry
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

AT_ONCE = 64  # calls in a transaction, so that the first one's answer does not wait for too many others

Prepare = Callable[[Tx, Stream, Layout], list[Entry]]


class Appended(NamedTuple):
    stream: Stream
    entries: list[Entry]
    numbers: list[str]


@dataclass(slots=True, eq=False)
class _Waiting:
    prepare: Prepare
    answer: asyncio.Future[Appended]


class _Turns:
    """The calls of one stream.  There is one only while there are calls."""

    def __init__(self, node: Node, ref: StreamRef, all_turns: dict[StreamRef, _Turns]) -> None:
        self._node = node
        self._ref = ref
        self._all = all_turns
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def take(self, prepare: Prepare) -> Appended:
        waiting = _Waiting(prepare, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"records for {self._ref.name}")
        return await waiting.answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._write(batch)
        finally:
            del self._all[self._ref]
            _refuse(self._waiting, asyncio.CancelledError())

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            ends = await self._node.store.write(lambda tx: _append(self._node, tx, self._ref, batch))
        except asyncio.CancelledError:
            _refuse(batch, asyncio.CancelledError())
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who get it
            _refuse(batch, error)
            return
        for waiting, end in zip(batch, ends, strict=True):
            if waiting.answer.done():
                continue
            if isinstance(end, ServiceError):
                waiting.answer.set_exception(end)
            else:
                waiting.answer.set_result(end)


async def append(node: Node, ref: StreamRef, prepare: Prepare) -> Appended:
    """Put what `prepare` gives into the stream.  Raises ServiceError: its own, or ResourceNotFoundException."""
    all_turns = cast("dict[StreamRef, _Turns]", node.memory.setdefault("kinesis.turns", {}))
    turns = all_turns.get(ref)
    if turns is None:
        turns = all_turns[ref] = _Turns(node, ref, all_turns)
    return await turns.take(prepare)


def _append(node: Node, tx: Tx, ref: StreamRef, batch: list[_Waiting]) -> list[Appended | ServiceError]:
    """One end for each call."""
    stream = lookup.stream_at(tx, ref)
    layout = layouts.of(node, tx, stream)
    prepared = [_prepared(waiting, tx, stream, layout) for waiting in batch]
    numbers = iter(records.append(tx, stream, [entry for entries in prepared if isinstance(entries, list) for entry in entries]))
    return [entries if isinstance(entries, ServiceError) else Appended(stream, entries, [next(numbers) for _ in entries]) for entries in prepared]


def _prepared(waiting: _Waiting, tx: Tx, stream: Stream, layout: Layout) -> list[Entry] | ServiceError:
    try:
        return waiting.prepare(tx, stream, layout)
    except ServiceError as error:
        return error


def _refuse(batch: list[_Waiting], error: BaseException) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
