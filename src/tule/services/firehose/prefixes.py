"""Names of the objects that Firehose writes: prefixes with expressions, the time, the version, something random.

AWS: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html and s3-object-name.html.  Times are those of the oldest
record in the object; a pattern is Java's DateTimeFormatter's, as far as it is about dates and times of day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

DEFAULT_TIME = "yyyy/MM/dd/HH/"
_EXPRESSION = re.compile(r"!\{([^:}]+):([^}]*)\}")
_OPENED = re.compile(r"!\{")
_RUN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_NAMESPACES = ("firehose", "timestamp", "partitionKeyFromQuery", "partitionKeyFromLambda")


class InvalidPrefix(ValueError):
    """What is wrong, in words."""


class MissingKey(KeyError):
    """The prefix names a partition key that the record does not have."""


@dataclass(slots=True, frozen=True)
class Facts:
    """What expressions may ask for."""

    time: datetime
    random: str
    error_type: str = ""
    from_query: Mapping[str, str] = field(default_factory=dict[str, str])
    from_lambda: Mapping[str, str] = field(default_factory=dict[str, str])


def has_expression(prefix: str) -> bool:
    return _OPENED.search(prefix) is not None


def partition_names(prefix: str) -> list[tuple[str, str]]:
    """(namespace, name) of the partition keys that a prefix names."""
    return [(space, name) for space, name in _EXPRESSION.findall(prefix) if space.startswith("partitionKey")]


def check(prefix: str, *, is_error: bool) -> None:
    """Raises InvalidPrefix."""
    if len(_OPENED.findall(prefix)) != len(_EXPRESSION.findall(prefix)):
        raise InvalidPrefix("an expression is not closed, or names no namespace")
    for space, value in _EXPRESSION.findall(prefix):
        if space not in _NAMESPACES:
            raise InvalidPrefix(f"{space} is no namespace")
        if space == "firehose" and value not in (("random-string", "error-output-type") if is_error else ("random-string",)):
            raise InvalidPrefix(f"firehose:{value} is not allowed here")
        if space == "timestamp":
            _check_pattern(value)
        if space.startswith("partitionKey") and is_error:
            raise InvalidPrefix("partition keys are not allowed in the prefix of errors")


def _check_pattern(pattern: str) -> None:
    for match in _RUN.finditer(pattern):
        if match[2] is not None and match[2] not in _LETTERS:
            raise InvalidPrefix(f"the pattern {pattern!r} has the unknown letter {match[2]!r}")


def evaluate(prefix: str, facts: Facts) -> str:
    """Raises MissingKey."""
    if not has_expression(prefix):
        return prefix

    def replace(match: re.Match[str]) -> str:
        space, value = match[1], match[2]
        if space == "timestamp":
            return format_time(value, facts.time)
        if space == "firehose":
            return facts.error_type if value == "error-output-type" else facts.random
        keys = facts.from_query if space == "partitionKeyFromQuery" else facts.from_lambda
        if value not in keys:
            raise MissingKey(value)
        return keys[value]

    return _EXPRESSION.sub(replace, prefix)


def of_data(prefix: str, facts: Facts) -> str:
    """What is said without any expression is followed by the hour."""
    return evaluate(prefix, facts) if has_expression(prefix) else prefix + format_time(DEFAULT_TIME, facts.time)


def of_errors(error_prefix: str, prefix: str, facts: Facts) -> str:
    """Where nothing is said about errors they go below the data's prefix, by their type and the hour."""
    if has_expression(error_prefix):
        return evaluate(error_prefix, facts)
    base = error_prefix or prefix
    return f"{base}{facts.error_type}/{format_time(DEFAULT_TIME, facts.time)}"


def time_at(ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC if zone in ("", "UTC") else ZoneInfo(zone))


def object_name(stream: str, version: str, time: datetime, suffix: str, extension: str) -> str:
    return f"{stream}-{version}-{time:%Y-%m-%d-%H-%M-%S}-{suffix}{extension}"


def format_time(pattern: str, time: datetime) -> str:
    """As Java's DateTimeFormatter would."""
    parts: list[str] = []
    for match in _RUN.finditer(pattern):
        if match[1] is not None:
            parts.append(match[1].replace("''", "'") or "'")
        elif match[2] is not None:
            parts.append(_LETTERS[match[2]](time, len(match[0])))
        else:
            parts.append(match[0])
    return "".join(parts)


def _padded(number: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda time, width: str(number(time)).zfill(width)


def _year(time: datetime, width: int) -> str:
    return f"{time.year % 100:02d}" if width == 2 else str(time.year).zfill(width)


def _month(time: datetime, width: int) -> str:
    if width > 2:
        return time.strftime("%b" if width == 3 else "%B")
    return str(time.month).zfill(width)


_LETTERS: dict[str, Callable[[datetime, int], str]] = {
    "y": _year,
    "u": _year,
    "Y": lambda time, width: str(time.isocalendar().year).zfill(width),
    "M": _month,
    "L": _month,
    "d": _padded(lambda time: time.day),
    "D": _padded(lambda time: time.timetuple().tm_yday),
    "H": _padded(lambda time: time.hour),
    "k": _padded(lambda time: time.hour or 24),
    "h": _padded(lambda time: time.hour % 12 or 12),
    "K": _padded(lambda time: time.hour % 12),
    "m": _padded(lambda time: time.minute),
    "s": _padded(lambda time: time.second),
    "S": lambda time, width: f"{time.microsecond:06d}000"[:width],
    "w": _padded(lambda time: time.isocalendar().week),
    "e": _padded(lambda time: time.isoweekday()),
    "E": lambda time, width: time.strftime("%A" if width > 3 else "%a"),
    "a": lambda time, _: "AM" if time.hour < 12 else "PM",
    "z": lambda time, _: time.tzname() or "",
    "Z": lambda time, _: time.strftime("%z"),
    "X": lambda time, _: time.strftime("%z").replace("+0000", "Z"),
}
