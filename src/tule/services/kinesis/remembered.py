"""Streams without a look at their rows (`platform/remembered.py`): for permissions, which are asked for before a call that puts
records looks."""

from __future__ import annotations

from typing import cast

from tule.platform.node import Node
from tule.platform.remembered import Remembered
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state import streams
from tule.services.kinesis.state.streams import Stream

_MEMORY = "kinesis.streams"


def _memory(node: Node) -> Remembered[StreamRef, Stream]:
    memory = cast("Remembered[StreamRef, Stream] | None", node.memory.get(_MEMORY))
    if memory is None:
        memory = node.memory[_MEMORY] = Remembered(node.store, streams.CHANGED)
    return memory


async def stream(node: Node, ref: StreamRef) -> Stream | None:
    """As of a moment ago."""
    memory = _memory(node)
    found = memory.get(ref)
    if found is not None:
        return found
    keep = memory.reading()
    read = await node.store.read(lambda tx: streams.find(tx, ref))
    if read is not None:
        keep(ref, read)
    return read


def forget(node: Node) -> None:
    """After a reset."""
    _memory(node).forget()
