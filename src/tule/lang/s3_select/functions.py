"""The functions of S3 Select on values that are there: what is absent gives NULL.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-sql-functions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from tule.lang.s3_select import timestamps
from tule.lang.s3_select.failures import SelectFailed
from tule.lang.s3_select.values import MISSING, Value, compare, is_absent, number, shown


def _length(args: Sequence[Value]) -> Value:
    return len(shown(args[0]))


def _lower(args: Sequence[Value]) -> Value:
    return shown(args[0]).lower()


def _upper(args: Sequence[Value]) -> Value:
    return shown(args[0]).upper()


def _substring(args: Sequence[Value]) -> Value:
    """From the first character, which is 1; what stands before it counts into the length."""
    text, start = shown(args[0]), int(_number(args[1]))
    end = len(text) if len(args) < 3 else start - 1 + int(_number(args[2]))
    return text[max(start - 1, 0) : max(end, 0)]


def _to_timestamp(args: Sequence[Value]) -> Value:
    found = timestamps.read(shown(args[0]))
    if found is None:
        raise SelectFailed("EvaluatorTimestampFormatPatternDoesNotMatch", f"{args[0]} is no timestamp.")
    return found


def _to_string(args: Sequence[Value]) -> Value:
    return timestamps.formatted(_moment(args[0]), shown(args[1]))


def _date_add(args: Sequence[Value]) -> Value:
    return _known(timestamps.added(_moment(args[2]), args[0], int(_number(args[1]))), args[0])


def _date_diff(args: Sequence[Value]) -> Value:
    return _known(timestamps.difference(args[0], _moment(args[1]), _moment(args[2])), args[0])


def _extract(args: Sequence[Value]) -> Value:
    return _known(timestamps.extracted(args[0], _moment(args[1])), args[0])


def _trim(args: Sequence[Value]) -> Value:
    side, chars, text = args[0], args[1], shown(args[2])
    if side == "LEADING":
        return text.lstrip(chars)
    return text.rstrip(chars) if side == "TRAILING" else text.strip(chars)


def _known(found: Any, part: str) -> Any:
    if found is None:
        raise SelectFailed("EvaluatorInvalidTimestampFormatPattern", f"There is no date part {part}.")
    return found


def _number(value: Value) -> Any:
    found = number(value)
    if found is None:
        raise SelectFailed("EvaluatorInvalidArguments", f"{value} is no number.")
    return found


def _moment(value: Value) -> datetime:
    found = value if isinstance(value, datetime) else timestamps.read(shown(value))
    if found is None:
        raise SelectFailed("EvaluatorInvalidArguments", f"{value} is no timestamp.")
    return found


def coalesce(args: Sequence[Value]) -> Value:
    return next((value for value in args if not is_absent(value)), None)


def nullif(args: Sequence[Value]) -> Value:
    return None if compare("=", args[0], args[1]) else args[0]


# Name, fewest and most arguments.
FUNCTIONS: dict[str, tuple[Callable[[Sequence[Value]], Value], int, int]] = {
    "CHAR_LENGTH": (_length, 1, 1),
    "CHARACTER_LENGTH": (_length, 1, 1),
    "LOWER": (_lower, 1, 1),
    "UPPER": (_upper, 1, 1),
    "SUBSTRING": (_substring, 2, 3),
    "TO_TIMESTAMP": (_to_timestamp, 1, 1),
    "TO_STRING": (_to_string, 2, 2),
    "DATE_ADD": (_date_add, 3, 3),
    "DATE_DIFF": (_date_diff, 3, 3),
    "EXTRACT": (_extract, 2, 2),
    "TRIM": (_trim, 3, 3),
}


def called(name: str, args: Sequence[Value]) -> Value:
    """A function of values that are all there."""
    if any(value is MISSING or value is None for value in args):
        return None
    return FUNCTIONS[name][0](args)


def like(value: Value, pattern: Value, escape: str) -> bool | None:
    if is_absent(value) or is_absent(pattern):
        return None
    return _compiled(shown(pattern), escape).fullmatch(shown(value)) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    made, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        if escape and char == escape and at + 1 < len(pattern):
            at += 1
            made += re.escape(pattern[at])
        else:
            made += {"%": ".*", "_": "."}.get(char) or re.escape(char)
        at += 1
    return re.compile(made, re.DOTALL)
