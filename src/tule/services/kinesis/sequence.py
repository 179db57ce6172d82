"""Sequence numbers: 56 decimal digits, ordered within a shard and from a shard to its children, unique in a stream.

A number is, in bits from the highest: `2`, the second in which its shard was opened (36), the shard's lowest digit (4), the
position in the stream (64), zeros (8), the second in which it was given (36), the shard's index (32), `2` (4).  So a number
tells which shard it came from, and a child's numbers follow its parent's because the child was opened later.
AWS: https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#sequence-number
"""

from __future__ import annotations

from typing import NamedTuple

_VERSION = 2
_TAIL_BITS = 8 + 36 + 32 + 4
_POSITION_BITS = 64
_HEAD_SHIFT = _TAIL_BITS + _POSITION_BITS
_BITS = 186


class Sequence(NamedTuple):
    opened_s: int
    shard: int
    position: int
    given_s: int


def text(opened_s: int, shard: int, position: int, given_s: int) -> str:
    return numbered(base(opened_s, shard, given_s), position)


def base(opened_s: int, shard: int, given_s: int) -> int:
    """What all numbers that a shard gives in one second have in common; the position comes on top."""
    head = (_VERSION << 40) | (opened_s << 4) | (shard & 15)
    return (head << _HEAD_SHIFT) | (given_s << 36) | (shard << 4) | _VERSION


def numbered(base: int, position: int) -> str:
    return str(base | (position << _TAIL_BITS))


def parse(number: str) -> Sequence | None:
    """None for what no stream gave."""
    if not number.isdigit() or len(number) > 60:
        return None
    value = int(number)
    if value.bit_length() != _BITS or value & 15 != _VERSION:
        return None
    head = value >> _HEAD_SHIFT
    found = Sequence(
        opened_s=(head >> 4) & (2**36 - 1),
        shard=(value >> 4) & (2**32 - 1),
        position=(value >> _TAIL_BITS) & (2**_POSITION_BITS - 1),
        given_s=(value >> 36) & (2**36 - 1),
    )
    return found if found.shard & 15 == head & 15 else None
