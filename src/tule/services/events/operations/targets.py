"""Targets of rules.  AWS: EventBridge API reference, PutTargets, RemoveTargets, ListTargetsByRule."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import errors, rules, state
from tule.services.events.listing import paged
from tule.services.events.names import bus
from tule.services.events.state import Record
from tule.services.events.target_rules import check
from tule.store.store import Tx

Params = dict[str, Any]


def put_targets(call: Call, tx: Tx, params: Params) -> Params:
    ref = bus(call, params.get("EventBusName"))
    rule = rules.changeable(tx, ref, params["Rule"], service=call.principal.service)
    for target in params["Targets"]:
        check(target)
    merged = {**rule["targets"], **{target["Id"]: target for target in params["Targets"]}}
    if len(merged) > rules.MAX_TARGETS:
        raise errors.limit_exceeded()
    state.put_rule(tx, ref, params["Rule"], {**rule, "targets": merged})
    return {"FailedEntryCount": 0, "FailedEntries": []}


def remove_targets(call: Call, tx: Tx, params: Params) -> Params:
    ref = bus(call, params.get("EventBusName"))
    rule = rules.changeable(tx, ref, params["Rule"], force=params.get("Force", False))
    failed = [_not_there(id, rule) for id in params["Ids"] if id not in rule["targets"]]
    left = {id: target for id, target in rule["targets"].items() if id not in params["Ids"]}
    state.put_rule(tx, ref, params["Rule"], {**rule, "targets": left})
    return {"FailedEntryCount": len(failed), "FailedEntries": failed}


def _not_there(id: str, rule: Record) -> Params:
    message = f"Rule '{rule['name']}' does not have a target with the Id '{id}'."
    return {"TargetId": id, "ErrorCode": "ResourceNotFoundException", "ErrorMessage": message}


@reads
def list_targets_by_rule(call: Call, tx: Tx, params: Params) -> Params:
    ref = bus(call, params.get("EventBusName"))
    rule = rules.get(tx, ref, params["Rule"])

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        return [entry for entry in sorted(rule["targets"].items()) if entry[0] > after][:limit]

    return paged(call, params, "Targets", page, lambda id, target: target, rule["arn"])
