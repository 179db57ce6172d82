"""Schedule groups and their tags.  AWS: EventBridge Scheduler API reference, CreateScheduleGroup and others."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core import tags as tag_rules
from tule.core.errors import validation
from tule.core.paging import page
from tule.core.tags import to_list, to_map
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.scheduler import deletion, errors, state
from tule.services.scheduler.names import DEFAULT_GROUP, group_arn
from tule.services.scheduler.state import Document
from tule.store.store import Tx

MAX_RESULTS = 100

Params = dict[str, Any]


def create_schedule_group(call: Call, tx: Tx, params: Params) -> Params:
    name, token = params["Name"], params.get("ClientToken")
    tags = _checked({}, params.get("Tags", []))
    arn = group_arn(call.account, call.region, name)
    there = state.find_group(tx, call.account, call.region, name)
    if there is not None:
        if token is None or there.get("token") != token or there["tags"] != tags:
            raise errors.group_exists(name)
        return {"ScheduleGroupArn": arn}
    document: Document = {"created_ms": tx.now_ms, "modified_ms": tx.now_ms, "state": state.ACTIVE, "tags": tags, "token": token}
    state.GROUPS.put(tx, call.account, call.region, name, document)
    return {"ScheduleGroupArn": arn}


@reads
def get_schedule_group(call: Call, tx: Tx, params: Params) -> Params:
    return _shown(call, params["Name"], state.group(tx, call.account, call.region, params["Name"]))


def _shown(call: Call, name: str, group: Document) -> Params:
    return {
        "Arn": group_arn(call.account, call.region, name),
        "Name": name,
        "State": group["state"],
        "CreationDate": group["created_ms"] / 1000,
        "LastModificationDate": group["modified_ms"] / 1000,
    }


def delete_schedule_group(call: Call, tx: Tx, params: Params) -> None:
    name = params["Name"]
    if name == DEFAULT_GROUP:
        raise errors.default_group_stays()
    group = state.group(tx, call.account, call.region, name)
    if group["state"] == state.DELETING:
        return
    group |= {"state": state.DELETING, "modified_ms": tx.now_ms}
    state.GROUPS.put(tx, call.account, call.region, name, group)
    deletion.begin(tx, call.account, call.region, name)


@reads
def list_schedule_groups(call: Call, tx: Tx, params: Params) -> Params:
    prefix = params.get("NamePrefix", "")
    scope = f"scheduler.ListScheduleGroups.{call.account}.{call.region}.{prefix}"
    after = call.node.pager.after(scope, params.get("NextToken"), errors.invalid_token)
    found = [(name, group) for name, group in state.groups(tx, call.account, call.region, prefix) if name > after]
    shown, last = page(found, params.get("MaxResults", MAX_RESULTS), lambda row: row[0])
    answer: Params = {"ScheduleGroups": [_shown(call, name, group) for name, group in shown]}
    if last is not None:
        answer["NextToken"] = call.node.pager.token(scope, last)
    return answer


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    name, group = _tagged(call, tx, params)
    group["tags"] = _checked(group["tags"], params["Tags"])
    state.GROUPS.put(tx, call.account, call.region, name, group)


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    name, group = _tagged(call, tx, params)
    group["tags"] = {key: value for key, value in group["tags"].items() if key not in params["TagKeys"]}
    state.GROUPS.put(tx, call.account, call.region, name, group)


@reads
def list_tags_for_resource(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": to_list(_tagged(call, tx, params)[1]["tags"])}


def _tagged(call: Call, tx: Tx, params: Params) -> tuple[str, Document]:
    name = arns.parse(params["ResourceArn"]).resource_id
    return name, state.group(tx, call.account, call.region, name)


def _checked(there: dict[str, str], given: list[dict[str, str]]) -> dict[str, str]:
    tags = {**there, **to_map(given)}
    violation = tag_rules.violation(tags)
    if violation is not None:
        raise validation(f"Invalid tags: {violation}.")
    return tags
