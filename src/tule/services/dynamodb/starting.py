"""ExclusiveStartKey and LastEvaluatedKey: where a Query or Scan goes on."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.lang.dynamodb.values import check_item, shown
from tule.services.dynamodb import refusals
from tule.services.dynamodb.errors import validation
from tule.services.dynamodb.table import Index, Table

Item = dict[str, Any]
Params = dict[str, Any]


def names(table: Table, index: Index | None) -> tuple[str, ...]:
    """Attributes that say where an item lies in the table, or in the index."""
    return table.keys.all if index is None else tuple(dict.fromkeys((*table.keys.all, *index.keys.all)))


def last_key(table: Table, index: Index | None, data: bytes) -> Item:
    """LastEvaluatedKey, from the JSON of the last item that was looked at."""
    item = orjson.loads(data)
    return {name: item[name] for name in names(table, index)}


def start_key(params: Params, table: Table, index: Index | None, wrong_names: ServiceError) -> Item | None:
    """ExclusiveStartKey in normal form; None where there is none.  Raises `wrong_names`, or ValidationException for wrong types."""
    given = params.get("ExclusiveStartKey")
    if given is None:
        return None
    try:
        key = check_item(given)
    except ServiceError as error:
        if error.code != "ValidationException":
            raise
        raise validation(f"The provided exclusive start key is invalid: {error.message}") from None
    wanted = names(table, index)
    if len(key) != len(wanted) or not all(name in key for name in wanted):
        raise wrong_names
    for name in wanted:
        kind = table.types[name]
        if kind not in key[name]:
            raise refusals.key_mismatch()
        if not key[name][kind]:
            raise validation(
                f"The provided exclusive start key is invalid: {refusals.empty_key(name, 'string' if kind == 'S' else 'binary').message}"
            )
    return key


def not_restartable(key: Item) -> ServiceError:
    """Of a Query of a table without sort key: there is nothing after its one item."""
    text = ", ".join(f"{name}={shown(value)}" for name, value in key.items())
    return validation(f"The provided exclusive start key is invalid: ExclusiveStartKey: {{{text}}}")


def outside_partition() -> ServiceError:
    return validation("The provided starting key is outside query boundaries based on provided conditions")


def outside_range() -> ServiceError:
    return validation("The provided starting key does not match the range key predicate")


def only_one_row() -> ServiceError:
    return validation("The query can return at most one row and cannot be restarted")
