"""Which tables are replicas of each other: each is a table of its own in its region, whose settings name the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import ACTIVE, CREATING, Table
from tule.store.store import Tx

CURRENT = "2019.11.21"
LEGACY = "2017.11.29"
BOTH_IMAGES = "NEW_AND_OLD_IMAGES"


def group(tx: Tx, table: Table) -> list[Table]:
    """The table and its replicas."""
    others = [rows.find(tx, table.account, region, table.name) for region in table.replicas]
    return [table, *(other for other in others if other is not None)]


def link(tx: Tx, tables: Iterable[Table], version: str) -> None:
    """Let these tables be replicas of each other, and say so of each of them."""
    members = list(tables)
    for member in members:
        others = [other for other in members if other.id != member.id]
        rows.configure(
            tx,
            member,
            replicas=[other.region for other in others] or None,
            replica_descriptions=[_described(other) for other in others] or None,
            global_table_version=version if others else None,
        )


def leave(tx: Tx, table: Table) -> None:
    """In the transaction that deletes a replica: the others forget it."""
    if table.replicas:
        link(tx, group(tx, table)[1:], table.config["global_table_version"])


def tell(tx: Tx, table: Table) -> None:
    """Let the others say how this replica is now."""
    if table.replicas:
        link(tx, group(tx, table), table.config["global_table_version"])


def _described(table: Table) -> dict[str, Any]:
    """AWS's ReplicaDescription."""
    config = table.config
    shown: dict[str, Any] = {"RegionName": table.region, "ReplicaStatus": CREATING if table.status == CREATING else ACTIVE, "ReplicaArn": table.arn}
    if "key" in config:
        shown["KMSMasterKeyId"] = config["key"]
    shown |= config.get("overrides", {})
    if "table_class" in config:
        shown["ReplicaTableClassSummary"] = {"TableClass": config["table_class"]}
    return shown
