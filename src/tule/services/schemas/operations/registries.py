"""Registries and their policies.  AWS: EventBridge Schemas API reference, Registries, Policy."""

from __future__ import annotations

from typing import Any

import orjson

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.schemas import errors, listing, state
from tule.services.schemas.names import BUILT_IN, Scope, registry_arn, scope_of
from tule.services.schemas.state import Record
from tule.services.schemas.tags import checked
from tule.store.store import Tx

Params = dict[str, Any]

_BUILT_IN: Record = {"description": "AWS Event Registry", "tags": {}}


def create_registry(call: Call, tx: Tx, params: Params) -> Params:
    name = params["RegistryName"]
    if name.startswith("aws."):
        raise errors.forbidden("Registry names that begin with aws. are reserved.")
    record: Record = {"description": params.get("Description", ""), "tags": checked(params.get("Tags"))}
    if not state.REGISTRIES.create(tx, *scope_of(call), name, record):
        raise errors.conflict(f"Registry with name {name} already exists.")
    return _shown(scope_of(call), name, record)


@reads
def describe_registry(call: Call, tx: Tx, params: Params) -> Params:
    name = params["RegistryName"]
    record = _BUILT_IN if name == BUILT_IN else state.registry(tx, scope_of(call), name)
    return _shown(scope_of(call), name, record)


def update_registry(call: Call, tx: Tx, params: Params) -> Params:
    name, scope = params["RegistryName"], scope_of(call)
    record = {**state.own_registry(tx, scope, name), "description": params.get("Description", "")}
    state.REGISTRIES.put(tx, *scope, name, record)
    return _shown(scope, name, record)


def delete_registry(call: Call, tx: Tx, params: Params) -> None:
    """With its schemas."""
    name, scope = params["RegistryName"], scope_of(call)
    state.own_registry(tx, scope, name)
    for schema, record in state.schemas(tx, scope, name):
        state.delete_schema(tx, scope, name, schema, record)
    state.REGISTRIES.delete(tx, *scope, name)


@reads
def list_registries(call: Call, tx: Tx, params: Params) -> Params:
    scope, prefix = scope_of(call), params.get("RegistryNamePrefix", "")
    after, limit = listing.start(call, params)
    wanted = params.get("Scope", "").upper()
    if wanted not in ("", "LOCAL", "AWS"):
        raise errors.bad_request("Scope must be LOCAL or AWS.")
    rows: list[tuple[str, Record]] = []
    if wanted != "AWS":
        rows += state.REGISTRIES.page(tx, *scope, after=after, limit=limit + 1, prefix=prefix)
    if wanted != "LOCAL" and BUILT_IN.startswith(prefix) and after < BUILT_IN:
        rows = sorted([*rows, (BUILT_IN, _BUILT_IN)], key=lambda row: row[0])
    entries = [(name, {**_tagged(record), "RegistryArn": registry_arn(scope, name), "RegistryName": name}) for name, record in rows]
    return listing.shown(call, "Registries", entries, limit)


def put_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    name, scope = _policy_registry(params), scope_of(call)
    record = state.own_registry(tx, scope, name)
    if params.get("RevisionId") not in (None, record.get("revision")):
        raise errors.precondition_failed("The RevisionId does not match the policy's latest revision.")
    try:
        orjson.loads(params["Policy"])
    except ValueError as error:
        raise errors.bad_request("The policy is not valid JSON.") from error
    revision = tx.ids.uuid()
    state.REGISTRIES.put(tx, *scope, name, {**record, "policy": params["Policy"], "revision": revision})
    return {"Policy": params["Policy"], "RevisionId": revision}


@reads
def get_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    record = _with_policy(call, tx, params)
    return {"Policy": record["policy"], "RevisionId": record["revision"]}


def delete_resource_policy(call: Call, tx: Tx, params: Params) -> None:
    record = _with_policy(call, tx, params)
    left = {key: value for key, value in record.items() if key not in ("policy", "revision")}
    state.REGISTRIES.put(tx, *scope_of(call), _policy_registry(params), left)


def _with_policy(call: Call, tx: Tx, params: Params) -> Record:
    record = state.registry(tx, scope_of(call), _policy_registry(params))
    if "policy" not in record:
        raise errors.not_found(f"Registry {_policy_registry(params)} has no resource policy.")
    return record


def _policy_registry(params: Params) -> str:
    if not params.get("RegistryName"):
        raise errors.bad_request("RegistryName is required.")
    return str(params["RegistryName"])


def _shown(scope: Scope, name: str, record: Record) -> Params:
    described = {"Description": record["description"]} if record["description"] else {}
    return {**described, "RegistryArn": registry_arn(scope, name), "RegistryName": name, **_tagged(record)}


def _tagged(record: Record) -> Params:
    return {"Tags": record["tags"]}
