"""Attribute values: what is wrong with them, when they are equal, how much they weigh."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.core.errors import ServiceError
from tule.lang.dynamodb import sizes, values

from . import drawn


@given(drawn.values())
def test_the_normal_form_stays_as_it_is(value: dict[str, Any]) -> None:
    normal = values.check(value)
    assert values.check(normal) is normal
    assert values.equal(normal, values.check(value))


@given(drawn.values(), st.randoms())
def test_sets_are_equal_in_any_order_however_deep(value: dict[str, Any], random: Any) -> None:
    normal = values.check(value)
    shuffled = _shuffled(normal, random)
    assert values.equal(normal, shuffled)
    assert values.equal(shuffled, normal)


def _shuffled(value: dict[str, Any], random: Any) -> dict[str, Any]:
    kind, inner = next(iter(value.items()))
    if kind in values.SETS:
        return {kind: random.sample(inner, len(inner))}
    if kind == "L":
        return {"L": [_shuffled(one, random) for one in inner]}
    if kind == "M":
        return {"M": {name: _shuffled(one, random) for name, one in inner.items()}}
    return value


@given(drawn.values(), drawn.values())
def test_values_of_one_kind_have_one_order(left: dict[str, Any], right: dict[str, Any]) -> None:
    left, right = values.check(left), values.check(right)
    order = values.compare(left, right)
    if order is None:
        assert next(iter(left)) != next(iter(right)) or next(iter(left)) not in values.ORDERED
    else:
        assert (order == 0) == values.equal(left, right)
        assert values.compare(right, left) == -order


@pytest.mark.parametrize("value", [{"SS": ["", "a"]}, {"BS": ["", "AA=="]}, {"S": ""}, {"B": ""}, {"L": []}, {"M": {}}])
def test_what_is_empty_is_a_value(value: dict[str, Any]) -> None:
    assert values.check(value) is value


def test_binaries_are_ordered_as_unsigned_bytes() -> None:
    low, high = ({"B": base64.b64encode(bytes([byte])).decode()} for byte in (127, 128))
    assert values.compare(low, high) == -1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"X": "1"}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"S": "1", "N": "1"}, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
        ({"SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
        ({"NS": []}, "One or more parameter values were invalid: An number set  may not be empty"),
        ({"BS": []}, "One or more parameter values were invalid: Binary sets should not be empty"),
        ({"SS": ["a", "a"]}, "One or more parameter values were invalid: Input collection [a, a] contains duplicates."),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        ({"NULL": False}, "One or more parameter values were invalid: Null attribute value types must have the value of true"),
        ({"L": [{"M": {"a": {"N": "x"}}}]}, "The parameter cannot be converted to a numeric value: x"),
    ],
)
def test_values_that_are_none_are_refused(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        values.check(value)
    assert (refused.value.code, refused.value.message) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"S": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"N": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"S": True}, "TRUE_VALUE cannot be converted to String"),
        ({"S": {}}, "Start of structure or map found where not expected."),
        ({"L": {}}, "Start of structure or map found where not expected."),
        ({"BOOL": "true"}, "STRING_VALUE cannot be converted to Boolean"),
        ("a", "Unexpected value type in payload"),
        ({"B": "abc"}, "Base64 encoded length is expected a multiple of 4 bytes but found: 3"),
    ],
)
def test_json_of_the_wrong_kind_is_no_value(value: Any, message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        values.check(value)
    assert (refused.value.code, refused.value.message) == ("SerializationException", message)


def test_attributes_nest_32_levels_deep_the_attribute_counted() -> None:
    values.check(_nested(31))
    with pytest.raises(ServiceError) as refused:
        values.check(_nested(32))
    assert refused.value.message == (
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
    )


def _nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": ""}
    for _ in range(levels):
        value = {"M": {"a": value}}
    return value


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"p": {"S": "abc"}}, 4),
        ({"é": {"S": "é"}}, 4),
        ({"n": {"N": "1"}}, 3),
        ({"n": {"N": "-1234"}}, 5),
        ({"n": {"N": "1000"}}, 3),
        ({"n": {"N": "3.14159"}}, 6),
        ({"n": {"N": "123456"}}, 5),
        ({"n": {"N": "0.0012"}}, 3),
        ({"n": {"N": "-100.5"}}, 6),
        ({"b": {"B": "AAE="}}, 3),
        ({"b": {"BOOL": True}}, 2),
        ({"l": {"L": [{"S": "ab"}]}}, 1 + 3 + 1 + 2),
        ({"m": {"M": {"k": {"S": "ab"}}}}, 1 + 3 + 1 + 3),
        ({"s": {"SS": ["a", "bc"]}}, 4),
    ],
)
def test_items_weigh_what_the_guide_says(item: dict[str, Any], size: int) -> None:
    assert sizes.size(values.check_item(item)) == size
