"""Conditions as they were before expressions: Expected, QueryFilter and ScanFilter, with a ConditionalOperator.

AWS: Developer Guide, "Legacy conditional parameters".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb import comparing
from tule.lang.dynamodb import values as attribute_values
from tule.lang.dynamodb.conditions import Condition, Test
from tule.lang.dynamodb.values import Value, compare

Predicate = Callable[[Value | None], bool]

COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}  # one value for the others, IN takes one or more
KINDS = {
    "LE": frozenset("SNB"),
    "LT": frozenset("SNB"),
    "GE": frozenset("SNB"),
    "GT": frozenset("SNB"),
    "BETWEEN": frozenset("SNB"),
    "IN": frozenset("SNB"),
    "BEGINS_WITH": frozenset("SB"),
    "CONTAINS": frozenset("SNB"),
    "NOT_CONTAINS": frozenset("SNB"),
}
_SIMPLE = {"EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}


def invalid(what: str) -> ServiceError:
    """`One or more parameter values were invalid: what`."""
    return validation(f"One or more parameter values were invalid: {what}")


def expected(params: Mapping[str, Any]) -> Condition | None:
    """The condition of Expected; None when there is none."""
    entries = params.get("Expected")
    _check_operator(params, entries)
    if not entries:
        return None
    return _joined({name: _expectation(name, entry) for name, entry in entries.items()}, params)


def filter_of(params: Mapping[str, Any], parameter: str) -> Condition | None:
    """The condition of QueryFilter or ScanFilter; None when there is none."""
    entries = params.get(parameter)
    _check_operator(params, entries)
    if not entries:
        return None
    return _joined({name: comparison(entry["ComparisonOperator"], entry.get("AttributeValueList") or []) for name, entry in entries.items()}, params)


def checked_values(operator: str, given: list[Any]) -> list[Value]:
    """The values that a comparison takes, in normal form; raises for a wrong number of them, or wrong types."""
    found = [attribute_values.check(value) for value in given]
    wanted = COUNTS.get(operator, 1)
    if len(found) != wanted and not (operator == "IN" and found):
        raise invalid(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    kinds = {next(iter(value)) for value in found}
    for kind in kinds:
        if kind not in KINDS.get(operator, attribute_values.KINDS):
            raise invalid(f"ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if len(kinds) > 1:
        raise invalid("AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and (compare(found[0], found[1]) or 0) > 0:
        raise validation("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
    return found


def comparison(operator: str, given: list[Any]) -> Predicate:
    """The comparison of an attribute with these values."""
    operands = checked_values(operator, given)
    if operator in ("NULL", "NOT_NULL"):
        return (lambda value: value is None) if operator == "NULL" else (lambda value: value is not None)
    if operator == "IN":
        return lambda value: any(comparing.equals(value, one) for one in operands)
    first = operands[0]
    if operator in _SIMPLE:
        simple = comparing.COMPARATORS[_SIMPLE[operator]]
        return lambda value: simple(value, first)
    if operator == "NE":
        return lambda value: comparing.differs(value, first)
    if operator == "BETWEEN":
        return lambda value: comparing.at_most(first, value) and comparing.at_most(value, operands[1])
    if operator == "BEGINS_WITH":
        return lambda value: comparing.begins_with(value, first)
    if operator == "CONTAINS":
        return lambda value: comparing.contains(value, first)
    return lambda value: value is not None and not comparing.contains(value, first)


def _expectation(name: str, entry: Mapping[str, Any]) -> Predicate:
    operator, given = entry.get("ComparisonOperator"), entry.get("AttributeValueList")
    if operator is None:
        return _existence(name, entry)
    if "Exists" in entry:
        raise invalid(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
    if "Value" in entry and given is not None:
        raise invalid(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    if "Value" not in entry and given is None and COUNTS.get(operator, 1):
        raise invalid(f"Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}")
    return comparison(operator, [entry["Value"]] if "Value" in entry else given or [])


def _existence(name: str, entry: Mapping[str, Any]) -> Predicate:
    """Without an operator: that the attribute has a value, or that it does not exist."""
    if "AttributeValueList" in entry:
        raise invalid(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    exists, has_value = entry.get("Exists"), "Value" in entry
    if exists is False:
        if has_value:
            raise invalid(f"Value cannot be used when Exists is set to false for Attribute: {name}")
        return lambda value: value is None
    if not has_value:
        raise invalid(f"Value must be provided when Exists is {'null' if exists is None else 'true'} for Attribute: {name}")
    wanted = attribute_values.check(entry["Value"])
    return lambda value: comparing.equals(value, wanted)


def _check_operator(params: Mapping[str, Any], entries: Mapping[str, Any] | None) -> None:
    if "ConditionalOperator" not in params:
        return
    if not entries:
        raise validation("ConditionalOperator cannot be used without Filter or Expected")
    if len(entries) < 2:
        raise validation("ConditionalOperator can only be used when Filter or Expected has two or more elements")


def _joined(predicates: dict[str, Predicate], params: Mapping[str, Any]) -> Condition:
    pairs = tuple(predicates.items())
    test: Test
    if params.get("ConditionalOperator") == "OR":
        test = lambda item, _values: any(predicate(item.get(name)) for name, predicate in pairs)  # noqa: E731
    else:
        test = lambda item, _values: all(predicate(item.get(name)) for name, predicate in pairs)  # noqa: E731
    return Condition(test, {}, frozenset(predicates))
