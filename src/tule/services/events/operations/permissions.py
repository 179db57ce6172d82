"""Letting other accounts in.  AWS: EventBridge API reference, PutPermission, RemovePermission."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.services.events import errors, policies, rules, state
from tule.services.events.names import BusRef, bus
from tule.services.events.policies import Policy
from tule.store.store import Tx

Params = dict[str, Any]
_NEEDED = ("Action", "Principal", "StatementId")


def put_permission(call: Call, tx: Tx, params: Params) -> None:
    ref = bus(call, params.get("EventBusName"))
    record = rules.require_bus(tx, ref)
    if params.get("Policy"):
        policy = policies.parse(params["Policy"])
    else:
        missing = [member for member in _NEEDED if not params.get(member)]
        if missing:
            raise errors.validation(f"Parameter(s) {', '.join(missing)} must be specified.")
        added = policies.statement(ref, params["StatementId"], params["Action"], params["Principal"], params.get("Condition"))
        policy = policies.with_statement(record.get("policy"), added)
    _put(call, tx, ref, policy)


def remove_permission(call: Call, tx: Tx, params: Params) -> None:
    ref = bus(call, params.get("EventBusName"))
    record = rules.require_bus(tx, ref)
    if params.get("RemoveAllPermissions"):
        _put(call, tx, ref, None)
    elif not params.get("StatementId"):
        raise errors.validation("Parameter StatementId or RemoveAllPermissions must be specified.")
    else:
        _put(call, tx, ref, policies.without_statement(record.get("policy"), params["StatementId"]))


def _put(call: Call, tx: Tx, ref: BusRef, policy: Policy | None) -> None:
    record = rules.require_bus(tx, ref)
    record.pop("policy", None)
    if policy is not None:
        record["policy"] = policy
    if "created_ms" in record:
        record["modified_ms"] = call.now_ms
    state.put_bus(tx, ref, record)
