"""CBOR in: cbor2, held to what the protocol has.

CBOR can say much more: values shared in several places (even in circles), decimals, regular expressions, sets.  None
of it is decoded.  Times (tags 0 and 1) come as the text or number that they are.
"""

from __future__ import annotations

from typing import Any

import cbor2

from tule.wire.json_text import MAX_DEPTH
from tule.wire.malformed import Malformed

_SCALARS = (str, int, float, bytes, bool, type(None))
_TAGS_THAT_CBOR2_KNOWS = (4, 5, 25, 28, 29, 30, 35, 36, 37, 43000, 52, 54, 100, 256, 258, 260, 261, 1004, 55799)


def loads(data: bytes) -> Any:
    try:
        value = cbor2.loads(data, semantic_decoders=_DECODERS, max_depth=MAX_DEPTH, strict_hashable_types=True)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise Malformed("Unable to parse CBOR") from error
    _check(value)
    return value


def _content(value: Any, _: bool) -> Any:
    return value


def _refuse(_: Any, __: bool) -> Any:
    raise Malformed("Unable to parse CBOR: a kind of value that the protocol does not have")


_DECODERS: dict[int, Any] = {0: _content, 1: _content, **dict.fromkeys(_TAGS_THAT_CBOR2_KNOWS, _refuse)}


def _check(root: Any) -> None:
    """Nothing but maps with text for keys, lists and scalars."""
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise Malformed("Unable to parse CBOR: a key is not text")
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif not isinstance(value, _SCALARS):
            raise Malformed("Unable to parse CBOR: a kind of value that the protocol does not have")
