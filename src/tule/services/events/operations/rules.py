"""Rules.  AWS: EventBridge API reference, PutRule and its neighbours."""

from __future__ import annotations

from typing import Any

from tule.core.tags import to_map
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import errors, rules, state, timers
from tule.services.events.listing import paged
from tule.services.events.names import BusRef, bus, rule_arn
from tule.services.events.state import Record
from tule.services.events.tagging import checked
from tule.store.store import Tx

Params = dict[str, Any]

_KEPT = (("EventPattern", "pattern"), ("ScheduleExpression", "schedule"), ("Description", "description"), ("RoleArn", "role"))


def put_rule(call: Call, tx: Tx, params: Params) -> Params:
    ref, name = bus(call, params.get("EventBusName")), params["Name"]
    rules.require_bus(tx, ref)
    _check(ref, params)
    before = state.rule(tx, ref, name)
    service = call.principal.service
    if before is not None and before.get("managed_by") not in (None, service):
        raise errors.managed_rule(name)
    record: Record = {"name": name, "arn": rule_arn(ref, name), "state": params.get("State", rules.ENABLED)}
    record |= {key: params[member] for member, key in _KEPT if params.get(member)}
    if service:  # an AWS service makes rules of its own, which nobody else changes
        record["managed_by"] = service
    if before is None:
        record |= {"targets": {}, "tags": checked(to_map(params.get("Tags"))), "created_by": call.principal.account}
    else:
        record |= {key: before[key] for key in ("targets", "tags", "created_by", "since_ms", "next_ms") if key in before}
    timers.set_timer(tx, ref, record, before)
    state.put_rule(tx, ref, name, record)
    return {"RuleArn": record["arn"]}


def _check(ref: BusRef, params: Params) -> None:
    if not params.get("EventPattern") and not params.get("ScheduleExpression"):
        raise errors.validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if params.get("ScheduleExpression"):
        rules.schedule(params["ScheduleExpression"])
        if not ref.is_default:
            raise errors.validation("ScheduleExpression is supported only on the default event bus.")
    if params.get("EventPattern"):
        rules.compiled_pattern(params["EventPattern"])


def delete_rule(call: Call, tx: Tx, params: Params) -> None:
    ref, name = bus(call, params.get("EventBusName")), params["Name"]
    rules.require_bus(tx, ref)
    record = state.rule(tx, ref, name)
    if record is None:
        return
    if record.get("managed_by") and not params.get("Force"):
        raise errors.managed_rule(name)
    if record["targets"]:
        raise errors.validation("Rule can't be deleted since it has targets.")
    timers.cancel_timer(tx, record)
    state.delete_rule(tx, ref, name)


@reads
def describe_rule(call: Call, tx: Tx, params: Params) -> Params:
    ref = bus(call, params.get("EventBusName"))
    record = rules.get(tx, ref, params["Name"])
    return {**rules.listed(record, ref), "CreatedBy": record["created_by"]}


def enable_rule(call: Call, tx: Tx, params: Params) -> None:
    _set_state(call, tx, params, rules.ENABLED)


def disable_rule(call: Call, tx: Tx, params: Params) -> None:
    _set_state(call, tx, params, rules.DISABLED)


def _set_state(call: Call, tx: Tx, params: Params, to: str) -> None:
    ref = bus(call, params.get("EventBusName"))
    before = rules.changeable(tx, ref, params["Name"])
    record = {**before, "state": to}
    timers.set_timer(tx, ref, record, before)
    state.put_rule(tx, ref, params["Name"], record)


@reads
def list_rules(call: Call, tx: Tx, params: Params) -> Params:
    ref, prefix = bus(call, params.get("EventBusName")), params.get("NamePrefix", "")
    rules.require_bus(tx, ref)

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        return [(rule["name"], rule) for rule in state.rules(tx, ref, after=after, prefix=prefix, limit=limit)]

    return paged(call, params, "Rules", page, lambda name, rule: rules.listed(rule, ref), ref.arn, prefix)


@reads
def list_rule_names_by_target(call: Call, tx: Tx, params: Params) -> Params:
    ref, wanted = bus(call, params.get("EventBusName")), params["TargetArn"]
    rules.require_bus(tx, ref)

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        found = (rule for rule in state.rules(tx, ref, after=after) if any(target["Arn"] == wanted for target in rule["targets"].values()))
        return [(rule["name"], rule) for rule, _ in zip(found, range(limit), strict=False)]

    return paged(call, params, "RuleNames", page, lambda name, rule: name, ref.arn, wanted)
