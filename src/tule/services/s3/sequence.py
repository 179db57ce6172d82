"""Numbers that grow: the order of an object's versions, and the `sequencer` of its events.

A hybrid logical clock: the node's time in milliseconds and a counter below it, so that numbers drawn on one node always
grow, those of different nodes follow their clocks, and a write over an existing version goes above that version's.
"""

from __future__ import annotations

from tule.platform.node import Node

_COUNTER_BITS = 20


class Sequence:
    def __init__(self) -> None:
        self._last = 0

    def next(self, now_ms: int) -> int:
        self._last = max(self._last + 1, now_ms << _COUNTER_BITS)
        return self._last


def draw(node: Node, now_ms: int) -> int:
    """The next number; drawn before a transaction, as transactions may run twice."""
    sequence = node.memory.get("s3.sequence")
    if sequence is None:
        sequence = node.memory["s3.sequence"] = Sequence()
    return sequence.next(now_ms)


def sequencer(seq: int) -> str:
    """As events show it: hexadecimal digits that compare, padded to one length, as the order of the changes."""
    return f"00{seq:016X}"
