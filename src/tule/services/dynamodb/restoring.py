"""A new table out of another's settings and items: from a backup, or from a table as it was at a time.

The table is CREATING, and its items can be neither read nor written, until all of them are there; a small one is at once.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Restore.Tutorial.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.backbone.jobs import Job, enqueue
from tule.core.errors import ServiceError, not_implemented
from tule.platform.call import Call
from tule.services.dynamodb import copying, creation, errors, pins, schema_rules, schemas, throughput
from tule.services.dynamodb.copying import Source
from tule.services.dynamodb.names import TableRef, table_ref
from tule.services.dynamodb.state import items
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import ACTIVE, CREATING, Table
from tule.store.store import Tx

Params = Mapping[str, Any]

KIND = "dynamodb.restore"
_KEPT = ("types", "hash", "range", "on_demand", "read_units", "write_units", "on_demand_throughput", "key", "table_class")


def begin(call: Call, tx: Tx, params: Params, original: Table, source: Source, key: str | None, summary: Params) -> Table:
    """The new table, which `params` names and changes by its overrides, as it is before anything is in it.

    `key` is the KMS key that SSESpecificationOverride asks for; `summary` becomes its RestoreSummary.  Raises
    TableAlreadyExistsException, ValidationException.
    """
    if "VectorIndexOverride" in params:
        raise not_implemented("dynamodb", f"{call.operation} with VectorIndexOverride")
    ref = table_ref(call.account, call.region, params["TargetTableName"])
    table = _create(call, tx, ref, _config(tx, params, original, key, summary))
    fill(tx, table, source, items.START)
    return table


def _create(call: Call, tx: Tx, ref: TableRef, config: dict[str, Any]) -> Table:
    try:
        return creation.create(call, tx, ref, config)
    except ServiceError as error:
        if error.code != "ResourceInUseException":
            raise
        raise errors.table_already_exists(ref.name) from error


def fill(tx: Tx, table: Table, source: Source, after: Position) -> None:
    """One step; the table is ACTIVE after the last."""
    step = copying.step(tx, source, table.id, after, table)
    if step.after is None:
        rows.configure(tx, table, status=ACTIVE, restore={**table.config["restore"], "RestoreInProgress": False})
        _unpin(tx, source, table)
        return
    payload = {"table": table.id, **copying.payload(source, step.after)}
    enqueue(tx, Job(KIND, table.arn, table.account, table.region, payload, max_attempts=1_000, backoff_cap_ms=60_000, name=f"{KIND} {table.id}"))


def _unpin(tx: Tx, source: Source, table: Table) -> None:
    original = None if source.at_ms is None else rows.by_id(tx, source.id)
    if original is not None:
        pins.remove(tx, original, table.id)


def fill_on(tx: Tx, payload: dict[str, Any]) -> None:
    """The step of a job."""
    table = rows.by_id(tx, payload["table"])
    if table is not None and table.status == CREATING:
        fill(tx, table, *copying.of_payload(payload))


def _config(tx: Tx, params: Params, original: Table, key: str | None, summary: Params) -> dict[str, Any]:
    before = original.config
    config: dict[str, Any] = {name: before[name] for name in _KEPT if name in before}
    config |= {"uuid": tx.ids.uuid(), "status": CREATING, "created_ms": tx.now_ms, "restore": dict(summary), "tags": {}}
    config |= _billing(params, config)
    if config["on_demand"]:
        config["on_demand_ms"] = tx.now_ms
    if "SSESpecificationOverride" in params:
        config["key"] = key
    config["indexes"] = _indexes(tx, params, before["indexes"], on_demand=config["on_demand"])
    config["types"] = schemas.used_types(config["types"], [config, *config["indexes"]])
    return {name: value for name, value in config.items() if value is not None}


def _billing(params: Params, config: Params) -> dict[str, Any]:
    mode = params.get("BillingModeOverride")
    units: Params | None = params.get("ProvisionedThroughputOverride")
    on_demand = config["on_demand"] if mode is None else mode == throughput.PER_REQUEST
    if on_demand:
        if units is not None:
            raise errors.parameter_values("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
        maximum = params.get("OnDemandThroughputOverride", config.get("on_demand_throughput"))
        return {"on_demand": True, "read_units": 0, "write_units": 0, "on_demand_throughput": maximum}
    if units is None and config["on_demand"]:
        raise errors.parameter_values("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
    found = {"on_demand": False, "on_demand_throughput": None}
    if units is None:
        return found
    throughput.check_units(units)
    return found | {"read_units": units["ReadCapacityUnits"], "write_units": units["WriteCapacityUnits"]}


def _indexes(tx: Tx, params: Params, before: Sequence[Params], *, on_demand: bool) -> list[dict[str, Any]]:
    """Those of the original, or of them those that the overrides name."""
    local = _chosen(tx, before, params.get("LocalSecondaryIndexOverride"), is_global=False)
    of_all = _chosen(tx, before, params.get("GlobalSecondaryIndexOverride"), is_global=True)
    for config in of_all:
        if on_demand:
            config |= {"read_units": 0, "write_units": 0}
        elif not config["read_units"]:
            raise errors.parameter_values(f"ProvisionedThroughput must be specified for index: {config['name']}")
    return local + of_all


def _chosen(tx: Tx, before: Sequence[Params], given: Sequence[Params] | None, *, is_global: bool) -> list[dict[str, Any]]:
    kept = {config["name"]: config for config in before if config["is_global"] == is_global}
    if given is None:
        return [{**config, "id": rows.new_id(tx), "status": ACTIVE, "backfilling": False} for config in kept.values()]
    found: list[dict[str, Any]] = []
    for one in given:
        schema_rules.check_projection(one)
        index = schemas.index_config(rows.new_id(tx), one, is_global=is_global)
        was = kept.get(index["name"])
        if was is None or any(index[name] != was[name] for name in ("hash", "range", "projection")):
            raise errors.parameter_values(f"Index {index['name']} does not match an index of the source table")
        found.append(index)
    return found
