"""Attribute values: what is wrong with one, its normal form, equality, order.

A value comes as it stood in the request's JSON.  Its normal form has canonical numbers and canonical base64, so that most
values are equal when their dicts are.  AWS: API Reference, AttributeValue; Developer Guide, "Naming rules and data types".
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb import numbers
from tule.lang.dynamodb.layers import Layered
from tule.lang.dynamodb.numbers import is_plain_integer
from tule.lang.dynamodb.sizes import size as size

Value = dict[str, Any]
Item = dict[str, Any]

KINDS = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))
SETS = {"SS": "S", "NS": "N", "BS": "B"}
ORDERED = frozenset(("S", "N", "B"))
NESTING = 31  # levels of lists and maps within an attribute, which is itself the first of 32


def check_item(item: Item) -> Item:
    """The item in normal form: itself where nothing had to change; raises AWS's refusals."""
    changed: Item | None = None
    for name, value in item.items():
        if not name:
            raise validation("One or more parameter values were invalid: Empty attribute name")
        if type(value) is dict and len(value) == 1:
            ((kind, inner),) = value.items()
            if type(inner) is str and (kind == "S" or (kind == "N" and is_plain_integer(inner))):
                continue
        normal = _check(value, 1)
        if normal is not value:
            changed = changed or dict(item)
            changed[name] = normal
    return item if changed is None else changed


def check(value: Any) -> Value:
    """The value in normal form: itself where nothing had to change; raises AWS's refusals."""
    return _check(value, 1)


def kind_of(value: Value) -> str:
    """`S`, `N`, ... of a value in normal form."""
    return next(iter(value))


def equal(left: Value, right: Value) -> bool:
    """Whether two values in normal form are the same value: sets without regard to order."""
    if left == right:
        return True
    kind = next(iter(left))
    if kind not in right or kind in _PLAIN:
        return False
    a, b = left[kind], right[kind]
    if len(a) != len(b):
        return False
    if kind == "L":
        return all(map(equal, a, b))
    if kind == "M":
        return all(name in b and equal(value, b[name]) for name, value in a.items())
    return set(a) == set(b)


def compare(left: Value, right: Value) -> int | None:
    """Negative, zero or positive; None where the two have no order: other kinds than S, N, B, or two different ones."""
    kind = next(iter(left))
    if kind not in right or kind not in ORDERED:
        return None
    a, b = left[kind], right[kind]
    if kind == "N":
        return numbers.compare(a, b)
    if kind == "B":
        a, b = binary(a), binary(b)
    return (a > b) - (a < b)


def binary(text: str) -> bytes:
    """The bytes that canonical base64 says."""
    return binascii.a2b_base64(text)


def depth(value: Value) -> int:
    """How many levels of lists and maps a value has: 0 for a scalar."""
    kind, inner = next(iter(value.items()))
    if kind == "L":
        return 1 + max(map(depth, inner), default=0)
    if kind == "M":
        return 1 + max(map(depth, inner.values()), default=0)
    return 0


def shown(value: Value) -> str:
    """A value as DynamoDB's messages show it: `AttributeValue: {S:x}`."""
    kind, inner = next(iter(value.items()))
    return f"AttributeValue: {{{kind}:{_shown(inner)}}}"


def too_deep() -> ServiceError:
    """Lists and maps in one another beyond 32 levels, the attribute counted."""
    return validation("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")


_PLAIN = frozenset(("S", "N", "B", "NULL", "BOOL"))


def _shown(inner: Any) -> str:
    if isinstance(inner, dict):
        return "{" + ", ".join(f"{name}={shown(value)}" for name, value in inner.items()) + "}"
    if isinstance(inner, list):
        return "[" + ", ".join(shown(one) if isinstance(one, dict) else str(one) for one in inner) + "]"
    if isinstance(inner, bool):
        return "true" if inner else "false"
    return str(inner)


def _check(value: Any, level: int) -> Value:
    if type(value) is not dict:
        raise _wrong_structure(value)
    kind, inner, alone = "", None, len(value) == 1
    for name, one in value.items():
        if name not in KINDS or one is None:
            continue
        if kind:
            raise validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
        kind, inner = name, one
    if not kind:
        raise validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    normal = _CHECKS[kind](inner, level)
    return value if normal is inner and alone else {kind: normal}


def _string(inner: Any, _level: int) -> str:
    if type(inner) is not str:
        raise _not_a_string(inner)
    return inner


def _number(inner: Any, _level: int) -> str:
    if type(inner) is not str:
        raise _not_a_string(inner)
    text = numbers.canonical(inner)
    return inner if text == inner else text


def _binary(inner: Any, _level: int) -> str:
    if type(inner) is not str:
        raise _not_a_string(inner)
    return _base64(inner)


def _null(inner: Any, _level: int) -> bool:
    if type(inner) is not bool:
        raise _not_a_boolean(inner)
    if not inner:
        raise validation("One or more parameter values were invalid: Null attribute value types must have the value of true")
    return inner


