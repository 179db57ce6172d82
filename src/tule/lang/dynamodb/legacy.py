"""What came before expressions: AttributeUpdates, KeyConditions and AttributesToGet, and that they do not mix with expressions.

AWS: Developer Guide, "Legacy conditional parameters".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb import values as attribute_values
from tule.lang.dynamodb.key_conditions import KeyConditions, OnAttribute
from tule.lang.dynamodb.legacy_conditions import checked_values, invalid
from tule.lang.dynamodb.projections import Projection
from tule.lang.dynamodb.resolution import Values
from tule.lang.dynamodb.updates import Plan, Update, Write
from tule.lang.dynamodb.values import SETS, Item, Value

_KEY_OPERATORS = {"EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BETWEEN": "BETWEEN", "BEGINS_WITH": "begins_with"}


def check_unmixed(params: Mapping[str, Any], older: Sequence[str], expressions: Sequence[str]) -> None:
    """Refuse a request that has parameters of both sorts."""
    if params.keys().isdisjoint(older):
        return
    old = [name for name in older if name in params]
    new = [name for name in expressions if name in params]
    if old and new:
        raise validation(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}"
        )


def attributes_to_get(names: list[str]) -> Projection:
    """The projection of AttributesToGet."""
    seen: set[str] = set()
    for name in names:
        if not name:
            raise invalid("Empty attribute name")
        if name in seen:
            raise invalid(f"Duplicate value in attribute name: {name}")
        seen.add(name)
    return Projection.of_attributes(names)


def attribute_updates(updates: Mapping[str, Any]) -> Update:
    """The update of AttributeUpdates."""
    writes = [_write(name, entry) for name, entry in updates.items()]
    return Update(Plan(writes, frozenset(updates)), {}, type_mismatch)


def type_mismatch() -> ServiceError:
    """The item's own value is not of the type that is to be added or deleted."""
    return validation("Type mismatch for attribute to update")


def key_conditions(entries: Mapping[str, Any]) -> KeyConditions:
    """The conditions of KeyConditions."""
    found: list[OnAttribute] = []
    for name, entry in entries.items():
        operator = entry["ComparisonOperator"]
        operands = checked_values(operator, entry.get("AttributeValueList") or [])
        if operator not in _KEY_OPERATORS:
            raise validation("Attempted conditional constraint is not an indexable operation")
        found.append(OnAttribute(name, _KEY_OPERATORS[operator], tuple(operands)))
    return KeyConditions(tuple(found), legacy=True)


def _write(name: str, entry: Mapping[str, Any]) -> Write:
    if not name:
        raise invalid("Empty attribute name")
    action = entry.get("Action", "PUT")
    if "Value" not in entry:
        if action != "DELETE":
            raise invalid("Only DELETE action is allowed when no attribute value is specified")
        return "REMOVE", (name,), None
    value = attribute_values.check(entry["Value"])
    kind = attribute_values.kind_of(value)
    if action == "ADD" and kind not in ("N", "L", *SETS):
        raise invalid(f"ADD action is not supported for the type {kind}")
    if action == "DELETE" and kind not in SETS:
        raise invalid(f"DELETE action with value is not supported for the type {kind}")

    def constant(_item: Item, _values: Values) -> Value:
        return value

    return "SET" if action == "PUT" else action, (name,), constant
