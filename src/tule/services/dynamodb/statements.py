"""PartiQL statements as reads and writes of a table.

A SELECT that names a partition key is a Query, for each of the keys where it names several, else a Scan; an INSERT is a put of
an item that must not exist, an UPDATE an update of one that must.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.lang.dynamodb.clauses import Reading
from tule.lang.dynamodb.conditions import Condition, condition
from tule.lang.dynamodb.key_conditions import KeyConditions
from tule.lang.dynamodb.placeholders import Placeholders
from tule.lang.dynamodb.values import check_item
from tule.lang.partiql.binding import Bound
from tule.lang.partiql.columns import Columns
from tule.lang.partiql.syntax import Delete, Exists, Insert, Select, Update
from tule.platform.call import Call
from tule.services.dynamodb import items, writes
from tule.services.dynamodb.errors import validation
from tule.services.dynamodb.operations import queries
from tule.services.dynamodb.table import Keys, Table
from tule.services.dynamodb.tables import find
from tule.services.dynamodb.writes import Write

Params = dict[str, Any]
Item = dict[str, Any]

_PASSED_ON = ("ConsistentRead", "ReturnConsumedCapacity", "Limit")


def duplicate_item() -> ServiceError:
    """INSERT never replaces."""
    return ServiceError("DuplicateItemException", "Duplicate primary key exists in table", 400)


# Writing.


def write(table: Table, bound: Bound) -> Write:
    """What the statement does to an item.  Raises ValidationException where it does not name one by its whole key."""
    statement = bound.statement
    names = table.keys.all
    if isinstance(statement, Insert):
        return writes.Put(items.new_item(_item(bound, statement)), _is_absent(table.keys))
    if isinstance(statement, Update):
        update = bound.update()
        return writes.Update(check_item(bound.key(names)), update, bound.where)
    if isinstance(statement, Delete):
        key = check_item(bound.key(names))
        return writes.Delete(key, None if bound.names_only(names) else bound.where)
    assert isinstance(statement, Exists)
    if bound.names_only(names):
        raise validation("EXISTS() must contain a single item read with additional condition")
    return writes.Check(check_item(bound.key(names)), bound.where)


def _item(bound: Bound, statement: Insert) -> Item:
    value = bound.value(statement.item)
    if "M" not in value:
        raise validation("Unsupported operation: INSERT takes a map of attributes and their values")
    return check_item(value["M"])


def _is_absent(keys: Keys) -> Condition:
    return condition("ConditionExpression", "attribute_not_exists(#k)", Placeholders({"#k": keys.hash[0]}))


# Reading.


def key_of(table: Table, bound: Bound) -> Item:
    """The key of the one item that a SELECT names, where it must name one."""
    return check_item(bound.key(table.keys.all))


def columns(statement: Select) -> Columns | None:
    """What the statement shows of an item; None for all of it."""
    return None if statement.columns is None else Columns(statement.columns, statement.wording.names)


async def select(call: Call, bound: Bound, params: Params, start: Mapping[str, Any]) -> tuple[Params, Params | None]:
    """A page of what the statement selects, as Query and Scan answer, and where to go on, `start` of the next page."""
    statement = bound.statement
    assert isinstance(statement, Select)
    table = await call.node.store.read(lambda tx: find(call.node, tx, call.account, call.region, statement.table))
    keys = _keys(table, statement)
    if params.get("ConsistentRead") and _is_of_global_index(table, statement):
        raise validation("Strongly consistent read is not supported on Global Secondary Indexes")
    lookups = bound.key_conditions(keys.hash, keys.range)
    asked = _asked(statement, params, start)
    _order(statement, keys, lookups, asked)
    if not lookups:
        answer = await queries.Walk(call, asked, _reading(bound, statement, None)).answer()
        return answer, _next(answer, 0)
    return await _looked_up(call, bound, statement, lookups, asked, start.get("at", 0))


def check_index(table: Table, statement: Select) -> None:
    """Raises ValidationException where the statement names an index that is not there, or whose key PartiQL does not know."""
    _keys(table, statement)


def _keys(table: Table, statement: Select) -> Keys:
    if statement.index is None:
        return table.keys
    index = table.index(statement.index)
    if index is None:
        raise validation("The table does not have the specified index")
    if len(index.keys.hash) > 1 or len(index.keys.range) > 1:
        raise validation("PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys.")
    return index.keys


def _is_of_global_index(table: Table, statement: Select) -> bool:
    index = None if statement.index is None else table.index(statement.index)
    return index is not None and index.is_global


def _asked(statement: Select, params: Params, start: Mapping[str, Any]) -> Params:
    asked = {name: params[name] for name in _PASSED_ON if name in params} | {"TableName": statement.table}
    if statement.index is not None:
        asked["IndexName"] = statement.index
    if start.get("key") is not None:
        asked["ExclusiveStartKey"] = start["key"]
    return asked


def _order(statement: Select, keys: Keys, lookups: list[KeyConditions], asked: Params) -> None:
    """Items come in the order of the sort key, or against it; nothing else orders them."""
    if not statement.order:
        return
    if statement.where is None:
        raise validation("Must have WHERE clause in the statement when using ORDER BY clause.")
    if not lookups:
        raise validation("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.")
    for name, descends in statement.order:
        if name not in keys.all:
            raise validation(f"Variable reference {name} in ORDER BY clause must be part of the primary key")
        if name in keys.range or not keys.range:
            asked["ScanIndexForward"] = not descends


async def _looked_up(
    call: Call, bound: Bound, statement: Select, lookups: list[KeyConditions], asked: Params, at: int
) -> tuple[Params, Params | None]:
    """Partition key by partition key, until the page is full."""
    found: list[Params] = []
    for number in range(at, len(lookups)):
        answer = await queries.Walk(call, dict(asked), _reading(bound, statement, lookups[number])).answer()
        found.append(answer)
        if "LastEvaluatedKey" in answer:
            return _joined(found), _next(answer, number)
        asked.pop("ExclusiveStartKey", None)
        if "Limit" in asked:
            asked["Limit"] -= answer["ScannedCount"]
            if not asked["Limit"] and number + 1 < len(lookups):
                return _joined(found), {"at": number + 1, "key": None}
    return _joined(found), None


def _reading(bound: Bound, statement: Select, keys: KeyConditions | None) -> Reading:
    return Reading(keys, bound.where, columns(statement), "")


def _next(answer: Params, at: int) -> Params | None:
    return {"at": at, "key": answer["LastEvaluatedKey"]} if "LastEvaluatedKey" in answer else None


def _joined(answers: list[Params]) -> Params:
    if len(answers) == 1:
        return answers[0]
    joined: Params = {"Items": [item for answer in answers for item in orjson.loads(orjson.dumps(answer["Items"]))]}
    if "LastEvaluatedKey" in answers[-1]:
        joined["LastEvaluatedKey"] = answers[-1]["LastEvaluatedKey"]
    used = [answer["ConsumedCapacity"] for answer in answers if answer.get("ConsumedCapacity")]
    if used:
        joined["ConsumedCapacity"] = _summed(used)
    return joined


def _summed(used: list[Params]) -> Params:
    """Capacities of the same shape, added up."""
    total: Params = {}
    for one in used:
        for name, value in one.items():
            if isinstance(value, dict):
                total[name] = _summed([total.get(name, {}), value])
            else:
                total[name] = total.get(name, 0) + value if isinstance(value, (int, float)) else value
    return total
