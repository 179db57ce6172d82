"""CBOR in: cbor2, with depth limited and every failure a Malformed."""

from __future__ import annotations

from typing import Any

import cbor2

from tule.wire.json_text import check_depth
from tule.wire.malformed import Malformed


def loads(data: bytes) -> Any:
    try:
        value = cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise Malformed("Unable to parse CBOR") from error
    if isinstance(value, dict | list):
        check_depth(value)
    return value
