"""Auto scaling of a table's replicas: how many units each may have at least and at most.

AWS: DynamoDB API reference, UpdateTableReplicaAutoScaling, DescribeTableReplicaAutoScaling.  Units outside their bounds are brought
within them at once, as Application Auto Scaling does; what follows the load within them is not built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.arn import arn
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import UPDATING, Table
from tule.services.dynamodb.tables import table_of
from tule.store.store import Tx

Params = dict[str, Any]
Settings = Mapping[str, Any]

READ = "read"
WRITE = "write"
_OWN = ""  # the table itself, among its indexes' names


def update_table_replica_auto_scaling(call: Call, tx: Tx, params: Params) -> Params:
    table = table_of(call, tx, params["TableName"])
    if table.on_demand:
        raise errors.validation("Auto scaling cannot be configured for a table whose BillingMode is PAY_PER_REQUEST")
    members = _members(tx, table)
    writes = {one["IndexName"]: one.get("ProvisionedWriteCapacityAutoScalingUpdate") for one in params.get("GlobalSecondaryIndexUpdates") or ()}
    writes[_OWN] = params.get("ProvisionedWriteCapacityAutoScalingUpdate")
    for region, member in members.items():
        members[region] = _changed(tx, member, WRITE, writes)
    for one in params.get("ReplicaUpdates") or ():
        member = members.get(one["RegionName"])
        if member is None:
            raise errors.validation(f"Replica of the table in region {one['RegionName']} was not found")
        indexes = one.get("ReplicaGlobalSecondaryIndexUpdates") or ()
        reads_ = {each["IndexName"]: each.get("ProvisionedReadCapacityAutoScalingUpdate") for each in indexes}
        reads_[_OWN] = one.get("ReplicaProvisionedReadCapacityAutoScalingUpdate")
        members[one["RegionName"]] = _changed(tx, member, READ, reads_)
    return {"TableAutoScalingDescription": _described(table, members, UPDATING)}


@reads
def describe_table_replica_auto_scaling(call: Call, tx: Tx, params: Params) -> Params:
    table = table_of(call, tx, params["TableName"])
    return {"TableAutoScalingDescription": _described(table, _members(tx, table), table.status)}


def _members(tx: Tx, table: Table) -> dict[str, Table]:
    """The table and its replicas, by region."""
    found = {table.region: table}
    for region in table.replicas:
        other = rows.find(tx, table.account, region, table.name)
        if other is not None:
            found[region] = other
    return found


def _changed(tx: Tx, table: Table, kind: str, given: Mapping[str, Params | None]) -> Table:
    """The table with new bounds of one kind, and units within them."""
    scaling = {name: dict(one) for name, one in (table.config.get("scaling") or {}).items()}
    for name, update in given.items():
        if update is None:
            continue
        if name != _OWN and table.index(name) is None:
            raise errors.no_resource()
        own = scaling.setdefault(name, {})
        own[kind] = _checked({**own.get(kind, {}), **update})
    indexes = [{**config, **_units(config, scaling.get(config["name"]))} for config in table.config["indexes"]]
    return rows.configure(tx, table, scaling=scaling, indexes=indexes, **_units(table.config, scaling.get(_OWN)))


def _checked(settings: Params) -> Params:
    if settings.get("AutoScalingDisabled"):
        return {"AutoScalingDisabled": True}
    settings.pop("AutoScalingDisabled", None)
    least, most = settings.get("MinimumUnits"), settings.get("MaximumUnits")
    if least is None or most is None:
        raise errors.validation("MinimumUnits and MaximumUnits must be specified to enable auto scaling")
    if least > most:
        raise errors.validation("MinimumUnits must be less than or equal to MaximumUnits")
    return settings


def _units(config: Settings, scaling: Settings | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind in (READ, WRITE):
        bounds: Settings = (scaling or {}).get(kind) or {}
        if "MinimumUnits" in bounds:
            found[f"{kind}_units"] = min(max(config[f"{kind}_units"], bounds["MinimumUnits"]), bounds["MaximumUnits"])
    return found


def _described(table: Table, members: Mapping[str, Table], status: str) -> Params:
    replicas = [_replica(member) for _, member in sorted(members.items())]
    return {"TableName": table.name, "TableStatus": status, "Replicas": replicas}


def _replica(table: Table) -> Params:
    scaling: Settings = table.config.get("scaling") or {}
    own = scaling.get(_OWN) or {}
    return {
        "RegionName": table.region,
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index.name,
                "IndexStatus": index.status,
                "ProvisionedReadCapacityAutoScalingSettings": _shown(table, (scaling.get(index.name) or {}).get(READ)),
                "ProvisionedWriteCapacityAutoScalingSettings": _shown(table, (scaling.get(index.name) or {}).get(WRITE)),
            }
            for index in table.indexes
            if index.is_global
        ],
        "ReplicaProvisionedReadCapacityAutoScalingSettings": _shown(table, own.get(READ)),
        "ReplicaProvisionedWriteCapacityAutoScalingSettings": _shown(table, own.get(WRITE)),
        "ReplicaStatus": table.status,
    }


def _shown(table: Table, settings: Settings | None) -> Params:
    if not settings or settings.get("AutoScalingDisabled"):
        return {"AutoScalingDisabled": True}
    role = "role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
    shown: Params = {
        "MinimumUnits": settings["MinimumUnits"],
        "MaximumUnits": settings["MaximumUnits"],
        "AutoScalingDisabled": False,
        "AutoScalingRoleArn": settings.get("AutoScalingRoleArn") or arn("iam", "", table.account, role),
    }
    policy: Settings | None = settings.get("ScalingPolicyUpdate")
    return shown if policy is None else shown | {"ScalingPolicies": [policy]}
