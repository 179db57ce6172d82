"""PutItem, GetItem, UpdateItem, DeleteItem.  AWS: DynamoDB API reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orjson import Fragment

from tule.core.errors import ServiceError
from tule.lang.dynamodb import clauses, layers
from tule.lang.dynamodb.values import check_item
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import capacity, item_collections, items, keys, refusals, throttling, writes
from tule.services.dynamodb.capacity import Usage
from tule.services.dynamodb.items import Change, Found
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import find, find_for_change
from tule.services.dynamodb.writes import ConditionFailed, Update, Write
from tule.store.store import Tx

Params = dict[str, Any]

_OLD_ONLY = frozenset(("NONE", "ALL_OLD"))


def put_item(call: Call, tx: Tx, params: Params) -> Params:
    if params.get("ReturnValues", "NONE") not in _OLD_ONLY:
        raise refusals.return_values_invalid()
    return _write(call, tx, params, _asked(writes.put, params))


def delete_item(call: Call, tx: Tx, params: Params) -> Params:
    if params.get("ReturnValues", "NONE") not in _OLD_ONLY:
        raise refusals.return_values_invalid()
    return _write(call, tx, params, _asked(writes.delete, params))


def update_item(call: Call, tx: Tx, params: Params) -> Params:
    return _write(call, tx, params, _asked(writes.update, params))


def _asked(read: Callable[[Params], Write], params: Params) -> Write:
    """What a request asks; what is wrong with it is said within an envelope, other than that its item is too large."""
    try:
        return read(params)
    except ServiceError as error:
        if error.message == refusals.item_too_large().message:
            raise
        raise layers.current(error, enveloped=True) from None


def _key(params: Params) -> Params:
    try:
        return check_item(params["Key"])
    except ServiceError as error:
        raise layers.current(error) from None


@reads
def get_item(call: Call, tx: Tx, params: Params) -> Params:
    projection = clauses.read(params)
    key = _key(params)
    table = find(call.node, tx, call.account, call.region, params["TableName"])
    throttling.check(call, table, "read")
    found = items.find(tx, table, keys.position_of_key(table, key))
    answer: Params = {}
    if found is not None:
        answer["Item"] = Fragment(found.data) if projection is None else projection.of(found.item)
    mode = params.get("ReturnConsumedCapacity")
    used = capacity.read_units(0 if found is None else found.size, consistent=params.get("ConsistentRead", False))
    if mode is None and table.account == call.account and not throttling.is_limited(call, table):
        call.measured = "read", table.name, used
        return answer
    usage = Usage(table, used, named=params["TableName"])
    throttling.use(call, tx, usage, "read")
    answer["ConsumedCapacity"] = capacity.consumed(usage, mode)
    return answer


def _write(call: Call, tx: Tx, params: Params, write: Write) -> Params:
    table = find_for_change(call.node, tx, call.account, call.region, params["TableName"])
    throttling.check(call, table, "write")
    mode = params.get("ReturnConsumedCapacity")
    counts = mode is not None or throttling.is_limited(call, table)
    values = params.get("ReturnValues", "NONE")
    try:
        change = writes.run(tx, table, write, looks=counts or values != "NONE")
    except ConditionFailed as failure:
        raise _condition_failed(failure, params) from None
    answer: Params = {}
    if values != "NONE":
        answer["Attributes"] = _returned(values, write, change)
    if counts or change.index_units or table.account != call.account:
        usage = Usage(table, named=params["TableName"])
        usage.add(change.units, change.index_units)
        throttling.use(call, tx, usage, "write")
        answer["ConsumedCapacity"] = capacity.consumed(usage, mode)
    else:
        call.measured = "write", table.name, change.units
    if params.get("ReturnItemCollectionMetrics") == "SIZE":
        answer["ItemCollectionMetrics"] = _metrics(tx, table, write, change)
    return answer


def _condition_failed(failure: ConditionFailed, params: Params) -> Exception:
    wants_item = params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and failure.found is not None
    return refusals.condition_failed(Fragment(failure.found.data) if wants_item and failure.found is not None else None)


def _returned(values: str, write: Write, change: Change) -> Any:
    """Attributes as ReturnValues wants them; None for none."""
    if values in ("ALL_OLD", "ALL_NEW"):
        found: Found | None = change.old if values == "ALL_OLD" else change.new
        return None if found is None else Fragment(found.data)
    side = change.old if values == "UPDATED_OLD" else change.new
    if side is None or not isinstance(write, Update) or write.clause is None:
        return None
    return write.clause.values_in(side.item)


def _metrics(tx: Tx, table: Table, write: Write, change: Change) -> Params | None:
    if not item_collections.are_measured(table):
        return None
    key = write.new.item if isinstance(write, writes.Put) else write.key
    return item_collections.metrics(tx, table, key, change.at)
