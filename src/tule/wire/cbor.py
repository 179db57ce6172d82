"""CBOR in: cbor2, and then a look at what it made, so that every failure is a Malformed.

CBOR can say more than the protocol has: values shared in several places (even in circles), decimals, regular
expressions.  Only what the protocol knows passes, and no container twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import cbor2

from tule.wire.json_text import MAX_DEPTH
from tule.wire.malformed import Malformed

_SCALARS = (str, int, float, bytes, bool, datetime, type(None))


def loads(data: bytes) -> Any:
    try:
        value = cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise Malformed("Unable to parse CBOR") from error
    _check(value)
    return value


def _check(value: Any) -> None:
    level = [value]
    seen: set[int] = set()
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, _SCALARS):
                continue
            if not isinstance(each, dict | list) or id(each) in seen:
                raise Malformed("Unable to parse CBOR: a kind of value that the protocol does not have")
            seen.add(id(each))
            below.extend(each.values() if isinstance(each, dict) else each)
            if isinstance(each, dict) and not all(isinstance(key, str) for key in each):
                raise Malformed("Unable to parse CBOR: a key is not text")
        if not below:
            return
        level = below
    raise Malformed("The request is nested too deeply")
