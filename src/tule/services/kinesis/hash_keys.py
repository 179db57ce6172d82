"""The space of hash keys, 0 to 2**128 - 1, and how it is divided.

AWS: https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key
"""

from __future__ import annotations

from hashlib import md5

SPACE = 2**128


def of_partition_key(key: str) -> int:
    return int.from_bytes(md5(key.encode(), usedforsecurity=False).digest(), "big")


def even_ranges(count: int, start: int = 0, end: int = SPACE - 1) -> list[tuple[int, int]]:
    """`start` to `end` in `count` ranges of the same width, the last one with what is left over."""
    width = (end - start + 1) // count
    starts = [start + i * width for i in range(count)]
    return [(first, following - 1) for first, following in zip(starts, [*starts[1:], end + 1], strict=True)]
