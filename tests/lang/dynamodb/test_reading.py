"""Projections and key conditions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.core.errors import ServiceError
from tule.lang.dynamodb import clauses, values
from tule.lang.dynamodb.key_conditions import KeyCondition

from . import drawn

TYPES = {"p": "S", "c": "N", "h": "S", "r": "S", "q": "S"}


def projected(text: str, item: dict[str, Any]) -> dict[str, Any]:
    found = clauses.read({"ProjectionExpression": text})
    assert found is not None
    return found.of(item)


@given(drawn.items(), st.lists(drawn.paths(), min_size=1, max_size=3))
def test_a_projection_has_what_its_paths_lead_to_and_nothing_else(item: dict[str, Any], wanted: list[tuple[str | int, ...]]) -> None:
    item = values.check_item(item)
    if any(_clash(one, other) for at, one in enumerate(wanted) for other in wanted[:at]):
        with pytest.raises(ServiceError, match=r"overlap|conflict"):
            projected(", ".join(map(drawn.written, wanted)), item)
        return
    part = projected(", ".join(map(drawn.written, wanted)), item)
    leaves = [value for value in (_found(item, path) for path in wanted) if value is not None]
    assert _weight(part) == sum(_weight({"x": value}) for value in leaves)
    assert set(part) <= {path[0] for path in wanted}
    for path in wanted:
        if all(isinstance(step, str) for step in path) and _found(item, path) is not None:
            assert _found(part, path) == _found(item, path)


def _clash(one: tuple[str | int, ...], other: tuple[str | int, ...]) -> bool:
    for a, b in zip(one, other, strict=False):
        if type(a) is not type(b):
            return True
        if a != b:
            return False
    return True


def _found(item: dict[str, Any], path: tuple[str | int, ...]) -> Any:
    value: Any = {"M": item}
    for step in path:
        inner = value.get("L" if isinstance(step, int) else "M")
        if inner is None or (isinstance(step, int) and step >= len(inner)) or (isinstance(step, str) and step not in inner):
            return None
        value = inner[step]
    return value


def _weight(item: dict[str, Any]) -> int:
    """How many scalars and empty collections are in it."""
    total = 0
    for value in item.values():
        kind, inner = next(iter(value.items()))
        if kind == "M" and inner:
            total += _weight(inner)
        elif kind == "L" and inner:
            total += _weight(dict(enumerate(inner)))  # type: ignore[arg-type]
        else:
            total += 1
    return total


def test_elements_of_lists_close_up_in_their_order() -> None:
    item = {"a": {"L": [{"N": str(n)} for n in range(5)]}}
    assert projected("a[3], a[1]", item) == {"a": {"L": [{"N": "1"}, {"N": "3"}]}}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ProjectionExpression": ""}, "Invalid ProjectionExpression: The expression can not be empty;"),
        ({"ProjectionExpression": "a,"}, 'Invalid ProjectionExpression: Syntax error; token: "<EOF>", near: ","'),
        (
            {"ProjectionExpression": "a, a"},
            "Invalid ProjectionExpression: Two document paths overlap with each other; "
            "must remove or rewrite one of these paths; path one: [a], path two: [a]",
        ),
        (
            {"ProjectionExpression": "a", "AttributesToGet": ["a"]},
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
        ),
        ({"AttributesToGet": ["a", "a"]}, "One or more parameter values were invalid: Duplicate value in attribute name: a"),
    ],
)
def test_a_wrong_projection_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        clauses.read(params)
    assert refused.value.message == message


def keys(text: str, hash: tuple[str, ...] = ("p",), range: tuple[str, ...] = ("c",), **given: Any) -> KeyCondition:
    asked = {"KeyConditionExpression": text, "ExpressionAttributeValues": {f":{name}": value for name, value in given.items()}}
    found = clauses.queried(asked).keys
    assert found is not None
    return found.on(hash, range, TYPES)


P, N, M = {"S": "x"}, {"N": "1"}, {"N": "2"}


@pytest.mark.parametrize(
    ("text", "operator", "operands"),
    [
        ("p = :p AND c = :n", "=", (N,)),
        (":n < c AND p = :p", ">", (N,)),
        ("((p = :p) AND (c >= :n))", ">=", (N,)),
        ("p = :p AND c BETWEEN :n AND :m", "BETWEEN", (N, M)),
    ],
)
def test_key_conditions_are_read_from_either_side(text: str, operator: str, operands: tuple[Any, ...]) -> None:
    found = keys(text, p=P, n=N, **({"m": M} if ":m" in text else {}))
    assert found.hash == (P,)
    assert [(one.attribute, one.operator, one.values) for one in found.range] == [("c", operator, operands)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c = :n", "Query condition missed key schema element: p"),
        ("p = :p AND x = :n", "Query condition missed key schema element: c"),
        ("p < :p", "Query key condition not supported"),
        ("p = :p AND c > :n AND x = :n", "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)"),
        ("p = :p AND c = :p", "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        ("p = :p AND p = :p", "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"),
        ("p = :p OR c = :n", "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: OR"),
        ("p = :p AND c <> :n", "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: <>"),
        ("p = :p AND c.d = :n", "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes"),
        ("p = :p AND c.d < size(x)", "Invalid KeyConditionExpression: KeyConditionExpressions cannot contain nested operations"),
        (
            "p = :p AND attribute_exists(c)",
            "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: attribute_exists",
        ),
    ],
)
def test_a_wrong_key_condition_is_refused(text: str, message: str) -> None:
    given = {name: value for name, value in (("p", P), ("n", N)) if f":{name}" in text}
    with pytest.raises(ServiceError) as refused:
        keys(text, **given)
    assert refused.value.message == message


def test_several_attributes_make_a_key() -> None:
    found = keys("p = :a AND h = :b AND r = :c AND q > :d", ("p", "h"), ("r", "q"), a=P, b=P, c=P, d=P)
    assert found.hash == (P, P)
    assert [(one.attribute, one.operator) for one in found.range] == [("r", "="), ("q", ">")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p = :a", "HASH key attributes h must have equality conditions specified in the query"),
        ("p = :a AND h > :b", "HASH key attributes h must have equality conditions specified in the query"),
        (
            "p = :a AND h = :b AND q = :c",
            "RANGE key attributes r must have equality conditions specified in the query because a condition is present on key attribute q",
        ),
        (
            "p = :a AND h = :b AND r > :c AND q = :d",
            "RANGE key attributes r must have equality conditions specified in the query because a condition is present on key attribute q",
        ),
    ],
)
def test_parts_of_a_key_are_given_from_the_left(text: str, message: str) -> None:
    given = {name: P for name in "abcd" if f":{name}" in text}
    with pytest.raises(ServiceError) as refused:
        keys(text, ("p", "h"), ("r", "q"), **given)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p = :missing AND begins_with(c, :n)", "not defined; attribute value: :missing"),
        ("begins_with(c, :n) AND p = :missing", "operator or function: begins_with, operand type: N"),
        ("p = :p AND begins_with(c, :n) AND c = :missing", "operator or function: begins_with, operand type: N"),
    ],
)
def test_the_first_thing_that_is_wrong_is_said(text: str, message: str) -> None:
    given = {name: value for name, value in (("p", P), ("n", N)) if f":{name}" in text}
    with pytest.raises(ServiceError) as refused:
        keys(text, **given)
    assert refused.value.message.endswith(message)


def test_key_conditions_of_old_mix_with_projections_of_new() -> None:
    older = {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [P]}}
    reading = clauses.queried({"KeyConditions": older, "ProjectionExpression": "a"})
    assert reading.keys is not None
    assert reading.keys.on(("p",), (), TYPES).hash == (P,)
    with pytest.raises(ServiceError, match="Can not use both"):
        clauses.queried({"KeyConditions": older, "KeyConditionExpression": "p = :p"})


def test_a_filter_does_not_look_at_the_key() -> None:
    reading = clauses.queried({"KeyConditionExpression": "p = :p", "FilterExpression": "c = :p", "ExpressionAttributeValues": {":p": P}})
    with pytest.raises(ServiceError) as refused:
        reading.check_filter(("p", "c"))
    assert refused.value.message == "Filter Expression can only contain non-primary key attributes: Primary key attribute: c"
