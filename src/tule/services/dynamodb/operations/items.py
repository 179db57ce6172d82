"""PutItem, GetItem, UpdateItem, DeleteItem.  AWS: DynamoDB API reference."""

from __future__ import annotations

from typing import Any

from orjson import Fragment

from tule.lang.dynamodb.values import check_item
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import items, keys
from tule.services.dynamodb.tables import find, find_for_change
from tule.store.store import Tx

Params = dict[str, Any]


def put_item(call: Call, tx: Tx, params: Params) -> Params:
    item = check_item(params["Item"])
    new = items.new_item(item)
    table = find_for_change(call.node, tx, call.account, call.region, params["TableName"])
    at = keys.position_of_item(table, item)
    items.put(tx, table, at, None, new)
    return {}


@reads
def get_item(call: Call, tx: Tx, params: Params) -> Params:
    table = find(call.node, tx, call.account, call.region, params["TableName"])
    found = items.find(tx, table, keys.position_of_key(table, check_item(params["Key"])))
    return {} if found is None else {"Item": Fragment(found.data)}
