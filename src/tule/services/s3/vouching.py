"""A checksum of sealed bytes that stay in an object's row, kept with their keys: bit rot shows to those, too, who have no key."""

from __future__ import annotations

import zlib

import orjson

_SUM = "sum"


def vouched(sealed: bytes | None, data: bytes | None) -> bytes | None:
    """`sealed` as it is to be stored with `data`.  What the node's own keys seal needs no more: a scrub opens it."""
    if sealed is None or data is None or not sealed.startswith(b"{"):
        return sealed
    return orjson.dumps({**orjson.loads(sealed), _SUM: zlib.crc32(data)})


def is_as_written(sealed: bytes, data: bytes) -> bool:
    """True where nothing vouches for the bytes."""
    kept = orjson.loads(sealed)
    return kept.get(_SUM, zlib.crc32(data)) == zlib.crc32(data)
