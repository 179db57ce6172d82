"""Who may do what with tables, indexes and streams.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
An operation on items needs its permission on the table's ARN, or the index's that it reads; transactions need those of their
parts.  The table's resource policy counts as well, and so lets other accounts in.  The account's own root, whom nothing but
a resource policy could refuse, is not looked into further.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson

from tule.access.actions import tags_in_request
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Need, RememberedNeeds
from tule.services.dynamodb import access_keys, access_statements
from tule.services.dynamodb.names import TableRef, resource_ref, table_ref
from tule.services.dynamodb.streams import iterators
from tule.services.dynamodb.table import Table, table_arn
from tule.services.dynamodb.tables import remembered

Params = dict[str, Any]
Context = Mapping[str, Any]
Keyed = Callable[[Table | None, Params], Context]  # condition keys of a request to one table

_PARTS = {"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_ON_TABLE = (
    "CreateBackup", "DeleteTable", "DescribeContinuousBackups", "DescribeKinesisStreamingDestination", "DescribeTable",
    "DescribeTableReplicaAutoScaling", "DescribeTimeToLive", "DisableKinesisStreamingDestination", "EnableKinesisStreamingDestination",
    "UpdateContinuousBackups", "UpdateKinesisStreamingDestination", "UpdateTimeToLive", "StartBulkPutItems",
)  # fmt: skip
_TO_REPLICATE = (
    "CreateTable", "CreateTableReplica", "Query", "Scan", "UpdateItem", "PutItem", "GetItem", "DeleteItem", "BatchWriteItem",
)  # fmt: skip
_ON_INDEX_TOO = ("DescribeContributorInsights", "UpdateContributorInsights")
_ON_RESOURCE = ("DeleteResourcePolicy", "GetResourcePolicy", "ListTagsOfResource", "PutResourcePolicy", "TagResource", "UntagResource")


class _Place:
    """A table that a request names, and what is remembered of it."""

    def __init__(self, ref: TableRef, table: Table | None) -> None:
        self.ref = ref
        self.table = table

    def need(self, call: Call, action: str, context: Context, resource: str = "") -> Sequence[Need]:
        """Nothing for the account's root, where no policy of the table could refuse it."""
        table = self.table
        policy = None if table is None else table.policy
        if policy is None and call.principal.kind == "root" and call.principal.account == self.ref.account:
            return ()
        tags = {} if table is None or not table.tags else {f"aws:ResourceTag/{key}": value for key, value in table.tags.items()}
        document = None if policy is None else orjson.loads(policy)
        return (Need(f"dynamodb:{action}", resource or self.ref.arn, {**tags, **context}, document, self.ref.account),)

    def is_free(self, call: Call) -> bool:
        """Whether this caller needs no permission here: `need` would give none."""
        return (self.table is None or self.table.policy is None) and call.principal.kind == "root" and call.principal.account == self.ref.account


async def _place(call: Call, name: str) -> _Place | None:
    """None for what names no table: the operation says what is wrong."""
    try:
        ref = table_ref(call.account, call.region, name)
    except ServiceError:
        return None
    return _Place(ref, await remembered(call.node, ref))


def _on_items(action: str, keyed: Keyed) -> RememberedNeeds:
    async def needs(call: Call, params: Params) -> Sequence[Need]:
        place = await _place(call, params["TableName"])
        if place is None or place.is_free(call):
            return ()
        resource = f"{place.ref.arn}/index/{params['IndexName']}" if "IndexName" in params else ""
        return place.need(call, action, keyed(place.table, params), resource)

    return needs


async def _batch_get(call: Call, params: Params) -> Sequence[Need]:
    needed: list[Need] = []
    for name, asked in params["RequestItems"].items():
        place = await _place(call, name)
        if place is not None and not place.is_free(call):
            needed += place.need(call, "BatchGetItem", access_keys.of_read(place.table, asked, asked["Keys"], params))
    return needed


async def _batch_write(call: Call, params: Params) -> Sequence[Need]:
    needed: list[Need] = []
    for name, requests in params["RequestItems"].items():
        place = await _place(call, name)
        if place is not None and not place.is_free(call):
            written = [one["PutRequest"]["Item"] if "PutRequest" in one else one.get("DeleteRequest", {}).get("Key", {}) for one in requests]
            needed += place.need(call, "BatchWriteItem", access_keys.of_batch(place.table, written, params))
    return needed


async def _transact(call: Call, params: Params) -> Sequence[Need]:
    needed: list[Need] = []
    for part in params["TransactItems"]:
        for kind, asked in part.items():
            place = await _place(call, asked["TableName"])
            if place is not None and not place.is_free(call):
                context = {**_of_part(kind, place.table, asked, params), access_keys.ENCLOSING: call.operation}
                needed += place.need(call, _PARTS[kind], context)
    return needed


def _of_part(kind: str, table: Table | None, asked: Params, request: Params) -> Context:
    if kind == "Get":
        return access_keys.of_read(table, asked, [asked["Key"]], request)
    if kind == "Put":
        return access_keys.of_put(table, asked, request)
    return (access_keys.of_update if kind == "Update" else access_keys.of_delete)(table, asked, request)


async def _statement(call: Call, params: Params) -> Sequence[Need]:
    return await _of_statements(call, [params], access_keys.consumed(params))


async def _batch_statements(call: Call, params: Params) -> Sequence[Need]:
    """Each statement is allowed or not on its own: `of_statement`."""
    return ()


async def of_statement(call: Call, request: Params, statement: Params) -> Sequence[Need]:
    """What one of a batch needs."""
    return await _of_statements(call, [statement], access_keys.consumed(request))


