"""What PartiQL statements need: a permission for each, by kind, on the table or the index that it names.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import ServiceError
from tule.lang.partiql.binding import Bound
from tule.lang.partiql.parser import parse
from tule.lang.partiql.syntax import Delete, Exists, Insert, Select, Statement, Update
from tule.services.dynamodb import access_keys
from tule.services.dynamodb.table import Keys, Table

Params = Mapping[str, Any]


def parsed(text: str) -> Statement | None:
    """None for what is no statement: the operation says what is wrong."""
    try:
        return parse(text)
    except ServiceError:
        return None


def action(statement: Statement) -> str:
    if isinstance(statement, Insert):
        return "PartiQLInsert"
    if isinstance(statement, Update):
        return "PartiQLUpdate"
    return "PartiQLDelete" if isinstance(statement, Delete) else "PartiQLSelect"


def index_of(statement: Statement) -> str | None:
    select = statement.select if isinstance(statement, Exists) else statement
    return select.index if isinstance(select, Select) else None


def context(statement: Statement, table: Table | None, given: Params) -> dict[str, Any]:
    """The condition keys of a statement with its parameters."""
    try:
        bound = Bound(statement, given.get("Parameters"))
    except ServiceError:
        return {}
    found: dict[str, Any] = {access_keys.ATTRIBUTES: sorted(_attributes(statement, bound))}
    if isinstance(statement, Update | Delete):
        found[access_keys.RETURN_VALUES] = statement.returning
    if table is None:
        return found
    keys = _leading(statement, bound, _keys(statement, table))
    if isinstance(statement, Select | Exists):
        found[access_keys.FULL_SCAN] = "false" if keys else "true"
        found[access_keys.SELECT] = "SPECIFIC_ATTRIBUTES" if _columns(statement) else "ALL_ATTRIBUTES"
    return found | ({access_keys.LEADING: keys} if keys else {})


def _attributes(statement: Statement, bound: Bound) -> set[str]:
    names = set(() if bound.where is None else bound.where.attributes)
    if isinstance(statement, Insert):
        return names | set(bound.value(statement.item).get("M", {}))
    if isinstance(statement, Update):
        return names | set(bound.update().attributes)
    return names | _columns(statement)


def _columns(statement: Statement) -> set[str]:
    select = statement.select if isinstance(statement, Exists) else statement
    columns = select.columns if isinstance(select, Select) else None
    names = statement.wording.names
    return {names.get(str(column.steps[0]), str(column.steps[0])) for column in columns or ()}


def _keys(statement: Statement, table: Table) -> Keys:
    index = table.index(index_of(statement) or "")
    return table.keys if index is None else index.keys


def _leading(statement: Statement, bound: Bound, keys: Keys) -> Sequence[str]:
    """The values of the first partition key attribute that a statement names."""
    if isinstance(statement, Insert):
        values = [bound.value(statement.item).get("M", {}).get(keys.hash[0])]
    else:
        found = bound.key_conditions(keys.hash, keys.range)
        values = [one.values[0] for conditions in found for one in conditions.conditions if one.attribute == keys.hash[0]]
    return [next(iter(value.values())) for value in values if isinstance(value, dict) and isinstance(next(iter(value.values())), str)]
