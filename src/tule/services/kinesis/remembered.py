"""Streams without a look at their rows: for permissions, which are asked for before a call that puts records looks.

What changes a stream wakes `CHANGED`, and every node forgets: this one before the change is answered, others a moment later.
A read that began before a change may remember after it what it saw, so a memory is trusted for a second only.
"""

from __future__ import annotations

import time
from typing import cast

from tule.platform.node import Node
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state import streams
from tule.services.kinesis.state.streams import Stream

TRUSTED_S = 1.0
_MEMORY = "kinesis.streams"

Known = dict[StreamRef, tuple[Stream, float]]  # and when it was read, by the clock that nobody turns


async def stream(node: Node, ref: StreamRef) -> Stream | None:
    """As of a moment ago."""
    known = cast("Known | None", node.memory.get(_MEMORY))
    if known is None:
        known = _begin(node)
    found = known.get(ref)
    if found is not None and time.monotonic() - found[1] < TRUSTED_S:
        return found[0]
    now = time.monotonic()
    read = await node.store.read(lambda tx: streams.find(tx, ref))
    if read is None:
        known.pop(ref, None)
    else:
        known[ref] = (read, now)
    return read


def forget(node: Node) -> None:
    """After a reset."""
    known = node.memory.get(_MEMORY)
    if known is not None:
        known.clear()


def _begin(node: Node) -> Known:
    known: Known = {}
    node.memory[_MEMORY] = known
    node.store.subscribe(streams.CHANGED, known.clear)
    return known
