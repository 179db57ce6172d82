"""Values and what can be done with them: comparing, reckoning, casting.

A value is None (NULL), MISSING, a bool, an int, a Decimal, a str, a datetime, or what JSON has: a list or a dict.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, DivisionByZero, InvalidOperation
from typing import Any

from tule.lang.s3_select import timestamps
from tule.lang.s3_select.failures import SelectFailed


class Missing:
    """There is no such field."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()
Value = Any

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = (int, Decimal)


def is_absent(value: Value) -> bool:
    return value is None or value is MISSING


def number(value: Value) -> int | Decimal | None:
    """A number, or what reads as one, as fields of CSV do; None for others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, _NUMBERS):
        return value
    if not isinstance(value, str):
        return None
    try:
        found = Decimal(value.strip())
    except InvalidOperation:
        return None
    return int(found) if found == found.to_integral_value() and "." not in value and "e" not in value.lower() else found


def compare(sign: str, left: Value, right: Value) -> bool | None:
    """None where either is absent; false where they cannot be compared, but for inequality."""
    if is_absent(left) or is_absent(right):
        return None
    left, right = _alike(left, right)
    try:
        return _COMPARISONS[sign](left, right)
    except TypeError:
        return sign in ("!=", "<>")


def _alike(left: Value, right: Value) -> tuple[Value, Value]:
    """A text beside a number is read as one, beside a timestamp as that."""
    if isinstance(left, str) != isinstance(right, str):
        text, other = (left, right) if isinstance(left, str) else (right, left)
        read: Value = None
        if isinstance(other, bool):
            read = {"true": True, "false": False}.get(text.lower())
        elif isinstance(other, _NUMBERS):
            read = number(text)
        elif isinstance(other, datetime):
            read = timestamps.read(text)
        if read is not None:
            return (read, other) if isinstance(left, str) else (other, read)
    return left, right


def reckon(sign: str, left: Value, right: Value) -> Value:
    """Arithmetic.  Raises SelectFailed where there are no numbers, or a division by zero."""
    if is_absent(left) or is_absent(right):
        return None
    a, b = number(left), number(right)
    if a is None or b is None:
        raise SelectFailed("InvalidDataType", f"The operator {sign} needs numbers.")
    try:
        match sign:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "/":
                return _divided(a, b)
            case _:
                return a - b * int(a / b)
    except (ZeroDivisionError, DivisionByZero, InvalidOperation) as error:
        raise SelectFailed("EvaluatorInvalidArguments", "Division by zero.") from error


def _divided(a: int | Decimal, b: int | Decimal) -> int | Decimal:
    """Whole numbers divide to whole numbers, towards zero."""
    if isinstance(a, int) and isinstance(b, int):
        quotient = abs(a) // abs(b)
        return quotient if (a < 0) == (b < 0) else -quotient
    return Decimal(a) / Decimal(b)


def cast(value: Value, to: str) -> Value:
    """Raises SelectFailed."""
    if is_absent(value):
        return value
    made = _cast(value, to)
    if made is None:
        raise SelectFailed(
            "CastFailed", f"Attempt to convert from one data type to another using CAST failed in the SQL expression: {value} to {to}."
        )
    return made


def _cast(value: Value, to: str) -> Value | None:
    match to:
        case "INT" | "INTEGER":
            found = number(value)
            return int(value) if isinstance(value, bool) else None if found is None else int(found)
        case "FLOAT" | "DECIMAL" | "NUMERIC":
            found = number(value)
            return None if found is None else Decimal(found)
        case "STRING" | "CHAR" | "VARCHAR":
            return shown(value)
        case "BOOL" | "BOOLEAN":
            return value if isinstance(value, bool) else {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
        case "TIMESTAMP":
            return value if isinstance(value, datetime) else timestamps.read(str(value))
        case _:
            return None


def shown(value: Value) -> str:
    """As CSV, and texts, show it."""
    if is_absent(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timestamps.shown(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value == value.to_integral_value() else str(value)
    return str(value)


def text(value: Value) -> str | None:
    return None if is_absent(value) else shown(value)
