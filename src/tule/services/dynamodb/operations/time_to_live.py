"""Time to live on and off.  AWS: API reference, UpdateTimeToLive, DescribeTimeToLive.

It is on, or off, when UpdateTimeToLive answers; AWS may take an hour.  Replicas of a global table follow.
"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import clearing, errors, expiring
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import described, table_of
from tule.store.store import Tx

Params = dict[str, Any]

PAUSE_MS = 3_600_000  # between changes, where AWS's limits are held


def update_time_to_live(call: Call, tx: Tx, params: Params) -> Params:
    wanted: Params = params["TimeToLiveSpecification"]
    table = table_of(call, tx, params["TableName"])
    if not table.is_usable:
        raise errors.table_in_use(table.name)
    _check(call, tx, table, wanted)
    attribute = wanted["AttributeName"] if wanted["Enabled"] else None
    for one in [table, *_replicas(tx, table)]:
        _set(tx, one, attribute)
    return {"TimeToLiveSpecification": {"AttributeName": wanted["AttributeName"], "Enabled": wanted["Enabled"]}}


def _check(call: Call, tx: Tx, table: Table, wanted: Params) -> None:
    current, name = table.ttl_attribute, wanted["AttributeName"]
    if not wanted["Enabled"] and current is None:
        raise errors.validation("TimeToLive is already disabled")
    if current is not None and current != name:
        raise errors.validation(f"TimeToLive is active on a different AttributeName: current AttributeName is {current}")
    if wanted["Enabled"] and current is not None:
        raise errors.validation("TimeToLive is already enabled")
    if call.node.config.throttled and tx.now_ms - table.config.get("ttl_ms", 0) < PAUSE_MS:
        raise errors.validation("Time to live has been modified multiple times within a fixed interval")


def _replicas(tx: Tx, table: Table) -> list[Table]:
    found = [rows.find(tx, table.account, region, table.name) for region in table.replicas]
    return [replica for replica in found if replica is not None]


def _set(tx: Tx, table: Table, attribute: str | None) -> None:
    changed = rows.configure(tx, table, ttl_attribute=attribute, ttl_ms=tx.now_ms)
    if attribute is None:
        clearing.clear(tx, changed)
    else:
        expiring.note_existing(tx, changed, attribute)


@reads
def describe_time_to_live(call: Call, tx: Tx, params: Params) -> Params:
    table = described(tx, call.account, call.region, params["TableName"])
    if table.ttl_attribute is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.ttl_attribute}}
