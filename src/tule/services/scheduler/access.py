"""Who may do what with schedules.  AWS: Service authorization reference, EventBridge Scheduler.

A schedule's permission is on its ARN, with the group in it; who gives a schedule a role must be allowed to pass it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Need, Needs
from tule.services.scheduler import state
from tule.services.scheduler.names import SCHEDULER, group_arn, schedule_ref
from tule.store.store import Tx

Params = dict[str, Any]


def _on_schedule(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    ref = schedule_ref(call, params)
    needs = [Need(action, ref.arn)]
    if "Target" in params:
        needs.append(Need("iam:PassRole", params["Target"]["RoleArn"], {"iam:PassedToService": SCHEDULER, "iam:AssociatedResourceArn": ref.arn}))
    return needs


def _on_group(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    return [Need(action, group_arn(call.account, call.region, params["Name"]), _tags(call, tx, params["Name"], params))]


def _on_tagged(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    arn = arns.parse(params["ResourceArn"])
    return [Need(action, str(arn), _tags(call, tx, arn.resource_id, params), owner=arn.account)]


def _tags(call: Call, tx: Tx, name: str, params: Params) -> dict[str, Any]:
    group = state.find_group(tx, call.account, call.region, name)
    keys: dict[str, Any] = {f"aws:ResourceTag/{key}": value for key, value in group["tags"].items()} if group is not None else {}
    given = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    keys |= {f"aws:RequestTag/{key}": value for key, value in given.items()}
    named = list(given) or params.get("TagKeys", [])
    return keys | ({"aws:TagKeys": list(named)} if named else {})


def _needs() -> dict[str, Needs]:
    needs: dict[str, Needs] = {}
    for operation in ("CreateSchedule", "GetSchedule", "UpdateSchedule", "DeleteSchedule"):
        needs[operation] = partial(_on_schedule, f"scheduler:{operation}")
    for operation in ("CreateScheduleGroup", "GetScheduleGroup", "DeleteScheduleGroup"):
        needs[operation] = partial(_on_group, f"scheduler:{operation}")
    for operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        needs[operation] = partial(_on_tagged, f"scheduler:{operation}")
    return needs


NEEDS = _needs()
