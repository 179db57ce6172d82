"""UpdateTable: billing, units, indexes, streams, encryption and the rest, one after the other, in one transaction.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
UPDATING stands in the answer alone, but for indexes of large tables, whose filling and clearing takes its time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tule.core.errors import not_implemented
from tule.platform.call import Call
from tule.services.dynamodb import (
    changes,
    creation,
    descriptions,
    encryption,
    errors,
    index_changes,
    index_updates,
    replica_groups,
    replicas,
    throughput,
)
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import UPDATING, Table
from tule.services.dynamodb.tables import table_of
from tule.store.store import Tx

Params = dict[str, Any]

_CHANGES = (
    "ProvisionedThroughput", "BillingMode", "StreamSpecification", "GlobalSecondaryIndexUpdates", "SSESpecification", "ReplicaUpdates",
    "TableClass", "DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput", "MultiRegionConsistency", "GlobalTableWitnessUpdates",
    "VectorIndexUpdates", "GlobalTableSettingsReplicationMode",
)  # fmt: skip
_NOT_BUILT = ("VectorIndexUpdates", "GlobalTableWitnessUpdates", "GlobalTableSettingsReplicationMode", "DisassociationProtectionEnabled")


async def update_table(call: Call, params: Params) -> Params:
    for member in _NOT_BUILT:
        if member in params:
            raise not_implemented("dynamodb", f"UpdateTable with {member}")
    _check(params)
    key = await encryption.key_of(call, params.get("SSESpecification"))
    return await call.node.store.write(lambda tx: _update_everywhere(call, tx, params, key))


def _check(params: Params) -> None:
    if all(params.get(member, []) == [] for member in _CHANGES):
        raise errors.validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification"
            " or ReplicaUpdates is required"
        )
    index_updates.check(params.get("GlobalSecondaryIndexUpdates"))
    if "ProvisionedThroughput" in params:
        throughput.check_units(params["ProvisionedThroughput"])


def _update_everywhere(call: Call, tx: Tx, params: Params, key: str | None) -> Params:
    """What holds for all replicas of a global table is done to each."""
    shown = _update(call, tx, params, key)
    for other in replica_groups.group(tx, table_of(call, tx, params["TableName"]))[1:]:
        common = replicas.shared(params, other)
        if common:
            _update(replace(call, region=other.region), tx, {**common, "TableName": other.name}, None)
    return shown


def _update(call: Call, tx: Tx, params: Params, key: str | None) -> Params:
    table = table_of(call, tx, params["TableName"])
    if not table.is_usable:
        raise errors.table_in_use(table.name)
    former_key = table.config.get("key")
    updates: Sequence[Params] = params.get("GlobalSecondaryIndexUpdates") or ()
    types = index_updates.new_types(table, params, updates)
    table = _bill(call, tx, table, params, updates)
    table = _set(tx, table, params, key)
    table = _stream(tx, table, params.get("StreamSpecification"))
    table = replicas.update(tx, table, params.get("ReplicaUpdates") or (), params.get("MultiRegionConsistency"))
    table, index = index_updates.change(call, tx, table, updates, types)
    shown = descriptions.made(table, tx.now_ms, status=UPDATING)
    if "SSESpecification" in params and (key or former_key):
        shown["SSEDescription"] = {"Status": UPDATING, "SSEType": "KMS", "KMSMasterKeyArn": key or former_key}
    if index is not None:
        index_changes.begin(tx, table, index)
    if call.node.config.throttled:
        creation.check_quota(tx, rows.by_id(tx, table.id) or table)
    return {"TableDescription": shown}


def _bill(call: Call, tx: Tx, table: Table, params: Params, updates: Sequence[Params]) -> Table:
    """New billing mode and units.  Raises ValidationException, LimitExceededException."""
    mode = params.get("BillingMode", throughput.PER_REQUEST if table.on_demand else throughput.PROVISIONED)
    units: Params | None = params.get("ProvisionedThroughput")
    if mode == throughput.PER_REQUEST:
        if units is not None:
            raise errors.parameter_values("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
        return table if table.on_demand else _on_demand(tx, table)
    if "OnDemandThroughput" in params:
        raise errors.parameter_values("OnDemandThroughput can only be specified for a table when BillingMode is PAY_PER_REQUEST")
    if table.on_demand:
        return _provision(tx, table, units, updates)
    if units is None:
        return table
    throughput.check_different(table.config, units, "table")
    return rows.configure(tx, table, **throughput.changed(table.config, units, tx.now_ms, limited=call.node.config.throttled))


def _on_demand(tx: Tx, table: Table) -> Table:
    indexes = [{**config, "read_units": 0, "write_units": 0} for config in table.config["indexes"]]
    return rows.configure(tx, table, on_demand=True, on_demand_ms=tx.now_ms, read_units=0, write_units=0, indexes=indexes)


def _provision(tx: Tx, table: Table, units: Params | None, updates: Sequence[Params]) -> Table:
    """From on demand to provisioned: the table and each of its global indexes must be given units."""
    if units is None:
        raise errors.parameter_values("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
    given = {update["Update"]["IndexName"]: update["Update"] for update in updates if "Update" in update}
    indexes = [_provisioned(config, given) if config["is_global"] else config for config in table.config["indexes"]]
    new = {"read_units": units["ReadCapacityUnits"], "write_units": units["WriteCapacityUnits"]}
    return rows.configure(tx, table, on_demand=False, indexes=indexes, on_demand_throughput=None, **new)


def _provisioned(config: Mapping[str, Any], given: Mapping[str, Params]) -> dict[str, Any]:
    update = given.get(config["name"], {"IndexName": config["name"]})
    throughput.check_index_units(update)
    units = update["ProvisionedThroughput"]
    return {**config, "read_units": units["ReadCapacityUnits"], "write_units": units["WriteCapacityUnits"]}


def _set(tx: Tx, table: Table, params: Params, key: str | None) -> Table:
    """What needs no more than to be kept."""
    settings: dict[str, Any] = {}
    if "TableClass" in params and params["TableClass"] != table.config.get("table_class", "STANDARD"):
        settings |= {"table_class": params["TableClass"], "class_ms": tx.now_ms}
    if "DeletionProtectionEnabled" in params:
        settings["deletion_protection"] = params["DeletionProtectionEnabled"]
    if "OnDemandThroughput" in params:
        settings["on_demand_throughput"] = {**table.config.get("on_demand_throughput", {}), **params["OnDemandThroughput"]}
    if "WarmThroughput" in params:
        throughput.check_warm_grows("table", params, throughput.warm(table.config, on_demand=table.on_demand, status=""))
        settings["warm"] = {**table.config.get("warm", {}), **params["WarmThroughput"]}
    if "SSESpecification" in params:
        settings["key"] = key
    return rows.configure(tx, table, **settings) if settings else table


def _stream(tx: Tx, table: Table, specification: Params | None) -> Table:
    if specification is None:
        return table
    if not specification["StreamEnabled"]:
        if table.stream_view is None:
            raise errors.validation(f"Table has no stream to disable: TableName: {table.name}")
        if table.replicas:
            raise errors.validation(f"Streams of replicas of a global table cannot be disabled: TableName: {table.name}")
        return changes.stream_disabled(tx, table)
    if table.stream_view is not None:
        raise errors.validation(f"Table already has an enabled stream: TableName: {table.name}")
    if "StreamViewType" not in specification:
        raise errors.parameter_values("StreamViewType is required when StreamEnabled is true")
    if "stream_policy" in table.config:
        table = rows.configure(tx, table, stream_policy=None)  # it was the earlier stream's
    return changes.stream_enabled(tx, table, specification["StreamViewType"])
