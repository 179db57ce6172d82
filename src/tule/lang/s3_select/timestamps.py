"""Timestamps: reading, showing by a pattern, reckoning by parts.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-date.html
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?T?")
_PATTERN = re.compile(r"y+|M+|d+|H+|h+|m+|s+|S+|a|X+|x+|'[^']*'|[^A-Za-z']+|.")
_SECONDS = {"DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}


def read(text: str) -> datetime | None:
    """`2017T`, `2017-05T`, `2017-05-03`, or ISO 8601 whole."""
    partial = _PARTIAL.fullmatch(text.strip())
    try:
        if partial is not None:
            return datetime(int(partial[1]), int(partial[2] or 1), int(partial[3] or 1), tzinfo=UTC)
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def shown(moment: datetime) -> str:
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def formatted(moment: datetime, pattern: str) -> str:
    return "".join(_part(moment, piece) for piece in _PATTERN.findall(pattern))


def _part(moment: datetime, piece: str) -> str:
    size = len(piece)
    match piece[0]:
        case "y":
            return f"{moment.year % 100:02d}" if size == 2 else f"{moment.year:0{size}d}"
        case "M":
            names = {3: calendar.month_abbr, 4: calendar.month_name}
            return names[size][moment.month] if size in names else f"{moment.month:0{size}d}"
        case "d":
            return f"{moment.day:0{size}d}"
        case "H":
            return f"{moment.hour:0{size}d}"
        case "h":
            return f"{(moment.hour - 1) % 12 + 1:0{size}d}"
        case "m":
            return f"{moment.minute:0{size}d}"
        case "s":
            return f"{moment.second:0{size}d}"
        case "S":
            return f"{moment.microsecond:06d}"[:size].ljust(size, "0")
        case "a":
            return "AM" if moment.hour < 12 else "PM"
        case "X" | "x":
            return _offset(moment, piece)
        case "'":
            return piece[1:-1]
        case _:
            return piece


def _offset(moment: datetime, piece: str) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    if piece[0] == "X" and not minutes:
        return "Z"
    sign, minutes = "-" if minutes < 0 else "+", abs(minutes)
    return f"{sign}{minutes // 60:02d}" + ("" if len(piece) == 1 else (":" if len(piece) in (3, 5) else "") + f"{minutes % 60:02d}")


def added(moment: datetime, part: str, count: int) -> datetime | None:
    """None for a part that there is not."""
    if part in _SECONDS:
        return moment + timedelta(seconds=count * _SECONDS[part])
    if part not in ("YEAR", "MONTH"):
        return None
    months = moment.year * 12 + moment.month - 1 + count * (12 if part == "YEAR" else 1)
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def difference(part: str, start: datetime, end: datetime) -> int | None:
    """Whole parts from `start` to `end`, cut towards zero."""
    if part in _SECONDS:
        return int((end - start).total_seconds() / _SECONDS[part])
    if part not in ("YEAR", "MONTH"):
        return None
    months = (end.year - start.year) * 12 + end.month - start.month
    months -= (end.day < start.day) if months > 0 else 0
    return int(months / (12 if part == "YEAR" else 1))


def extracted(part: str, moment: datetime) -> int | None:
    offset = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    known = {"TIMEZONE_HOUR": int(offset / 60), "TIMEZONE_MINUTE": offset % 60}
    return known[part] if part in known else getattr(moment, part.lower(), None) if part in ("YEAR", "MONTH", *_SECONDS) else None
