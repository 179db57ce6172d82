"""What conditions ask of two values.  A value that does not exist is None, and compares with nothing.

AWS: Developer Guide, "Condition and filter expressions, operators, and functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tule.lang.dynamodb.values import SETS, Value, binary, compare, equal

Predicate = Callable[[Value | None, Value | None], bool]


def equals(left: Value | None, right: Value | None) -> bool:
    return left is not None and right is not None and equal(left, right)


def differs(left: Value | None, right: Value | None) -> bool:
    return not equals(left, right)


def less(left: Value | None, right: Value | None) -> bool:
    order = None if left is None or right is None else compare(left, right)
    return order is not None and order < 0


def at_most(left: Value | None, right: Value | None) -> bool:
    order = None if left is None or right is None else compare(left, right)
    return order is not None and order <= 0


def begins_with(value: Value | None, start: Value | None) -> bool:
    if value is None or start is None:
        return False
    if "S" in value and "S" in start:
        return value["S"].startswith(start["S"])
    if "B" in value and "B" in start:
        return binary(value["B"]).startswith(binary(start["B"]))
    return False


def contains(value: Value | None, part: Value | None) -> bool:
    """A text or bytes within another, an element of a list or set."""
    if value is None or part is None:
        return False
    kind, inner = next(iter(value.items()))
    if kind == "L":
        return any(equal(one, part) for one in inner)
    part_kind, wanted = next(iter(part.items()))
    if kind == "S" and part_kind == "S":
        return wanted in inner
    if kind == "B" and part_kind == "B":
        return binary(wanted) in binary(inner)
    return SETS.get(kind) == part_kind and wanted in inner


def has_type(value: Value | None, kind: Value | None) -> bool:
    return value is not None and kind is not None and kind.get("S") in value


def length(value: Value) -> Value | None:
    """What size() says: of texts characters, of bytes their number, of the rest their elements; None of scalars."""
    kind, inner = next(iter(value.items()))
    if kind == "B":
        return {"N": str(len(binary(inner)))}
    if kind in ("N", "BOOL", "NULL"):
        return None
    return {"N": str(len(inner))}


COMPARATORS: Mapping[str, Predicate] = {
    "=": equals,
    "<>": differs,
    "<": less,
    "<=": at_most,
    ">": lambda left, right: less(right, left),
    ">=": lambda left, right: at_most(right, left),
}
FUNCTIONS: Mapping[str, Predicate] = {"begins_with": begins_with, "contains": contains, "attribute_type": has_type}
