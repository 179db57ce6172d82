"""Global endpoints.  AWS: EventBridge API reference, CreateEndpoint and its neighbours.

They are kept and shown; all regions are on this installation, so there is nothing to fail over from.
"""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import errors, rules, state
from tule.services.events.listing import paged
from tule.services.events.names import bus_of
from tule.services.events.state import Record
from tule.store.store import Tx

Params = dict[str, Any]

_KEPT = ("Description", "RoutingConfig", "ReplicationConfig", "EventBuses", "RoleArn")


def create_endpoint(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    _check_buses(call, tx, params["EventBuses"])
    record: Record = {"id": f"{tx.ids.hex(10)}.{tx.ids.hex(3)}", "created_ms": call.now_ms, "modified_ms": call.now_ms, **_given(params)}
    record.setdefault("ReplicationConfig", {"State": "ENABLED"})
    if not state.ENDPOINTS.create(tx, call.account, call.region, name, record):
        raise errors.exists(f"Endpoint '{name}' already exists.")
    return _shown(call, name, record, "RoutingConfig", "ReplicationConfig", "EventBuses", "RoleArn")


def _check_buses(call: Call, tx: Tx, buses: list[dict[str, str]]) -> None:
    """Both are of one name, one of them here.  Raises ValidationException, ResourceNotFoundException."""
    refs = [bus_of(entry["EventBusArn"], call.account, call.region) for entry in buses]
    if len({ref.name for ref in refs}) > 1:
        raise errors.validation("Event buses of an endpoint must have the same name.")
    for ref in refs:
        rules.require_bus(tx, ref)


def _given(params: Params) -> Record:
    return {member: params[member] for member in _KEPT if member in params}


def update_endpoint(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    record = _get(tx, call, name)
    if "EventBuses" in params:
        _check_buses(call, tx, params["EventBuses"])
    record |= {**_given(params), "modified_ms": call.now_ms}
    state.ENDPOINTS.put(tx, call.account, call.region, name, record)
    shown = _shown(call, name, record, "RoutingConfig", "ReplicationConfig", "EventBuses", "RoleArn")
    return {**shown, **_place(record)}


def delete_endpoint(call: Call, tx: Tx, params: Params) -> None:
    _get(tx, call, params["Name"])
    state.ENDPOINTS.delete(tx, call.account, call.region, params["Name"])


@reads
def describe_endpoint(call: Call, tx: Tx, params: Params) -> Params:
    return _described(call, params["Name"], _get(tx, call, params["Name"]))


@reads
def list_endpoints(call: Call, tx: Tx, params: Params) -> Params:
    prefix, home = params.get("NamePrefix", ""), params.get("HomeRegion", call.region)

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        return state.ENDPOINTS.page(tx, call.account, home, after=after, prefix=prefix, limit=limit)

    return paged(call, params, "Endpoints", page, lambda name, record: _described(call, name, record), prefix, home)


def _get(tx: Tx, call: Call, name: str) -> Record:
    found = state.ENDPOINTS.get(tx, call.account, call.region, name)
    if found is None:
        raise errors.not_found(f"Endpoint '{name}' does not exist.")
    return found


def _described(call: Call, name: str, record: Record) -> Params:
    times = {"CreationTime": record["created_ms"] / 1000, "LastModifiedTime": record["modified_ms"] / 1000}
    return {**_shown(call, name, record, *_KEPT), **_place(record), **times}


def _place(record: Record) -> Params:
    return {"EndpointId": record["id"], "EndpointUrl": f"https://{record['id']}.endpoint.events.amazonaws.com"}


def _shown(call: Call, name: str, record: Record, *members: str) -> Params:
    arn = arns.arn("events", call.region, call.account, f"endpoint/{name}")
    return {"Name": name, "Arn": arn, "State": "ACTIVE", **{member: record[member] for member in members if member in record}}
