"""Global tables of the legacy version, 2017.11.29: tables that are there already, joined under one name.

AWS: API reference, CreateGlobalTable, UpdateGlobalTable, DescribeGlobalTable, ListGlobalTables, DescribeGlobalTableSettings,
UpdateGlobalTableSettings.  (Those of the current version are made by UpdateTable.)  They are ACTIVE when the call is answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError, not_implemented
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors, replica_groups
from tule.services.dynamodb.replica_groups import BOTH_IMAGES, LEGACY
from tule.services.dynamodb.state import items
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.store.documents import Documents
from tule.store.store import Tx

Params = dict[str, Any]

GLOBAL_TABLES = Documents("dynamodb.global-table")
MAX_SHOWN = 100
_AUTO_SCALING = (
    "GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate",
    "ReplicaProvisionedReadCapacityAutoScalingSettingsUpdate",
    "ProvisionedWriteCapacityAutoScalingSettingsUpdate",
    "ProvisionedReadCapacityAutoScalingSettingsUpdate",
)


def create_global_table(call: Call, tx: Tx, params: Params) -> Params:
    name = params["GlobalTableName"]
    regions = [replica["RegionName"] for replica in params["ReplicationGroup"]]
    body = {"created_ms": tx.now_ms}
    if _members(tx, call, name):
        raise ServiceError("GlobalTableAlreadyExistsException", f"Global table with name: '{name}' already exists.", 400)
    GLOBAL_TABLES.put(tx, call.account, "", name, body)
    _join(tx, call, name, [], regions)
    return {"GlobalTableDescription": _described(tx, call, name, body, status="CREATING", replica="CREATING")}


def update_global_table(call: Call, tx: Tx, params: Params) -> Params:
    name = params["GlobalTableName"]
    body = _found(tx, call, name)
    for one in params["ReplicaUpdates"]:
        members = _members(tx, call, name)
        if "Create" in one:
            region = one["Create"]["RegionName"]
            if any(member.region == region for member in members):
                raise ServiceError("ReplicaAlreadyExistsException", f"Replica already exists in region: '{region}'", 400)
            _join(tx, call, name, members, [region])
        if "Delete" in one:
            _part(tx, members, one["Delete"]["RegionName"])
    return {"GlobalTableDescription": _described(tx, call, name, body, status="UPDATING")}


def _join(tx: Tx, call: Call, name: str, members: list[Table], regions: Iterable[str]) -> None:
    joining = [_joining(tx, call, name, region, members) for region in regions]
    for other in joining:
        _check_like(other, [*members, *joining][0])
    replica_groups.link(tx, [*members, *joining], LEGACY)
    for table in joining:
        current = rows.by_id(tx, table.id)
        if current is not None:
            rows.configure(tx, current, global_table_version=LEGACY, legacy_global_table=True)


def _joining(tx: Tx, call: Call, name: str, region: str, members: list[Table]) -> Table:
    """Raises TableNotFoundException, ValidationException."""
    table = rows.find(tx, call.account, region, name)
    if table is None:
        raise errors.table_not_found(name)
    if table.stream_view != BOTH_IMAGES:
        raise errors.validation(f"One or more parameter values were invalid: Table in region {region} must have a stream of {BOTH_IMAGES}")
    if not items.is_empty(tx, table.id):
        raise errors.validation(f"One or more parameter values were invalid: Table in region {region} must be empty")
    if table.replicas or (table.config.get("legacy_global_table") and not members):
        raise errors.validation(f"One or more parameter values were invalid: Table in region {region} is a replica already")
    return table


def _check_like(table: Table, other: Table) -> None:
    """Replicas have the same keys and indexes."""
    indexes = [{(index.name, index.keys, index.projection) for index in one.indexes} for one in (table, other)]
    if table.keys != other.keys or dict(table.types) != dict(other.types) or indexes[0] != indexes[1]:
        raise errors.validation(
            "One or more parameter values were invalid: Replicas of a global table must have the same key schema and secondary indexes"
        )


def _part(tx: Tx, members: list[Table], region: str) -> None:
    """The replica stays as a table.  Raises ReplicaNotFoundException."""
    parting = next((member for member in members if member.region == region), None)
    if parting is None:
        message = "Update global table operation failed because one or more replicas were not part of the global table."
        raise ServiceError("ReplicaNotFoundException", message, 400)
    replica_groups.link(tx, [member for member in members if member.id != parting.id], LEGACY)
    rows.configure(tx, parting, replicas=None, replica_descriptions=None, global_table_version=None, legacy_global_table=None)


@reads
def describe_global_table(call: Call, tx: Tx, params: Params) -> Params:
    name = params["GlobalTableName"]
    return {"GlobalTableDescription": _described(tx, call, name, _found(tx, call, name))}


@reads
def list_global_tables(call: Call, tx: Tx, params: Params) -> Params:
    limit = params.get("Limit", MAX_SHOWN)
    shown: list[Params] = []
    for name, _ in GLOBAL_TABLES.page(tx, call.account, "", after=params.get("ExclusiveStartGlobalTableName", "")):
        regions = [member.region for member in _members(tx, call, name)]
        if params.get("RegionName", regions[0] if regions else "") in regions:
            shown.append({"GlobalTableName": name, "ReplicationGroup": [{"RegionName": region} for region in regions]})
        if len(shown) > limit:
            break
    tables, last = page(shown, limit, lambda table: table["GlobalTableName"])
    return {"GlobalTables": tables} | ({"LastEvaluatedGlobalTableName": last} if last is not None else {})


@reads
def describe_global_table_settings(call: Call, tx: Tx, params: Params) -> Params:
    name = params["GlobalTableName"]
    _found(tx, call, name)
    return {"GlobalTableName": name, "ReplicaSettings": [_settings(member) for member in _members(tx, call, name)]}


def update_global_table_settings(call: Call, tx: Tx, params: Params) -> Params:
    name = params["GlobalTableName"]
    _found(tx, call, name)
    _refuse_scaling(params)
    of_replica = {one["RegionName"]: one for one in params.get("ReplicaSettingsUpdate") or ()}
    members = _members(tx, call, name)
    if not of_replica.keys() <= {member.region for member in members}:
        raise ServiceError("ReplicaNotFoundException", "One or more replicas were not part of the global table.", 400)
    for member in members:
        rows.configure(tx, member, **_changed(member, params, of_replica.get(member.region, {})))
    return {"GlobalTableName": name, "ReplicaSettings": [_settings(member, "UPDATING") for member in _members(tx, call, name)]}


def _refuse_scaling(given: Any) -> None:
    """Nothing here scales by itself: that is Application Auto Scaling's."""
    for one in given if isinstance(given, list) else [given]:
        for name, value in one.items():
            if name in _AUTO_SCALING:
                raise not_implemented("dynamodb", f"UpdateGlobalTableSettings with {name}")
            if isinstance(value, list):
                _refuse_scaling(value)


