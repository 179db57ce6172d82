"""Auto scaling of a stack's global table: the bounds that its template gives, as UpdateTableReplicaAutoScaling takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.dynamodb.resources.calls import StackTable

Params = Mapping[str, Any]


async def scale(table: StackTable, old: Params, new: Params) -> None:
    """Where anything of it changed."""
    wanted = _updates(new)
    if wanted and wanted != _updates(old):
        await table.call("UpdateTableReplicaAutoScaling", **wanted)


def _updates(properties: Params) -> dict[str, Any]:
    if properties.get("BillingMode") == "PAY_PER_REQUEST":
        return {}
    indexes = [_index(index["IndexName"], index, "Write") for index in properties.get("GlobalSecondaryIndexes") or ()]
    replicas = [_replica(one) for one in properties.get("Replicas") or ()]
    found: dict[str, Any] = {
        "ProvisionedWriteCapacityAutoScalingUpdate": _bounds(properties, "Write"),
        "GlobalSecondaryIndexUpdates": [index for index in indexes if len(index) > 1],
        "ReplicaUpdates": [replica for replica in replicas if len(replica) > 1],
    }
    return {name: value for name, value in found.items() if value}


def _replica(given: Params) -> dict[str, Any]:
    indexes = [_index(index["IndexName"], index, "Read") for index in given.get("GlobalSecondaryIndexes") or ()]
    found = {
        "RegionName": given["Region"],
        "ReplicaProvisionedReadCapacityAutoScalingUpdate": _bounds(given, "Read"),
        "ReplicaGlobalSecondaryIndexUpdates": [index for index in indexes if len(index) > 1],
    }
    return {name: value for name, value in found.items() if value}


def _index(name: str, given: Params, kind: str) -> dict[str, Any]:
    bounds = _bounds(given, kind)
    return {"IndexName": name} | ({f"Provisioned{kind}CapacityAutoScalingUpdate": bounds} if bounds else {})


def _bounds(given: Params, kind: str) -> dict[str, Any]:
    settings: Params = (given.get(f"{kind}ProvisionedThroughputSettings") or {}).get(f"{kind}CapacityAutoScalingSettings") or {}
    if not settings:
        return {}
    policy = {"TargetTrackingScalingPolicyConfiguration": settings["TargetTrackingScalingPolicyConfiguration"]}
    return {"MinimumUnits": settings["MinCapacity"], "MaximumUnits": settings["MaxCapacity"], "ScalingPolicyUpdate": policy}
