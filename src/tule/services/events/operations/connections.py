"""Connections.  AWS: EventBridge API reference, CreateConnection and its neighbours."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import connections, errors, state
from tule.services.events.listing import paged
from tule.services.events.state import Record
from tule.store.store import Tx

Params = dict[str, Any]

_KEPT = (("Description", "description"), ("InvocationConnectivityParameters", "connectivity"), ("KmsKeyIdentifier", "kms_key"))


def create_connection(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    connections.check(params["AuthorizationType"], params["AuthParameters"])
    record: Record = {
        "id": tx.ids.uuid(),
        "secret": _secret_name(tx),
        "type": params["AuthorizationType"],
        "auth": params["AuthParameters"],
        "created_ms": call.now_ms,
        "modified_ms": call.now_ms,
        **{key: params[member] for member, key in _KEPT if member in params},
    }
    connections.authorize(tx, call, name, record)
    if not state.CONNECTIONS.create(tx, call.account, call.region, name, record):
        raise errors.exists(f"Connection {name} already exists.")
    return _state(call, name, record)


def _secret_name(tx: Tx) -> str:
    return f"{tx.ids.uuid()}-{tx.ids.alnum(6)}"


def update_connection(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    record = connections.get(tx, call, name)
    kind = params.get("AuthorizationType", record["type"])
    auth = connections.merged(record["auth"] if kind == record["type"] else {}, params.get("AuthParameters", {}))
    connections.check(kind, auth)
    record |= {"type": kind, "auth": auth, "modified_ms": call.now_ms, "secret": _secret_name(tx)}
    record |= {key: params[member] for member, key in _KEPT if member in params}
    connections.authorize(tx, call, name, record)
    state.CONNECTIONS.put(tx, call.account, call.region, name, record)
    return {**_state(call, name, record), "LastAuthorizedTime": record["authorized_ms"] / 1000}


def deauthorize_connection(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    record = connections.get(tx, call, name)
    record |= {"state": connections.DEAUTHORIZED, "auth": {}, "modified_ms": call.now_ms}
    state.CONNECTIONS.put(tx, call.account, call.region, name, record)
    return {**_state(call, name, record), "LastAuthorizedTime": record["authorized_ms"] / 1000}


def delete_connection(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    record = connections.get(tx, call, name)
    state.CONNECTIONS.delete(tx, call.account, call.region, name)
    gone = {**record, "state": connections.DELETING}
    return {**_state(call, name, gone), "LastAuthorizedTime": record["authorized_ms"] / 1000}


@reads
def describe_connection(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    record = connections.get(tx, call, name)
    shown = {
        **_listed(call, name, record),
        "SecretArn": connections.secret_arn(call.account, call.region, name, record),
        "AuthParameters": connections.shown_auth(record["auth"]),
    }
    return shown | {member: record[key] for member, key in _KEPT if key in record}


@reads
def list_connections(call: Call, tx: Tx, params: Params) -> Params:
    wanted, prefix = params.get("ConnectionState"), params.get("NamePrefix", "")

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        found = state.CONNECTIONS.page(tx, call.account, call.region, after=after, prefix=prefix)
        return [(name, record) for name, record in found if wanted in (None, record["state"])][:limit]

    return paged(call, params, "Connections", page, lambda name, record: _listed(call, name, record), prefix, wanted or "")


def _state(call: Call, name: str, record: Record) -> Params:
    return {
        "ConnectionArn": connections.arn(call.account, call.region, name, record),
        "ConnectionState": record["state"],
        "CreationTime": record["created_ms"] / 1000,
        "LastModifiedTime": record["modified_ms"] / 1000,
    }


def _listed(call: Call, name: str, record: Record) -> Params:
    shown = {
        **_state(call, name, record),
        "Name": name,
        "AuthorizationType": record["type"],
        "LastAuthorizedTime": record["authorized_ms"] / 1000,
    }
    if "reason" in record:
        shown["StateReason"] = record["reason"]
    return shown