async def _transaction(call: Call, params: Params) -> Sequence[Need]:
    return await _of_statements(call, params["TransactStatements"], {access_keys.ENCLOSING: call.operation, **access_keys.consumed(params)})


async def _of_statements(call: Call, given: Sequence[Params], also: Context) -> Sequence[Need]:
    needed: list[Need] = []
    for one in given:
        statement = access_statements.parsed(one["Statement"])
        place = None if statement is None else await _place(call, statement.table)
        if statement is None or place is None or place.is_free(call):
            continue
        index = access_statements.index_of(statement)
        resource = f"{place.ref.arn}/index/{index}" if index else ""
        needed += place.need(call, access_statements.action(statement), {**access_statements.context(statement, place.table, one), **also}, resource)
    return needed


def _on_table(action: str, member: str = "TableName") -> RememberedNeeds:
    async def needs(call: Call, params: Params) -> Sequence[Need]:
        place = await _place(call, params[member])
        if place is None:
            return ()
        resource = f"{place.ref.arn}/index/{params['IndexName']}" if action in _ON_INDEX_TOO and "IndexName" in params else ""
        return place.need(call, action, tags_in_request(params), resource)

    return needs


async def _update_table(call: Call, params: Params) -> Sequence[Need]:
    """Replicas are made and deleted by who may do it in their regions."""
    place = await _place(call, params["TableName"])
    if place is None:
        return ()
    needed = list(place.need(call, "UpdateTable", tags_in_request(params)))
    for update in params.get("ReplicaUpdates") or ():
        for kind, given in update.items():
            if not needed or "RegionName" not in given or kind not in ("Create", "Delete"):
                continue
            there = table_arn(place.ref.account, given["RegionName"], place.ref.name)
            actions = _TO_REPLICATE if kind == "Create" else ("DeleteTable", "DeleteTableReplica")
            needed += place.need(call, f"{kind}TableReplica", {})
            needed += [Need(f"dynamodb:{action}", there, {}, None, place.ref.account) for action in actions]
    return needed


async def _create(call: Call, params: Params) -> Sequence[Need]:
    """A new table with tags or a policy needs the permission for these as well."""
    place = await _place(call, params["TableName"])
    if place is None or place.is_free(call):
        return ()
    context = tags_in_request(params)
    actions = ["CreateTable", *(["TagResource"] if params.get("Tags") else []), *(["PutResourcePolicy"] if "ResourcePolicy" in params else [])]
    return [Need(f"dynamodb:{action}", place.ref.arn, context, None, place.ref.account) for action in actions]


def _on_resource(action: str) -> RememberedNeeds:
    async def needs(call: Call, params: Params) -> Sequence[Need]:
        return await _at(call, action, params["ResourceArn"], tags_in_request(params))

    return needs


async def _at(call: Call, action: str, arn: str, context: Context) -> Sequence[Need]:
    """A permission on a table or a stream by its ARN, with the policy that it has."""
    ref = resource_ref(arn)
    if ref is None:
        return ()
    table = await remembered(call.node, ref.table)
    if ref.kind != "stream":
        return _Place(ref.table, table).need(call, action, context)
    policy = None if table is None or table.stream_label != ref.id else table.config.get("stream_policy")
    if policy is None and call.principal.kind == "root" and call.principal.account == ref.table.account:
        return ()
    return (Need(f"dynamodb:{action}", arn, context, None if policy is None else orjson.loads(policy), ref.table.account),)


def _on_stream(action: str) -> RememberedNeeds:
    async def needs(call: Call, params: Params) -> Sequence[Need]:
        arn = iterators.stream_of(params["ShardIterator"]) if action == "GetRecords" else params["StreamArn"]
        return await _at(call, action, arn, {})

    return needs


async def _list_streams(call: Call, params: Params) -> Sequence[Need]:
    place = await _place(call, params["TableName"]) if "TableName" in params else None
    if place is None:
        return (Need("dynamodb:ListStreams"),)
    return (Need("dynamodb:ListStreams", f"{place.ref.arn}/stream/*", {}, None, place.ref.account),)


_ITEMS: Mapping[str, Keyed] = {
    "GetItem": lambda table, params: access_keys.of_read(table, params, [params["Key"]], params),
    "PutItem": lambda table, params: access_keys.of_put(table, params, params),
    "UpdateItem": lambda table, params: access_keys.of_update(table, params, params),
    "DeleteItem": lambda table, params: access_keys.of_delete(table, params, params),
    "Query": access_keys.of_query,
    "Scan": access_keys.of_scan,
}
_SEVERAL: Mapping[str, Callable[[Call, Params], Awaitable[Sequence[Need]]]] = {
    "BatchGetItem": _batch_get,
    "BatchWriteItem": _batch_write,
    "TransactGetItems": _transact,
    "TransactWriteItems": _transact,
    "ExecuteStatement": _statement,
    "BatchExecuteStatement": _batch_statements,
    "ExecuteTransaction": _transaction,
    "CreateTable": _create,
    "UpdateTable": _update_table,
}

NEEDS: Mapping[str, RememberedNeeds] = {
    **{action: _on_items(action, keyed) for action, keyed in _ITEMS.items()},
    **_SEVERAL,
    **{action: _on_table(action) for action in (*_ON_TABLE, *_ON_INDEX_TOO)},
    **{action: _on_resource(action) for action in _ON_RESOURCE},
    "ExportTableToPointInTime": _on_table("ExportTableToPointInTime", "TableArn"),
}
STREAM_NEEDS: Mapping[str, RememberedNeeds] = {
    **{action: _on_stream(action) for action in ("DescribeStream", "GetShardIterator", "GetRecords")},
    "ListStreams": _list_streams,
}
