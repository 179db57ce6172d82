"""Who may do what with buses, rules and the rest.  AWS: Service authorization reference, Amazon EventBridge.

A bus has a policy, which lets other accounts put events and make rules of their own on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson

from tule.core import arn as arns
from tule.core.tags import to_map
from tule.platform.call import Call
from tule.platform.service import Need, Needs, RememberedNeeds
from tule.services.events import state
from tule.services.events.memory import memory
from tule.services.events.names import DEFAULT_BUS, BusRef, bus, rule_arn, rule_of
from tule.store.store import Tx

Params = dict[str, Any]

_ON_RULE = {
    "PutRule": "Name",
    "DeleteRule": "Name",
    "DescribeRule": "Name",
    "EnableRule": "Name",
    "DisableRule": "Name",
    "PutTargets": "Rule",
    "RemoveTargets": "Rule",
    "ListTargetsByRule": "Rule",
}
_ON_BUS = {
    "CreateEventBus": "Name",
    "UpdateEventBus": "Name",
    "DeleteEventBus": "Name",
    "DescribeEventBus": "Name",
    "PutPermission": "EventBusName",
    "RemovePermission": "EventBusName",
    "ListRules": "EventBusName",
}


async def put_needs(call: Call, params: Params) -> list[Need]:
    """One need for each bus, source and detail type of the entries."""
    asked = {(entry.get("EventBusName"), entry.get("Source", ""), entry.get("DetailType", "")): None for entry in params["Entries"]}
    return [await put_need(call, bus(call, name), source, detail_type) for name, source, detail_type in asked]


async def put_need(call: Call, ref: BusRef, source: str, detail_type: str, *, relayed: bool = False) -> Need:
    """An event on its way to a bus; `relayed` when it comes from another one."""
    known = await memory(call.node).policies.of(ref)
    context = {"events:source": source, "events:detail-type": detail_type, "events:eventBusInvocation": "true" if relayed else "false"}
    return Need("events:PutEvents", known.arn, context, policy=known.policy, owner=ref.account)


def _policy(tx: Tx, ref: BusRef) -> Mapping[str, Any] | None:
    record = state.bus(tx, ref)
    return None if record is None else record.get("policy")


def _on_rule(action: str, member: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    ref, name = bus(call, params.get("EventBusName")), params[member]
    rule = state.rule(tx, ref, name)
    context = _tags(rule or {}, params)
    context["events:creatorAccount"] = rule["created_by"] if rule is not None else call.principal.account
    context |= _asked_of_rule(params)
    return [Need(action, rule_arn(ref, name), context, policy=_policy(tx, ref), owner=ref.account)]


def _asked_of_rule(params: Params) -> Params:
    """What the rule would match and where it would send, for condition keys."""
    keys: Params = {}
    if "Targets" in params:
        keys["events:TargetArn"] = [target["Arn"] for target in params["Targets"]]
    for member in ("source", "detail-type"):
        values = [value for value in _pattern(params).get(member, ()) if isinstance(value, str)]
        if values:
            keys[f"events:{member}"] = values
    return keys


def _pattern(params: Params) -> Params:
    """The rule's pattern as far as it is JSON; whether it is a pattern is found out later."""
    try:
        found = orjson.loads(params.get("EventPattern") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _on_bus(action: str, member: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    ref = bus(call, params.get(member))
    return [Need(action, ref.arn, _tags(state.bus(tx, ref) or {}, params), policy=_policy(tx, ref), owner=ref.account)]


def _on_named(action: str, kind: str, member: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    return [Need(action, arns.arn("events", call.region, call.account, f"{kind}/{params[member]}"))]


def _tagged(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    arn = params["ResourceARN"]
    if not arns.is_arn(arn):
        return [Need(action, arn)]
    parsed = arns.parse(arn)
    if parsed.resource_type == "rule":
        ref, name = rule_of(arn)
        record = state.rule(tx, ref, name)
    else:
        ref = BusRef(parsed.account, parsed.region, parsed.resource_id or DEFAULT_BUS)
        record = state.bus(tx, ref)
    return [Need(action, arn, _tags(record or {}, params), owner=parsed.account)]


def _tags(record: Mapping[str, Any], params: Params) -> Params:
    keys: Params = {f"aws:ResourceTag/{key}": value for key, value in record.get("tags", {}).items()}
    if "Tags" in params:
        given = to_map(params["Tags"])
        keys |= {f"aws:RequestTag/{key}": value for key, value in given.items()}
        keys["aws:TagKeys"] = list(given)
    elif "TagKeys" in params:
        keys["aws:TagKeys"] = params["TagKeys"]
    return keys


_NAMED = {
    "archive": ("ArchiveName", ("CreateArchive", "DescribeArchive", "UpdateArchive", "DeleteArchive")),
    "replay": ("ReplayName", ("StartReplay", "DescribeReplay", "CancelReplay")),
    "connection": ("Name", ("CreateConnection", "DescribeConnection", "UpdateConnection", "DeleteConnection", "DeauthorizeConnection")),
    "api-destination": ("Name", ("CreateApiDestination", "DescribeApiDestination", "UpdateApiDestination", "DeleteApiDestination")),
    "endpoint": ("Name", ("CreateEndpoint", "DescribeEndpoint", "UpdateEndpoint", "DeleteEndpoint")),
    "event-source": ("Name", ("ActivateEventSource", "DeactivateEventSource", "DescribeEventSource")),
}


def _needs() -> dict[str, Needs]:
    needs: dict[str, Needs] = {}
    makers: list[tuple[dict[str, str], Callable[..., list[Need]]]] = [(_ON_RULE, _on_rule), (_ON_BUS, _on_bus)]
    for operations, need in makers:
        for operation, member in operations.items():
            needs[operation] = partial(need, f"events:{operation}", member)
    for kind, (member, operations) in _NAMED.items():
        for operation in operations:
            needs[operation] = partial(_on_named, f"events:{operation}", kind, member)
    for operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        needs[operation] = partial(_tagged, f"events:{operation}")
    return needs


NEEDS = _needs()
REMEMBERED_NEEDS: Mapping[str, RememberedNeeds] = {"PutEvents": put_needs}
