"""Time to live: items that delete themselves.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

TOO_OLD_MS = 5 * 365 * 86_400_000  # what expired more than five years ago is taken for a mistake, and stays
_NEVER_S = Decimal(10**15)


def due_ms(value: Mapping[str, Any] | None, now_ms: int) -> int | None:
    """When an item with this value of the attribute expires; None for what is no number of seconds, or one of long ago."""
    text = None if value is None else value.get("N")
    if text is None:
        return None
    seconds = Decimal(text)
    if not -_NEVER_S < seconds < _NEVER_S:
        return None
    at_ms = int(seconds * 1000)
    return at_ms if at_ms > now_ms - TOO_OLD_MS else None
