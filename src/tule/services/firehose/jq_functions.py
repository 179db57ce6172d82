"""The functions of jq that `jq.py` knows, by name and number of arguments (for operators: of operands)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

_KINDS = ("null", "boolean", "number", "string", "array", "object")


class JqError(ValueError):
    """The value is not what the query expects, in jq's words where they are known."""


def kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def index(of: Any, key: Any) -> Any:
    """`of[key]`; what is not there is null."""
    if of is None and (key is None or isinstance(key, str | int | float)):
        return None
    if isinstance(of, dict) and isinstance(key, str):
        return of.get(key)
    if isinstance(of, list) and isinstance(key, int | float) and not isinstance(key, bool):
        at = math.floor(key)
        return of[at] if -len(of) <= at < len(of) else None
    said = f' "{key}"' if isinstance(key, str) else f" {kind_of(key)}"
    raise JqError(f"Cannot index {kind_of(of)} with{said}")


def text_of(value: Any) -> str:
    """As `tostring`."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def ordered(value: Any) -> Any:
    """What sorts and compares as jq does: by kind, then by value."""
    kind = kind_of(value)
    rank = _KINDS.index(kind)
    if kind == "array":
        return (rank, [ordered(inner) for inner in value])
    if kind == "object":
        return (rank, sorted(value), [ordered(value[key]) for key in sorted(value)])
    return (rank, 0 if value is None else value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise JqError(f"{what} input must be a string, not {kind_of(value)}")
    return value


def _number(value: Any) -> float | int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise JqError(f"{kind_of(value)} is not a number")


def _to_number(value: Any) -> float | int:
    if not isinstance(value, str):
        return _number(value)
    try:
        number = json.loads(value)
    except ValueError as error:
        raise JqError(f"{value!r} cannot be parsed as a number") from error
    return _number(number)


def _add(left: Any, right: Any) -> Any:
    if left is None:
        return right
    if right is None:
        return left
    if kind_of(left) == kind_of(right):
        if isinstance(left, dict):
            return {**left, **right}
        if not isinstance(left, bool):
            return left + right
    raise JqError(f"{kind_of(left)} and {kind_of(right)} cannot be added")


def _subtract(left: Any, right: Any) -> Any:
    if isinstance(left, list) and isinstance(right, list):
        return [value for value in left if value not in right]
    return _number(left) - _number(right)


def _divide(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left.split(right)
    divisor = _number(right)
    if divisor == 0:
        raise JqError("The divisor is zero")
    return _whole(_number(left) / divisor)


def _modulo(left: Any, right: Any) -> int:
    a, b = int(_number(left)), int(_number(right))
    if b == 0:
        raise JqError("The divisor is zero")
    return int(math.fmod(a, b))


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _length(value: Any) -> float | int:
    if value is None:
        return 0
    return abs(_number(value)) if isinstance(value, int | float) else len(value)


def _keys(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return sorted(value)
    if isinstance(value, list):
        return list(range(len(value)))
    raise JqError(f"{kind_of(value)} has no keys")


def _has(value: Any, key: Any) -> bool:
    if isinstance(value, dict) and isinstance(key, str):
        return key in value
    if isinstance(value, list) and isinstance(key, int):
        return 0 <= key < len(value)
    raise JqError(f"Cannot check whether {kind_of(value)} has a {kind_of(key)} key")


def _contains(value: Any, part: Any) -> bool:
    if isinstance(value, dict) and isinstance(part, dict):
        return all(key in value and _contains(value[key], inner) for key, inner in part.items())
    if isinstance(value, list) and isinstance(part, list):
        return all(any(kind_of(a) == kind_of(b) and _contains(a, b) for a in value) for b in part)
    if isinstance(value, str) and isinstance(part, str):
        return part in value
    return value == part


def _from_json(value: Any) -> Any:
    try:
        return json.loads(_text(value, "fromjson"))
    except ValueError as error:
        raise JqError(f"{value!r} is not valid JSON") from error


def _time(value: Any) -> datetime:
    """From seconds since 1970, or from jq's broken down time."""
    if isinstance(value, list) and len(value) >= 6:
        year, month, day, hour, minute, second = (int(_number(part)) for part in value[:6])
        return datetime(year, month + 1, day, hour, minute, second, tzinfo=UTC)
    return datetime.fromtimestamp(_number(value), UTC)


def _broken_down(value: Any) -> list[float | int]:
    time = _time(value)
    return [time.year, time.month - 1, time.day, time.hour, time.minute, time.second, time.isoweekday() % 7, time.timetuple().tm_yday - 1]


