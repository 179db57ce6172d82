"""API destinations.  AWS: EventBridge API reference, CreateApiDestination and its neighbours."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import api_destinations, connections, errors, state
from tule.services.events.listing import paged
from tule.services.events.state import Record
from tule.store.store import Tx

Params = dict[str, Any]

_KEPT = (
    ("Description", "description"),
    ("ConnectionArn", "connection"),
    ("InvocationEndpoint", "endpoint"),
    ("HttpMethod", "method"),
    ("InvocationRateLimitPerSecond", "rate"),
)


def create_api_destination(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    _require_connection(tx, params["ConnectionArn"])
    record: Record = {
        "id": tx.ids.uuid(),
        "rate": api_destinations.MAX_RATE,
        "created_ms": call.now_ms,
        "modified_ms": call.now_ms,
        **{key: params[member] for member, key in _KEPT if member in params},
    }
    if not state.API_DESTINATIONS.create(tx, call.account, call.region, name, record):
        raise errors.exists(f"An api-destination '{name}' already exists.")
    return _state(call, tx, name, record)


def update_api_destination(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    record = api_destinations.get(tx, call, name)
    if "ConnectionArn" in params:
        _require_connection(tx, params["ConnectionArn"])
    record |= {key: params[member] for member, key in _KEPT if member in params}
    record["modified_ms"] = call.now_ms
    state.API_DESTINATIONS.put(tx, call.account, call.region, name, record)
    return _state(call, tx, name, record)


def _require_connection(tx: Tx, connection_arn: str) -> None:
    if connections.by_arn(tx, connection_arn) is None:
        raise errors.not_found(f"Connection '{connection_arn}' does not exist.")


def delete_api_destination(call: Call, tx: Tx, params: Params) -> None:
    api_destinations.get(tx, call, params["Name"])
    state.API_DESTINATIONS.delete(tx, call.account, call.region, params["Name"])


@reads
def describe_api_destination(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    record = api_destinations.get(tx, call, name)
    shown = _listed(call, tx, name, record)
    if "description" in record:
        shown["Description"] = record["description"]
    return shown


@reads
def list_api_destinations(call: Call, tx: Tx, params: Params) -> Params:
    wanted, prefix = params.get("ConnectionArn"), params.get("NamePrefix", "")

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        found = state.API_DESTINATIONS.page(tx, call.account, call.region, after=after, prefix=prefix)
        return [(name, record) for name, record in found if wanted in (None, record["connection"])][:limit]

    return paged(call, params, "ApiDestinations", page, lambda name, record: _listed(call, tx, name, record), prefix, wanted or "")


def _state(call: Call, tx: Tx, name: str, record: Record) -> Params:
    return {
        "ApiDestinationArn": api_destinations.arn(call.account, call.region, name, record),
        "ApiDestinationState": api_destinations.state_of(tx, record),
        "CreationTime": record["created_ms"] / 1000,
        "LastModifiedTime": record["modified_ms"] / 1000,
    }


def _listed(call: Call, tx: Tx, name: str, record: Record) -> Params:
    return {
        **_state(call, tx, name, record),
        "Name": name,
        "ConnectionArn": record["connection"],
        "InvocationEndpoint": record["endpoint"],
        "HttpMethod": record["method"],
        "InvocationRateLimitPerSecond": record["rate"],
    }
