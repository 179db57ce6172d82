"""TableDescription: a table as operations show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.dynamodb import schemas
from tule.services.dynamodb.table import Index, Table

Shown = dict[str, Any]


def table_description(table: Table, *, items: int = 0, size: int = 0, status: str = "") -> Shown:
    """`status` is what the answer says in place of the table's own: the change that is just made takes no time here."""
    config = table.config
    shown: Shown = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in table.types.items()],
        "TableName": table.name,
        "KeySchema": schemas.shown_keys(config),
        "TableStatus": status or table.status,
        "CreationDateTime": table.created_ms / 1000,
        "ProvisionedThroughput": _throughput(config),
        "TableSizeBytes": size,
        "ItemCount": items,
        "TableArn": table.arn,
        "TableId": table.uuid,
        "DeletionProtectionEnabled": config.get("deletion_protection", False),
    }
    if table.on_demand:
        shown["BillingModeSummary"] = {"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": config["on_demand_ms"] / 1000}
    elif "on_demand_ms" in config:
        shown["BillingModeSummary"] = {"BillingMode": "PROVISIONED", "LastUpdateToPayPerRequestDateTime": config["on_demand_ms"] / 1000}
    local = [_index_description(index) for index in table.indexes if not index.is_global]
    of_all = [_global_description(index, table) for index in table.indexes if index.is_global]
    shown |= {"LocalSecondaryIndexes": local} if local else {}
    shown |= {"GlobalSecondaryIndexes": of_all} if of_all else {}
    return shown


def _throughput(config: Mapping[str, Any]) -> Shown:
    shown: Shown = {
        "NumberOfDecreasesToday": config.get("decreases", {}).get("count", 0),
        "ReadCapacityUnits": config.get("read_units", 0),
        "WriteCapacityUnits": config.get("write_units", 0),
    }
    return shown


def _index_description(index: Index) -> Shown:
    return {
        "IndexName": index.name,
        "KeySchema": schemas.shown_keys(index.config),
        "Projection": schemas.shown_projection(index.config),
        "IndexSizeBytes": 0,
        "ItemCount": 0,
        "IndexArn": index.arn,
    }


def _global_description(index: Index, table: Table) -> Shown:
    shown = _index_description(index) | {"IndexStatus": index.status, "ProvisionedThroughput": _throughput(index.config)}
    return shown | ({"Backfilling": True} if index.backfilling else {})
