"""DynamoDB's condition keys: what a request reads and writes of a table's items.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html

What cannot be made out, because the request is wrong, is left out: the operation refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tule.core.errors import ServiceError
from tule.lang.dynamodb import clauses
from tule.services.dynamodb.table import Keys, Table

Params = Mapping[str, Any]
Context = dict[str, Any]

LEADING = "dynamodb:LeadingKeys"
ATTRIBUTES = "dynamodb:Attributes"
SELECT = "dynamodb:Select"
RETURN_VALUES = "dynamodb:ReturnValues"
CONSUMED = "dynamodb:ReturnConsumedCapacity"
ENCLOSING = "dynamodb:EnclosingOperation"
FULL_SCAN = "dynamodb:FullTableScan"
_BY_PLACE = ("First", "Second", "Third", "Fourth")


def of_read(table: Table | None, params: Params, keys: Iterable[Params], request: Params) -> Context:
    """GetItem, a transaction's Get, and a table of BatchGetItem; `request` is the whole."""
    keys = list(keys)
    names = {name for key in keys for name in key}
    projection = _tried(clauses.read, params)
    is_specific = projection is not None
    if projection is not None:
        names |= projection.attributes
    select = "SPECIFIC_ATTRIBUTES" if is_specific else "ALL_ATTRIBUTES"
    return {**_leading(table, keys), ATTRIBUTES: sorted(names), SELECT: select} | consumed(request)


def of_put(table: Table | None, params: Params, request: Params) -> Context:
    """PutItem, and a transaction's Put."""
    item = params["Item"]
    return {**_leading(table, [item]), ATTRIBUTES: sorted(set(item) | _condition(params))} | _answer(params, request)


def of_batch(table: Table | None, items: Iterable[Params], request: Params) -> Context:
    """The items that BatchWriteItem puts into a table, and the keys of those that it deletes."""
    items = list(items)
    return {**_leading(table, items), ATTRIBUTES: sorted({name for item in items for name in item})} | consumed(request)


def of_delete(table: Table | None, params: Params, request: Params) -> Context:
    """DeleteItem, a transaction's Delete and ConditionCheck."""
    key = params["Key"]
    return {**_leading(table, [key]), ATTRIBUTES: sorted(set(key) | _condition(params))} | _answer(params, request)


def of_update(table: Table | None, params: Params, request: Params) -> Context:
    key = params["Key"]
    found = _tried(clauses.updated, params)
    names = set(key) | set(params.get("AttributeUpdates") or ()) | set(params.get("Expected") or ())
    for part in found or ():
        names |= part.attributes if part is not None else set()
    return {**_leading(table, [key]), ATTRIBUTES: sorted(names)} | _answer(params, request)


def of_query(table: Table | None, params: Params) -> Context:
    reading = _tried(clauses.queried, params)
    context = _reading(reading, params)
    if reading is not None and reading.keys is not None and table is not None:
        equal = {one.attribute: one.values[0] for one in reading.keys.conditions if one.operator in ("=", "EQ") and one.values}
        context |= _leading(table, [equal], _keys(table, params))
        context[ATTRIBUTES] = sorted({*context[ATTRIBUTES], *reading.keys.attributes})
    return context


def of_scan(table: Table | None, params: Params) -> Context:
    return _reading(_tried(clauses.scanned, params), params)


def _reading(reading: clauses.Reading | None, params: Params) -> Context:
    names: set[str] = set()
    projection = None if reading is None else reading.projection
    if reading is not None and reading.filter is not None:
        names |= reading.filter.attributes
    if projection is not None:
        names |= projection.attributes
    usual = "ALL_PROJECTED_ATTRIBUTES" if "IndexName" in params else "ALL_ATTRIBUTES"
    select = params.get("Select") or ("SPECIFIC_ATTRIBUTES" if projection is not None else usual)
    return {ATTRIBUTES: sorted(names), SELECT: select} | consumed(params)


def _keys(table: Table, params: Params) -> Keys:
    index = table.index(params["IndexName"]) if "IndexName" in params else None
    return table.keys if index is None else index.keys


def _leading(table: Table | None, items: Iterable[Params], keys: Keys | None = None) -> Context:
    """The partition keys that a request names; of a key of several attributes, each attribute's values under its place."""
    if table is None:
        return {}
    names = (keys or table.keys).hash
    found: list[list[str]] = [[] for _ in names]
    for item in items:
        for place, name in enumerate(names):
            found[place] += _text(item.get(name))
    context: Context = {LEADING: found[0]}
    for place, values in enumerate(found):
        context[f"dynamodb:{_BY_PLACE[place]}PartitionKeyValues"] = values
    return context


def _text(value: Any) -> list[str]:
    scalar = next(iter(value.values()), None) if isinstance(value, dict) else None
    return [scalar] if isinstance(scalar, str) else []


def _condition(params: Params) -> set[str]:
    condition = _tried(clauses.written, params)
    return set(params.get("Expected") or ()) | (set() if condition is None else set(condition.attributes))


def _tried(read: Any, params: Params) -> Any:
    try:
        return read(params)
    except ServiceError:
        return None


def _answer(params: Params, request: Params) -> Context:
    return {RETURN_VALUES: params.get("ReturnValues") or "NONE"} | consumed(request)


def consumed(request: Params) -> Context:
    return {CONSUMED: request.get("ReturnConsumedCapacity") or "NONE"}
