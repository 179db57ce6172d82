"""Making a table out of CreateTable's parameters; imports and restores make theirs in the same way.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.platform.call import Call
from tule.services.dynamodb import changes, errors, policy_texts, schema_rules, schemas, tagging, throughput
from tule.services.dynamodb.names import TableRef
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import ACTIVE, Table
from tule.store.store import Tx

Params = Mapping[str, Any]

MAX_TABLES = 2_500


def check(params: Params) -> None:
    """Raises ValidationException for whatever is wrong without a look at the account."""
    throughput.check_new(params)
    types = schema_rules.types_of(params.get("AttributeDefinitions"))
    schema_rules.check_table_keys(params.get("KeySchema"), types)
    schema_rules.check_indexes(params, types)
    throughput.check_warm_new(params)
    _check_stream(params.get("StreamSpecification"))
    tagging.check_count(tagging.given(params.get("Tags")))
    if "ResourcePolicy" in params:
        policy_texts.check(params["ResourcePolicy"])


def _check_stream(specification: Params | None) -> None:
    if specification is None:
        return
    if specification["StreamEnabled"] and "StreamViewType" not in specification:
        raise errors.parameter_values("StreamViewType is required when StreamEnabled is true")
    if not specification["StreamEnabled"] and "StreamViewType" in specification:
        raise errors.parameter_values("Table is being created with a StreamViewType while StreamEnabled is false")


def config_of(tx: Tx, params: Params, key: str | None, *, status: str = ACTIVE) -> dict[str, Any]:
    """A table's settings, from parameters that are checked."""
    on_demand = params.get("BillingMode") == throughput.PER_REQUEST
    units: Params = params.get("ProvisionedThroughput") or {}
    indexes = [schemas.index_config(rows.new_id(tx), one, is_global=False) for one in params.get("LocalSecondaryIndexes") or ()]
    indexes += [schemas.index_config(rows.new_id(tx), one, is_global=True) for one in params.get("GlobalSecondaryIndexes") or ()]
    config: dict[str, Any] = {
        "uuid": tx.ids.uuid(),
        "status": status,
        "created_ms": tx.now_ms,
        "types": schema_rules.types_of(params["AttributeDefinitions"]),
        **schemas.keys_of(params["KeySchema"]),
        "indexes": indexes,
        "on_demand": on_demand,
        "read_units": units.get("ReadCapacityUnits", 0),
        "write_units": units.get("WriteCapacityUnits", 0),
        "on_demand_ms": tx.now_ms if on_demand else None,
        "tags": tagging.given(params.get("Tags")),
        "key": key,
        "deletion_protection": params.get("DeletionProtectionEnabled"),
        "table_class": params.get("TableClass"),
        "on_demand_throughput": params.get("OnDemandThroughput"),
        "warm": params.get("WarmThroughput"),
        "policy": params.get("ResourcePolicy"),
        "policy_revision": policy_texts.revision(tx.now_ms) if "ResourcePolicy" in params else None,
    }
    return {name: value for name, value in config.items() if value is not None}


def create(call: Call, tx: Tx, ref: TableRef, config: dict[str, Any]) -> Table:
    """Raises ResourceInUseException, LimitExceededException."""
    others = rows.of_account(tx, ref.account, ref.region)
    if any(other.name == ref.name for other in others):
        raise errors.table_exists(ref.name)
    if len(others) >= MAX_TABLES:
        raise errors.subscriber_limit(f"There is a limit of {MAX_TABLES} tables per subscriber")
    if call.node.config.throttled:
        throughput.check_limits(_units(config), _sum(others))
    table = rows.create(tx, rows.new_id(tx), ref.account, ref.region, ref.name, config)
    if table is None:
        raise errors.table_exists(ref.name)
    return table


def check_quota(tx: Tx, table: Table) -> None:
    """Of a table whose units were changed.  Raises LimitExceededException."""
    others = [other for other in rows.of_account(tx, table.account, table.region) if other.id != table.id]
    throughput.check_limits(_units(table.config), _sum(others))


def _units(config: Params) -> list[tuple[int, int]]:
    """Of a table and its global indexes."""
    return [(one["read_units"], one["write_units"]) for one in (config, *config["indexes"])]


def _sum(tables: list[Table]) -> tuple[int, int]:
    units = [pair for table in tables for pair in _units(table.config)]
    return sum(read for read, _ in units), sum(write for _, write in units)


def with_stream(tx: Tx, table: Table, view: str | None) -> Table:
    """The table with a stream, where one is asked for."""
    return table if view is None else changes.stream_enabled(tx, table, view)