def _parsed_time(value: Any, pattern: Any) -> list[float | int]:
    try:
        time = datetime.strptime(_text(value, "strptime"), pattern)
    except ValueError as error:
        raise JqError(f"date {value!r} does not match format {pattern!r}") from error
    return _broken_down((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def _regex(pattern: Any, flags: str = "") -> re.Pattern[str]:
    try:
        return re.compile(_text(pattern, "regex"), re.IGNORECASE if "i" in flags else 0)
    except re.error as error:
        raise JqError(f"{pattern!r} is no valid regular expression") from error


def _substitute(count: int) -> Callable[[Any, Any, Any], str]:
    return lambda value, pattern, by: _regex(pattern).sub(lambda _: _text(by, "sub"), _text(value, "sub"), count=count)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise JqError(f"{kind_of(value)} is not an array")
    return value


def _sum(value: Any) -> Any:
    total: Any = None
    for inner in value.values() if isinstance(value, dict) else _list(value):
        total = _add(total, inner)
    return total


def _unique(value: Any) -> list[Any]:
    found: list[Any] = []
    for inner in sorted(_list(value), key=ordered):
        if not found or ordered(found[-1]) != ordered(inner):
            found.append(inner)
    return found


def _without(start: bool) -> Callable[[Any, Any], Any]:
    def strip(value: Any, part: Any) -> Any:
        if not isinstance(value, str) or not isinstance(part, str):
            return value
        return value.removeprefix(part) if start else value.removesuffix(part)

    return strip


FUNCTIONS: dict[tuple[str, int], Callable[..., Any]] = {
    ("+", 2): _add,
    ("-", 2): _subtract,
    ("*", 2): lambda left, right: _number(left) * _number(right),
    ("/", 2): _divide,
    ("%", 2): _modulo,
    ("tostring", 0): text_of,
    ("tonumber", 0): _to_number,
    ("type", 0): kind_of,
    ("not", 0): lambda value: value is None or value is False,
    ("length", 0): _length,
    ("keys", 0): _keys,
    ("has", 1): _has,
    ("contains", 1): _contains,
    ("ascii_downcase", 0): lambda value: _text(value, "ascii_downcase").lower(),
    ("ascii_upcase", 0): lambda value: _text(value, "ascii_upcase").upper(),
    ("floor", 0): lambda value: math.floor(_number(value)),
    ("ceil", 0): lambda value: math.ceil(_number(value)),
    ("round", 0): lambda value: math.floor(_number(value) + 0.5),
    ("abs", 0): lambda value: abs(_number(value)),
    ("split", 1): lambda value, by: _text(value, "split").split(by),
    ("join", 1): lambda value, by: by.join("" if inner is None else text_of(inner) for inner in _list(value)),
    ("startswith", 1): lambda value, part: _text(value, "startswith").startswith(part),
    ("endswith", 1): lambda value, part: _text(value, "endswith").endswith(part),
    ("ltrimstr", 1): _without(start=True),
    ("rtrimstr", 1): _without(start=False),
    ("test", 1): lambda value, pattern: _regex(pattern).search(_text(value, "test")) is not None,
    ("test", 2): lambda value, pattern, flags: _regex(pattern, flags).search(_text(value, "test")) is not None,
    ("sub", 2): _substitute(1),
    ("gsub", 2): _substitute(0),
    ("tojson", 0): lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    ("fromjson", 0): _from_json,
    ("first", 0): lambda value: index(value, 0),
    ("last", 0): lambda value: index(value, -1),
    ("add", 0): _sum,
    ("sort", 0): lambda value: sorted(_list(value), key=ordered),
    ("unique", 0): _unique,
    ("reverse", 0): lambda value: value[::-1] if isinstance(value, str) else _list(value)[::-1],
    ("min", 0): lambda value: min(_list(value), key=ordered, default=None),
    ("max", 0): lambda value: max(_list(value), key=ordered, default=None),
    ("strftime", 1): lambda value, pattern: _time(value).strftime(pattern),
    ("strptime", 1): _parsed_time,
    ("gmtime", 0): _broken_down,
    ("mktime", 0): lambda value: int(_time(value).timestamp()),
    ("todate", 0): lambda value: _time(value).strftime("%Y-%m-%dT%H:%M:%SZ"),
    ("fromdate", 0): lambda value: int(_time(_parsed_time(value, "%Y-%m-%dT%H:%M:%SZ")).timestamp()),
    ("fromdateiso8601", 0): lambda value: int(_time(_parsed_time(value, "%Y-%m-%dT%H:%M:%SZ")).timestamp()),
}
