"""Replicas of global tables of the current version: made, changed and deleted by UpdateTable.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GlobalTables.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import not_implemented
from tule.services.dynamodb import changes, errors, removal, replicating
from tule.services.dynamodb.replica_groups import BOTH_IMAGES, CURRENT, LEGACY, group, link, tell
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import ACTIVE, CREATING, Table
from tule.store.store import Tx

Params = Mapping[str, Any]

_KEPT = (
    "types", "hash", "range", "on_demand", "on_demand_ms", "read_units", "write_units", "on_demand_throughput", "warm", "table_class",
    "ttl_attribute", "ttl_ms",
)  # fmt: skip
_OVERRIDES = ("ProvisionedThroughputOverride", "OnDemandThroughputOverride", "GlobalSecondaryIndexes")
_SHARED = ("BillingMode", "ProvisionedThroughput", "OnDemandThroughput", "GlobalSecondaryIndexUpdates", "AttributeDefinitions")


def update(tx: Tx, table: Table, updates: Sequence[Params], consistency: str | None = None) -> Table:
    """UpdateTable's ReplicaUpdates, one after the other; the table as it is then.  Raises ValidationException."""
    if consistency == "STRONG":
        raise not_implemented("dynamodb", "UpdateTable with MultiRegionConsistency STRONG")
    for one in updates:
        action, given = next(iter(one.items()))
        if given["RegionName"] == table.region:
            raise errors.validation(
                "Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required."
            )
        match action:
            case "Create":
                _create(tx, table, given)
            case "Update":
                _change(tx, table, given)
            case "Delete":
                removal.remove(tx, _other(tx, table, given["RegionName"]))
            case _:
                raise not_implemented("dynamodb", f"UpdateTable with ReplicaUpdates.{action}")
        table = _again(tx, table)
    return table


def shared(params: Params, other: Table) -> dict[str, Any]:
    """What of an UpdateTable of a replica changes another one as well."""
    found: dict[str, Any] = {name: params[name] for name in _SHARED if name in params}
    units: Params | None = found.pop("ProvisionedThroughput", None)
    if units is not None:
        own = {"ReadCapacityUnits": other.read_units} if "ProvisionedThroughputOverride" in other.config.get("overrides", {}) else {}
        units = {**units, **own}
        if (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) != (other.read_units, other.write_units):
            found["ProvisionedThroughput"] = units
    return found if found.keys() - {"AttributeDefinitions"} else {}


def _create(tx: Tx, table: Table, given: Params) -> None:
    region = given["RegionName"]
    if table.config.get("global_table_version") == LEGACY:
        raise errors.validation("Table is part of a global table of version 2017.11.29: use UpdateGlobalTable")
    if table.stream_view is None:
        table = changes.stream_enabled(tx, table, BOTH_IMAGES)
    elif table.stream_view != BOTH_IMAGES:
        raise errors.validation(f"Tables of a global table must have a stream with StreamViewType {BOTH_IMAGES}: {table.name}")
    made = rows.create(tx, rows.new_id(tx), table.account, region, table.name, _config(tx, table, given))
    if made is None:
        raise errors.validation(
            f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas already existed as tables."
        )
    made = changes.stream_enabled(tx, made, BOTH_IMAGES)
    members = group(tx, table)
    link(tx, [*members, made], CURRENT)
    for member in members:
        replicating.copy(tx, _again(tx, member), _again(tx, made))


def _config(tx: Tx, table: Table, given: Params) -> dict[str, Any]:
    before = table.config
    config: dict[str, Any] = {name: before[name] for name in _KEPT if name in before}
    config |= {
        "uuid": tx.ids.uuid(),
        "status": CREATING,
        "created_ms": tx.now_ms,
        "tags": {},
        "indexes": [{**index, "id": rows.new_id(tx), "status": ACTIVE, "backfilling": False} for index in before["indexes"]],
        "copied_from": [table.region, *table.replicas],
    }
    return config | _own(config, given)


def _change(tx: Tx, table: Table, given: Params) -> None:
    other = _other(tx, table, given["RegionName"])
    tell(tx, rows.configure(tx, other, **_own(other.config, given)))


def _own(config: Params, given: Params) -> dict[str, Any]:
    """What a replica has of its own: settings, by what is given."""
    own: dict[str, Any] = {}
    if "KMSMasterKeyId" in given:
        own["key"] = given["KMSMasterKeyId"]
    if "TableClassOverride" in given:
        own["table_class"] = given["TableClassOverride"]
    if "OnDemandThroughputOverride" in given:
        own["on_demand_throughput"] = {**config.get("on_demand_throughput", {}), **given["OnDemandThroughputOverride"]}
    if "ProvisionedThroughputOverride" in given:
        own["read_units"] = given["ProvisionedThroughputOverride"]["ReadCapacityUnits"]
    reads = {
        index["IndexName"]: index["ProvisionedThroughputOverride"]["ReadCapacityUnits"]
        for index in given.get("GlobalSecondaryIndexes") or ()
        if "ProvisionedThroughputOverride" in index
    }
    maxima = {
        index["IndexName"]: index["OnDemandThroughputOverride"]
        for index in given.get("GlobalSecondaryIndexes") or ()
        if "OnDemandThroughputOverride" in index
    }
    if reads or maxima:
        before = own.get("indexes", config["indexes"])
        own["indexes"] = [_overridden(index, reads, maxima) for index in before]
    overrides = {name: given[name] for name in _OVERRIDES if name in given}
    if overrides:
        own["overrides"] = {**config.get("overrides", {}), **overrides}
    return own


def _overridden(index: Params, reads: Mapping[str, int], maxima: Mapping[str, Params]) -> dict[str, Any]:
    name = index["name"]
    units = {"read_units": reads[name]} if name in reads else {}
    maximum = {"on_demand_throughput": {**index.get("on_demand_throughput", {}), **maxima[name]}} if name in maxima else {}
    return {**index, **units, **maximum}


def _other(tx: Tx, table: Table, region: str) -> Table:
    """Raises ValidationException when the region has no replica."""
    other = rows.find(tx, table.account, region, table.name) if region in table.replicas else None
    if other is None:
        raise errors.validation("Update global table operation failed because one or more replicas were not part of the global table.")
    return other


def _again(tx: Tx, table: Table) -> Table:
    """As it is by now."""
    current = rows.by_id(tx, table.id)
    assert current is not None
    return current