def _changed(table: Table, params: Params, own: Params) -> Params:
    settings: Params = {}
    if "GlobalTableBillingMode" in params:
        settings["on_demand"] = params["GlobalTableBillingMode"] == "PAY_PER_REQUEST"
    if "GlobalTableProvisionedWriteCapacityUnits" in params:
        settings["write_units"] = params["GlobalTableProvisionedWriteCapacityUnits"]
    if "ReplicaProvisionedReadCapacityUnits" in own:
        settings["read_units"] = own["ReplicaProvisionedReadCapacityUnits"]
    if "ReplicaTableClass" in own:
        settings["table_class"] = own["ReplicaTableClass"]
    writes = _units(params.get("GlobalTableGlobalSecondaryIndexSettingsUpdate"), "ProvisionedWriteCapacityUnits", "write_units")
    read = _units(own.get("ReplicaGlobalSecondaryIndexSettingsUpdate"), "ProvisionedReadCapacityUnits", "read_units")
    if not (writes.keys() | read.keys()) <= {index.name for index in table.indexes if index.is_global}:
        raise ServiceError("IndexNotFoundException", "One or more indexes do not exist.", 400)
    if writes or read:
        settings["indexes"] = [{**index, **writes.get(index["name"], {}), **read.get(index["name"], {})} for index in table.config["indexes"]]
    return settings


def _units(given: list[Params] | None, member: str, name: str) -> dict[str, Params]:
    return {index["IndexName"]: {name: index[member]} for index in given or () if member in index}


def _settings(table: Table, status: str = "ACTIVE") -> Params:
    mode = "PAY_PER_REQUEST" if table.on_demand else "PROVISIONED"
    off = {"AutoScalingDisabled": True}
    shown: Params = {
        "RegionName": table.region,
        "ReplicaStatus": status,
        "ReplicaBillingModeSummary": {"BillingMode": mode},
        "ReplicaProvisionedReadCapacityUnits": table.read_units,
        "ReplicaProvisionedReadCapacityAutoScalingSettings": off,
        "ReplicaProvisionedWriteCapacityUnits": table.write_units,
        "ReplicaProvisionedWriteCapacityAutoScalingSettings": off,
    }
    indexes = [
        {
            "IndexName": index.name,
            "IndexStatus": index.status,
            "ProvisionedReadCapacityUnits": index.read_units,
            "ProvisionedReadCapacityAutoScalingSettings": off,
            "ProvisionedWriteCapacityUnits": index.write_units,
            "ProvisionedWriteCapacityAutoScalingSettings": off,
        }
        for index in table.indexes
        if index.is_global
    ]
    return shown | ({"ReplicaGlobalSecondaryIndexSettings": indexes} if indexes else {})


def _found(tx: Tx, call: Call, name: str) -> Params:
    """Raises GlobalTableNotFoundException."""
    body = GLOBAL_TABLES.get(tx, call.account, "", name)
    if body is None or not _members(tx, call, name):
        raise ServiceError("GlobalTableNotFoundException", f"Global table not found: Global table with name: '{name}' does not exist.", 400)
    return body


def _members(tx: Tx, call: Call, name: str) -> list[Table]:
    """By region."""
    found = [table for table in rows.named(tx, call.account, name) if table.config.get("legacy_global_table")]
    return sorted(found, key=lambda table: table.region)


def _described(tx: Tx, call: Call, name: str, body: Params, *, status: str = "ACTIVE", replica: str = "ACTIVE") -> Params:
    members = _members(tx, call, name)
    return {
        "ReplicationGroup": [{"RegionName": member.region, "ReplicaStatus": replica} for member in members],
        "GlobalTableArn": arns.arn("dynamodb", "", call.account, f"global-table/{name}"),
        "CreationDateTime": body["created_ms"] / 1000,
        "GlobalTableStatus": status,
        "GlobalTableName": name,
    }
