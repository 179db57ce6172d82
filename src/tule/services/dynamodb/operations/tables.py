"""Making, describing, listing and deleting tables.  AWS: DynamoDB API reference, CreateTable, DescribeTable, ListTables, DeleteTable.

A table is ready when CreateTable answers, and gone when DeleteTable does: CREATING and DELETING stand in their answers alone.
"""

from __future__ import annotations

from typing import Any

from tule.core.errors import not_implemented
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import creation, descriptions, encryption, errors, measures, removal
from tule.services.dynamodb.measures import Measures
from tule.services.dynamodb.names import table_ref
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import CREATING, DELETING, Table
from tule.services.dynamodb.tables import described, table_of
from tule.store.store import Tx

Params = dict[str, Any]

MAX_NAMES = 100
_NOT_BUILT = ("VectorIndexes", "GlobalTableSourceArn")


async def create_table(call: Call, params: Params) -> Params:
    for member in _NOT_BUILT:
        if member in params:
            raise not_implemented("dynamodb", f"CreateTable with {member}")
    creation.check(params)
    key = await encryption.key_of(call, params.get("SSESpecification"))
    return await call.node.store.write(lambda tx: _create(call, tx, params, key))


def _create(call: Call, tx: Tx, params: Params, key: str | None) -> Params:
    ref = table_ref(call.account, call.region, params["TableName"])
    table = creation.create(call, tx, ref, creation.config_of(tx, params, key))
    view = (params.get("StreamSpecification") or {}).get("StreamViewType")
    table = creation.with_stream(tx, table, view)
    return {"TableDescription": descriptions.made(table, tx.now_ms, status=CREATING, index_status=CREATING)}


async def describe_table(call: Call, params: Params) -> Params:
    table, measured, now_ms = await call.node.store.read(lambda tx: _look(call, tx, params["TableName"]))
    return {"Table": descriptions.described(table, await measures.shown(call.node, table, measured), now_ms)}


def _look(call: Call, tx: Tx, name: str) -> tuple[Table, Measures, int]:
    table = table_of(call, tx, name)
    return table, measures.remembered(call.node, table, tx.now_ms) or measures.first_look(tx, table), tx.now_ms


@reads
def list_tables(call: Call, tx: Tx, params: Params) -> Params:
    limit = params.get("Limit", MAX_NAMES)
    found = rows.names(tx, call.account, call.region, params.get("ExclusiveStartTableName", ""), limit + 1)
    names, last = page(found, limit, lambda name: name)
    return {"TableNames": names} | ({"LastEvaluatedTableName": last} if last is not None else {})


def delete_table(call: Call, tx: Tx, params: Params) -> Params:
    table = described(tx, call.account, call.region, params["TableName"])
    if not table.is_usable:
        raise errors.table_in_use(table.name)
    if table.config.get("deletion_protection"):
        raise errors.deletion_protected()
    shown = descriptions.deleted(table, measures.first_look(tx, table), tx.now_ms, DELETING)
    removal.remove(tx, table)
    return {"TableDescription": shown}
