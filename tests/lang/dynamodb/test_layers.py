"""Refusals in the words of either layer."""

from __future__ import annotations

from typing import Any

import pytest

from tule.core.errors import ServiceError
from tule.lang.dynamodb import clauses, layers, values

INVALID = "One or more parameter values were invalid: "


@pytest.mark.parametrize(
    ("value", "older", "current"),
    [
        ({"N": ""}, "The parameter cannot be converted to a numeric value", "The parameter cannot be converted to a numeric value: "),
        ({"N": "abc"}, "The parameter cannot be converted to a numeric value: abc", "The parameter cannot be converted to a numeric value: abc"),
        (
            {"SS": ["b", "a", "b"]},
            f"{INVALID}Input collection [b, a, b] contains duplicates.",
            f'{INVALID}Input collection ["a", "b", "b"] contains duplicates.',
        ),
        (
            {"BS": ["/w==", "AA==", "AA=="]},
            f"{INVALID}Input collection [/w==, AA==, AA==]of type BS contains duplicates.",
            f'{INVALID}Input collection ["AA==","/w==","AA=="]of type BS contains duplicates.',
        ),
        ({"NS": ["2", "1", "2"]}, "Input collection contains duplicates", f"{INVALID}Input collection contains duplicates."),
    ],
)
def test_values_are_refused_in_either_wording(value: dict[str, Any], older: str, current: str) -> None:
    with pytest.raises(ServiceError) as refused:
        values.check({"M": {"a": value}})
    assert refused.value.message == older
    assert layers.current(refused.value).message == current
    assert layers.current(refused.value, enveloped=True).message == f"1 validation error detected: {current}"


def test_only_the_older_layer_names_the_placeholder() -> None:
    asked = {"FilterExpression": "a = :v", "ExpressionAttributeValues": {":v": {"N": "x"}, ":p": {"S": ""}}}
    with pytest.raises(ServiceError) as older:
        clauses.scanned(asked)
    with pytest.raises(ServiceError) as current:
        clauses.queried({**asked, "KeyConditionExpression": "p = :p"})
    what = "The parameter cannot be converted to a numeric value: x"
    assert older.value.message == f"ExpressionAttributeValues contains invalid value: {what} for key :v"
    assert current.value.message == what


def test_a_serialization_exception_is_the_same_in_both() -> None:
    error = ServiceError("SerializationException", "NUMBER_VALUE cannot be converted to String")
    assert layers.current(error, enveloped=True) is error
