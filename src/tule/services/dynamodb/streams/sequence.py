"""Sequence numbers: 24 digits, ordered within a shard and from a shard to its child, unique in a stream.

AWS: API reference, StreamRecord: at least 21 characters, numeric only.
"""

from __future__ import annotations

_BASE = 10**23
_SLOTS = 1000


def text(position: int, slot: int) -> str:
    return str(_BASE + position * _SLOTS + slot)


def parse(number: str, slot: int) -> int | None:
    """The position; None for what no shard of this slot gave."""
    if not (number.isascii() and number.isdigit()) or len(number) != 24:
        return None
    position, of_slot = divmod(int(number) - _BASE, _SLOTS)
    return position if of_slot == slot and position >= 0 else None
