"""The checksum at the end of a blob, by which bit rot is found: 8 bytes that say what it is, and the CRC-32 of what is before.

Names of blobs that have one end with `c`; older ones, of 32 hexadecimal digits, have none.
"""

from __future__ import annotations

from tule.core.ids import Ids

_MAGIC = b"tule-c32"
BYTES = len(_MAGIC) + 4
_MARK = "c"
_PLAIN_CHARS = 32


def new_name(ids: Ids) -> str:
    return ids.hex(_PLAIN_CHARS) + _MARK


def checked(name: str) -> bool:
    return len(name) > _PLAIN_CHARS and name.endswith(_MARK)


def content_bytes(name: str, stored: int) -> int:
    """How many of the stored bytes are content."""
    return max(stored - BYTES, 0) if checked(name) else stored


def footer(crc: int) -> bytes:
    return _MAGIC + crc.to_bytes(4)
