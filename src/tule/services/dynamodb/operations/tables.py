"""Making, describing, listing and deleting tables.  AWS: DynamoDB API reference, CreateTable, DescribeTable, ListTables, DeleteTable.

A table is ready when CreateTable answers, and gone when DeleteTable does: CREATING and DELETING stand in their answers alone.
"""

from __future__ import annotations

from typing import Any

from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import descriptions, errors, schemas
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import ACTIVE, CREATING, DELETING
from tule.services.dynamodb.tables import table_of
from tule.store.store import Tx

Params = dict[str, Any]

MAX_NAMES = 100


def create_table(call: Call, tx: Tx, params: Params) -> Params:
    on_demand = params.get("BillingMode") == "PAY_PER_REQUEST"
    units = params.get("ProvisionedThroughput") or {}
    local = [schemas.index_config(rows.new_id(tx), one, is_global=False) for one in params.get("LocalSecondaryIndexes") or ()]
    of_all = [schemas.index_config(rows.new_id(tx), one, is_global=True) for one in params.get("GlobalSecondaryIndexes") or ()]
    config: dict[str, Any] = {
        "uuid": tx.ids.uuid(),
        "status": ACTIVE,
        "created_ms": tx.now_ms,
        "types": schemas.types_of(params.get("AttributeDefinitions") or ()),
        **schemas.keys_of(params.get("KeySchema") or ()),
        "indexes": local + of_all,
        "on_demand": on_demand,
        "read_units": units.get("ReadCapacityUnits", 0),
        "write_units": units.get("WriteCapacityUnits", 0),
    }
    if on_demand:
        config["on_demand_ms"] = tx.now_ms
    table = rows.create(tx, rows.new_id(tx), call.account, call.region, params["TableName"], config)
    if table is None:
        raise errors.table_exists(params["TableName"])
    return {"TableDescription": descriptions.table_description(table, status=CREATING)}


@reads
def describe_table(call: Call, tx: Tx, params: Params) -> Params:
    return {"Table": descriptions.table_description(table_of(call, tx, params["TableName"]))}


@reads
def list_tables(call: Call, tx: Tx, params: Params) -> Params:
    limit = params.get("Limit", MAX_NAMES)
    found = rows.names(tx, call.account, call.region, params.get("ExclusiveStartTableName", ""), limit + 1)
    names, last = page(found, limit, lambda name: name)
    return {"TableNames": names} | ({"LastEvaluatedTableName": last} if last is not None else {})


def delete_table(call: Call, tx: Tx, params: Params) -> Params:
    table = table_of(call, tx, params["TableName"])
    rows.delete(tx, table)
    return {"TableDescription": descriptions.table_description(table, status=DELETING)}
