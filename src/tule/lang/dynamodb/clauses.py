"""What a request asks by its expressions, or by the parameters that came before them: checked, and ready to run.

One function for each sort of request, in DynamoDB's order of complaints: mixing of old and new, placeholders, each expression,
unused placeholders.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb import layers, legacy, legacy_conditions
from tule.lang.dynamodb.conditions import Condition, condition
from tule.lang.dynamodb.key_conditions import KeyConditions, key_conditions
from tule.lang.dynamodb.placeholders import NAMES, VALUES, Placeholders
from tule.lang.dynamodb.projections import Projection, projection
from tule.lang.dynamodb.updates import Update, update

CONDITION, UPDATE = "ConditionExpression", "UpdateExpression"
PROJECTION, FILTER, KEYS = "ProjectionExpression", "FilterExpression", "KeyConditionExpression"

_WRITING = frozenset((CONDITION, UPDATE, NAMES, VALUES, "Expected", "ConditionalOperator", "AttributeUpdates"))
_READING = frozenset((PROJECTION, NAMES, "AttributesToGet"))


class Reading(NamedTuple):
    """What a Query or Scan asks; `filter_parameter` names where the filter came from, empty when it may look at keys too."""

    keys: KeyConditions | None
    filter: Condition | None
    projection: Projection | None
    filter_parameter: str

    def check_filter(self, key_attributes: Iterable[str]) -> None:
        """Refuse a Query's filter on attributes of the key that it reads by."""
        if self.filter is None or not self.filter_parameter:
            return
        for name in key_attributes:
            if name in self.filter.attributes:
                what = "Filter Expression" if self.filter_parameter == FILTER else self.filter_parameter
                raise validation(f"{what} can only contain non-primary key attributes: Primary key attribute: {name}")


def written(params: Mapping[str, Any]) -> Condition | None:
    """The condition of PutItem, DeleteItem, or of a part of a transaction that has no update."""
    if _WRITING.isdisjoint(params):
        return None
    legacy.check_unmixed(params, ("Expected", "ConditionalOperator"), (CONDITION,))
    placeholders = _placeholders(params, (CONDITION,), (CONDITION,))
    found = condition(CONDITION, params[CONDITION], placeholders) if CONDITION in params else legacy_conditions.expected(params)
    placeholders.check_all_used()
    return found


def updated(params: Mapping[str, Any]) -> tuple[Update | None, Condition | None]:
    """The update and the condition of UpdateItem, or of a transaction's Update."""
    legacy.check_unmixed(params, ("AttributeUpdates", "Expected", "ConditionalOperator"), (UPDATE, CONDITION))
    placeholders = _placeholders(params, (UPDATE, CONDITION), (UPDATE, CONDITION))
    change = update(params[UPDATE], placeholders) if UPDATE in params else None
    if change is None and "AttributeUpdates" in params:
        change = legacy.attribute_updates(params["AttributeUpdates"])
    asked = condition(CONDITION, params[CONDITION], placeholders) if CONDITION in params else legacy_conditions.expected(params)
    placeholders.check_all_used()
    return change, asked


def read(params: Mapping[str, Any]) -> Projection | None:
    """The projection of GetItem, of a table in BatchGetItem, of a transaction's Get."""
    if _READING.isdisjoint(params):
        return None
    legacy.check_unmixed(params, ("AttributesToGet",), (PROJECTION,))
    placeholders = _placeholders(params, (PROJECTION,), ())
    found = _projection(params, placeholders)
    placeholders.check_all_used()
    return found


def queried(params: Mapping[str, Any]) -> Reading:
    """What a Query asks."""
    try:
        return _queried(params)
    except ServiceError as error:
        raise layers.current(error) from None


def _queried(params: Mapping[str, Any]) -> Reading:
    older = ("AttributesToGet", "QueryFilter", "ConditionalOperator")
    legacy.check_unmixed(params, (*older, "KeyConditions") if KEYS in params else older, (PROJECTION, FILTER, KEYS))
    placeholders = _placeholders(params, (PROJECTION, FILTER, KEYS), (FILTER, KEYS))
    if KEYS in params:
        keys = key_conditions(params[KEYS], placeholders)
    elif params.get("KeyConditions"):
        keys = legacy.key_conditions(params["KeyConditions"])
    else:
        raise validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    return _reading(params, placeholders, keys, "QueryFilter")


def scanned(params: Mapping[str, Any]) -> Reading:
    """What a Scan asks."""
    legacy.check_unmixed(params, ("AttributesToGet", "ScanFilter", "ConditionalOperator"), (PROJECTION, FILTER))
    return _reading(params, _placeholders(params, (PROJECTION, FILTER), (FILTER,)), None, "ScanFilter")


def _reading(params: Mapping[str, Any], placeholders: Placeholders, keys: KeyConditions | None, older: str) -> Reading:
    found = condition(FILTER, params[FILTER], placeholders) if FILTER in params else legacy_conditions.filter_of(params, older)
    wanted = _projection(params, placeholders)
    placeholders.check_all_used()
    return Reading(keys, found, wanted, FILTER if FILTER in params else older)


def _projection(params: Mapping[str, Any], placeholders: Placeholders) -> Projection | None:
    if PROJECTION in params:
        return projection(params[PROJECTION], placeholders)
    return legacy.attributes_to_get(params["AttributesToGet"]) if params.get("AttributesToGet") else None


def _placeholders(params: Mapping[str, Any], naming: Collection[str], valuing: Collection[str]) -> Placeholders:
    """Names and values, refused when no expression is there that could use them."""
    if NAMES in params and params.keys().isdisjoint(naming):
        raise validation("ExpressionAttributeNames can only be specified when using expressions")
    if VALUES in params and params.keys().isdisjoint(valuing):
        missing = f"{' and '.join(valuing)} {'is' if len(valuing) == 1 else 'are'} null"
        what = "ExpressionAttributeValues can only be specified when using expressions"
        raise layers.Layered(f"{what}: {missing}", what)
    if NAMES not in params and VALUES not in params:
        return Placeholders()
    return Placeholders.of(params)
