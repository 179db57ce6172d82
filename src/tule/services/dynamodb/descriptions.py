"""TableDescription: a table as operations show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.dynamodb import schemas, throughput
from tule.services.dynamodb.measures import Measures
from tule.services.dynamodb.table import ACTIVE, CREATING, UPDATING, Index, Table

Shown = dict[str, Any]


def made(table: Table, now_ms: int, *, status: str, index_status: str = "") -> Shown:
    """In answers to changes, which do not show what takes AWS a while: what is warm, and when billing changed.

    `status` and `index_status` are what the answer says in place of the table's own: what AWS needs time for takes none here.
    """
    shown = described(table, Measures(table.id), now_ms, status=status)
    shown.pop("WarmThroughput")
    if "warm" in table.config:
        shown["WarmThroughput"] = throughput.warm(table.config, on_demand=table.on_demand, status=UPDATING)
    if status != UPDATING:
        shown.get("BillingModeSummary", {}).pop("LastUpdateToPayPerRequestDateTime", None)
    for index in shown.get("GlobalSecondaryIndexes", ()):
        index.pop("WarmThroughput")
        index["IndexStatus"] = index_status or index["IndexStatus"]
    return shown


def described(table: Table, measured: Measures, now_ms: int, *, status: str = "") -> Shown:
    """As DescribeTable shows it."""
    config = table.config
    shown: Shown = {
        "AttributeDefinitions": schemas.shown_types(table.types),
        "TableName": table.name,
        "KeySchema": schemas.shown_keys(config),
        "TableStatus": status or table.status,
        "CreationDateTime": table.created_ms / 1000,
        **_outline(table, measured, now_ms),
        "WarmThroughput": throughput.warm(config, on_demand=table.on_demand, status=ACTIVE),
    }
    local = [_index(index, measured) for index in table.indexes if not index.is_global]
    of_all = [_global(index, table, measured, now_ms) for index in table.indexes if index.is_global]
    shown |= {"LocalSecondaryIndexes": local} if local else {}
    shown |= {"GlobalSecondaryIndexes": of_all} if of_all else {}
    return shown


def deleted(table: Table, measured: Measures, now_ms: int, status: str) -> Shown:
    """As DeleteTable shows it: without keys, indexes and dates."""
    return {"TableName": table.name, "TableStatus": status, **_outline(table, measured, now_ms)}


def _outline(table: Table, measured: Measures, now_ms: int) -> Shown:
    config = table.config
    shown: Shown = {
        "ProvisionedThroughput": throughput.shown(config, now_ms),
        "TableSizeBytes": measured.size,
        "ItemCount": measured.items,
        "TableArn": table.arn,
        "TableId": table.uuid,
        "DeletionProtectionEnabled": config.get("deletion_protection", False),
    }
    if "on_demand_ms" in config:
        mode = throughput.PER_REQUEST if table.on_demand else throughput.PROVISIONED
        shown["BillingModeSummary"] = {"BillingMode": mode, "LastUpdateToPayPerRequestDateTime": config["on_demand_ms"] / 1000}
    if "table_class" in config:
        shown["TableClassSummary"] = _table_class(config)
    for member, name in (("OnDemandThroughput", "on_demand_throughput"), ("RestoreSummary", "restore"), ("Replicas", "replica_descriptions")):
        if config.get(name):
            shown[member] = config[name]
    return shown | _stream(table) | _encryption(config) | _global_table(config)


def _table_class(config: Mapping[str, Any]) -> Shown:
    shown: Shown = {"TableClass": config["table_class"]}
    return shown | ({"LastUpdateDateTime": config["class_ms"] / 1000} if "class_ms" in config else {})


def _stream(table: Table) -> Shown:
    shown: Shown = {}
    if table.stream_view is not None:
        shown["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream_view}
    if table.stream_arn is not None:
        shown |= {"LatestStreamArn": table.stream_arn, "LatestStreamLabel": table.stream_label}
    return shown


def _encryption(config: Mapping[str, Any]) -> Shown:
    key = config.get("key")
    return {"SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}} if key else {}


def _global_table(config: Mapping[str, Any]) -> Shown:
    names = (("GlobalTableVersion", "global_table_version"), ("MultiRegionConsistency", "multi_region_consistency"))
    return {member: config[name] for member, name in names if config.get(name)}


def _index(index: Index, measured: Measures) -> Shown:
    items, size = measured.indexes.get(index.id, (0, 0))
    return {
        "IndexName": index.name,
        "KeySchema": schemas.shown_keys(index.config),
        "Projection": schemas.shown_projection(index.config),
        "IndexSizeBytes": size,
        "ItemCount": items,
        "IndexArn": index.arn,
    }


def _global(index: Index, table: Table, measured: Measures, now_ms: int) -> Shown:
    shown = _index(index, measured) | {
        "IndexStatus": CREATING if table.status == CREATING else index.status,
        "ProvisionedThroughput": throughput.shown(index.config, now_ms),
        "WarmThroughput": throughput.warm(index.config, on_demand=table.on_demand, status=ACTIVE),
    }
    if "on_demand_throughput" in index.config:
        shown["OnDemandThroughput"] = index.config["on_demand_throughput"]
    return shown | ({"Backfilling": index.backfilling} if index.status not in (ACTIVE, UPDATING) else {})
