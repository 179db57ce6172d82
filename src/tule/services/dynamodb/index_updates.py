"""GlobalSecondaryIndexUpdates: what UpdateTable may ask of a table's global indexes.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GlobalSecondaryIndexUpdate.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.platform.call import Call
from tule.services.dynamodb import errors, index_changes, schema_rules, throughput
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import ACTIVE, Index, Table
from tule.store.store import Tx

Params = Mapping[str, Any]

_KINDS = ("Update", "Create", "Delete")


def check(updates: Sequence[Params] | None) -> None:
    """Raises ValidationException, LimitExceededException."""
    for update in updates or ():
        named = [kind for kind in _KINDS if kind in update]
        if not named:
            raise errors.parameter_values(f"One of {', '.join(_KINDS)} must be specified in a GlobalSecondaryIndexUpdate")
        if len(named) > 1:
            raise errors.parameter_values(f"Only one of {', '.join(_KINDS)} may be specified in a GlobalSecondaryIndexUpdate")
    if sum("Update" not in update for update in updates or ()) > 1:
        raise errors.subscriber_limit("Only 1 online index can be created or deleted simultaneously per table")


def new_types(table: Table, params: Params, updates: Sequence[Params]) -> dict[str, str]:
    """The types that new indexes' keys are given.  Raises ValidationException."""
    created = [update["Create"] for update in updates if "Create" in update]
    types = schema_rules.types_of(params.get("AttributeDefinitions") or ())
    for given in created:
        schema_rules.check_global(given, types)
        schema_rules.check_redefined(table.types, types)
    return types


def change(call: Call, tx: Tx, table: Table, updates: Sequence[Params], types: dict[str, str]) -> tuple[Table, Index | None]:
    """The table after the updates, and the index that is to be filled or cleared, if any."""
    begun: str | None = None
    for update in updates:
        if "Create" in update:
            table = _create(tx, table, update["Create"], types)
            begun = update["Create"]["IndexName"]
        elif "Delete" in update:
            table = _delete(tx, table, update["Delete"]["IndexName"])
            begun = update["Delete"]["IndexName"]
        else:
            table = _update(call, tx, table, update["Update"])
    return table, None if begun is None else table.index(begun)


def _create(tx: Tx, table: Table, given: Params, types: dict[str, str]) -> Table:
    if table.index(given["IndexName"]) is not None:
        raise errors.parameter_values("Attempting to create an index which already exists")
    _check_idle(table)
    if table.on_demand:
        throughput.check_no_index_units([given])
    else:
        throughput.check_index_units(given)
    if sum(index.is_global for index in table.indexes) >= schema_rules.MAX_GLOBAL:
        raise errors.subscriber_limit(f"GlobalSecondaryIndex count exceeds the per-table limit of {schema_rules.MAX_GLOBAL}")
    return index_changes.add(tx, table, dict(given), types)


def _delete(tx: Tx, table: Table, name: str) -> Table:
    index = _found(table, name)
    if not index.is_global:
        raise errors.parameter_values(f"Index is not a global secondary index: {name}")
    _check_idle(table, index)
    return index_changes.remove(tx, table, index)


def _check_idle(table: Table, but: Index | None = None) -> None:
    """An index that is being created may be deleted; no other change of indexes may come between."""
    if any(index.status != ACTIVE and not (but is index and index.is_kept) for index in table.indexes):
        raise errors.subscriber_limit("Only 1 online index can be created or deleted simultaneously per table")


def _update(call: Call, tx: Tx, table: Table, given: Params) -> Table:
    index = _found(table, given["IndexName"])
    units: Params | None = given.get("ProvisionedThroughput")
    settings: dict[str, Any] = {}
    if units is not None:
        settings |= _units(call, tx, table, index, units)
    if "OnDemandThroughput" in given:
        settings["on_demand_throughput"] = {**index.config.get("on_demand_throughput", {}), **given["OnDemandThroughput"]}
    if "WarmThroughput" in given:
        throughput.check_warm_grows("index", given, throughput.warm(index.config, on_demand=table.on_demand, status=""))
        settings["warm"] = {**index.config.get("warm", {}), **given["WarmThroughput"]}
    configs = [{**config, **settings} if config["id"] == index.id else config for config in table.config["indexes"]]
    return rows.configure(tx, table, indexes=configs)


def _units(call: Call, tx: Tx, table: Table, index: Index, units: Params) -> dict[str, Any]:
    if table.on_demand:
        raise errors.parameter_values(f"ProvisionedThroughput should not be specified for index: {index.name} when BillingMode is PAY_PER_REQUEST")
    throughput.check_units(units)
    before = next(config for config in table.config["indexes"] if config["id"] == index.id)
    if (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (before["read_units"], before["write_units"]):
        return {}  # given just now, with the change to provisioned, or as it was
    return throughput.changed(index.config, units, tx.now_ms, limited=call.node.config.throttled)


def _found(table: Table, name: str) -> Index:
    index = table.index(name)
    if index is None:
        raise errors.no_resource()
    return index