def _bool(inner: Any, _level: int) -> bool:
    if type(inner) is not bool:
        raise _not_a_boolean(inner)
    return inner


def _list(inner: Any, level: int) -> list[Value]:
    if type(inner) is not list:
        raise _wrong_structure(inner)
    if level > NESTING:
        raise too_deep()
    changed = False
    normal: list[Value] = []
    for one in inner:
        value = _check(one, level + 1)
        changed = changed or value is not one
        normal.append(value)
    return normal if changed else inner


def _map(inner: Any, level: int) -> dict[str, Value]:
    if type(inner) is not dict:
        raise _wrong_structure(inner)
    if level > NESTING:
        raise too_deep()
    changed: dict[str, Value] | None = None
    for name, one in inner.items():
        value = _check(one, level + 1)
        if value is not one:
            changed = changed or dict(inner)
            changed[name] = value
    return inner if changed is None else changed


def _strings(inner: Any, _level: int) -> list[str]:
    _check_set(inner, "An string set  may not be empty")
    if len(set(inner)) != len(inner):
        quoted = ", ".join(f'"{one}"' for one in _up_to_repeat(inner, str.encode))
        raise _duplicates(f"[{', '.join(inner)}] contains duplicates.", f"[{quoted}] contains duplicates.")
    return inner


def _numbers(inner: Any, _level: int) -> list[str]:
    _check_set(inner, "An number set  may not be empty")
    normal = [numbers.canonical(one) for one in inner]
    if len(set(normal)) != len(normal):
        raise Layered("Input collection contains duplicates", "One or more parameter values were invalid: Input collection contains duplicates.")
    return inner if normal == inner else normal


def _binaries(inner: Any, _level: int) -> list[str]:
    _check_set(inner, "Binary sets should not be empty")
    normal = [_base64(one) for one in inner]
    if len(set(normal)) != len(normal):
        quoted = ",".join(f'"{one}"' for one in _up_to_repeat(normal, binary))
        raise _duplicates(f"[{', '.join(normal)}]of type BS contains duplicates.", f"[{quoted}]of type BS contains duplicates.")
    return inner if normal == inner else normal


def _up_to_repeat(elements: list[str], order: Callable[[str], bytes]) -> list[str]:
    """The elements before the first repeated one in their order, it, and the rest as they came."""
    at = next(at for at, one in enumerate(elements) if one in elements[:at])
    return [*sorted(elements[:at], key=order), *elements[at:]]


def _duplicates(older: str, current: str) -> ServiceError:
    what = "One or more parameter values were invalid: Input collection "
    return Layered(what + older, what + current)


def _check_set(inner: Any, empty: str) -> None:
    if type(inner) is not list:
        raise _wrong_structure(inner)
    for one in inner:
        if type(one) is not str:
            raise _not_a_string(one)
    if not inner:
        raise validation(f"One or more parameter values were invalid: {empty}")


def _base64(text: str) -> str:
    if len(text) % 4:
        raise _serialization(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    try:
        canonical = binascii.b2a_base64(binascii.a2b_base64(text, strict_mode=True), newline=False).decode()
    except ValueError:
        raise _serialization("Invalid Base64 character dectected") from None
    if canonical != text:
        raise _serialization("Invalid last non-pad Base64 character dectected")
    return text


_CHECKS: dict[str, Callable[[Any, int], Any]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _bool,
    "NULL": _null,
    "L": _list,
    "M": _map,
    "SS": _strings,
    "NS": _numbers,
    "BS": _binaries,
}


def _not_a_string(inner: Any) -> ServiceError:
    if inner is True or inner is False:
        return _serialization(f"{'TRUE' if inner else 'FALSE'}_VALUE cannot be converted to String")
    if isinstance(inner, int):
        return _serialization("NUMBER_VALUE cannot be converted to String")
    if isinstance(inner, float):
        return _serialization("DECIMAL_VALUE cannot be converted to String")
    if isinstance(inner, list):
        return _serialization("Start of list found where not expected")
    if inner is None:
        return validation("One or more parameter values were invalid: An string set may not have a null string as a member")
    return _serialization("Start of structure or map found where not expected.")


def _not_a_boolean(inner: Any) -> ServiceError:
    if isinstance(inner, str):
        return _serialization("STRING_VALUE cannot be converted to Boolean")
    if isinstance(inner, (int, float)):
        return _serialization("NUMBER_VALUE cannot be converted to Boolean")
    if isinstance(inner, list):
        return _serialization("Start of list found where not expected")
    return _serialization("Start of structure or map found where not expected.")


def _wrong_structure(inner: Any) -> ServiceError:
    if isinstance(inner, list):
        return _serialization("Start of list found where not expected")
    if isinstance(inner, dict):
        return _serialization("Start of structure or map found where not expected.")
    return _serialization("Unexpected value type in payload")


def _serialization(message: str) -> ServiceError:
    return ServiceError("SerializationException", message, 400)
