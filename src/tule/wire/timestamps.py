"""Points in time as they are written on the wire, and as operations see them: seconds since the epoch."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tule.wire.malformed import Malformed

_LATEST = 253402300799.0  # 9999-12-31T23:59:59Z, the last second that ISO 8601 dates here can say
_EARLIEST = -62135596800.0
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def from_wire(value: Any) -> float:
    """Seconds from a number, ISO 8601, RFC 822 or a number in a string; raises Malformed."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if abs(value) < 1e15 else math.inf
    elif isinstance(value, str):
        seconds = _from_text(value)
    else:
        raise Malformed(f"{value!r:.60} can not be converted to a Timestamp")
    if not _EARLIEST <= seconds <= _LATEST:
        raise Malformed("Unable to parse date: out of range")
    return seconds


def _from_text(text: str) -> float:
    stripped = text.strip()
    try:
        if stripped[4:5] == "-" or stripped[8:9] == "T":
            parsed = datetime.fromisoformat(stripped)
        else:
            try:
                return float(stripped)
            except ValueError:
                parsed = parsedate_to_datetime(stripped)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError) as error:
        raise Malformed(f"Unable to parse date: {text[:60]}") from error


def epoch(value: Any) -> int | float:
    """A result's timestamp as a JSON number, to the millisecond."""
    if isinstance(value, int):
        return value
    return round(_seconds(value), 3)


def iso8601(value: Any) -> str:
    """`2024-05-01T12:00:00Z`, with milliseconds where there are any."""
    text = _moment(value).isoformat(timespec="milliseconds")
    return f"{text[:19]}Z" if text[20:23] == "000" else f"{text[:23]}Z"


def iso8601_millis(value: Any) -> str:
    """`2024-05-01T12:00:00.000Z`, as S3 always writes it."""
    return f"{_moment(value).isoformat(timespec='milliseconds')[:23]}Z"


def rfc822(value: Any) -> str:
    """`Wed, 01 May 2024 12:00:00 GMT`."""
    at = _moment(value)
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d} {at.hour:02d}:{at.minute:02d}:{at.second:02d} GMT"


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(round(float(value) * 1000) / 1000, UTC)
