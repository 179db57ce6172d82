"""Looking at a stack: events, resources, templates.  AWS: CloudFormation API reference."""

from __future__ import annotations

from typing import Any

import orjson

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.cloudformation import describe, errors, lookup, state
from tule.services.cloudformation.records import Resource, Stack
from tule.store.store import Tx

EVENTS_PAGE = 100
RESOURCES_PAGE = 100
NEWEST = 2**62


@reads
def describe_stack_events(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = state.stack(tx, call.account, call.region, params["StackName"])
    if stack is None:
        raise errors.stack_does_not_exist(params["StackName"])
    before = describe.position(call, f"DescribeStackEvents/{stack.id}", params) or NEWEST
    found = state.events(tx, stack.id, before, EVENTS_PAGE + 1)
    shown = found[:EVENTS_PAGE]
    more = len(found) > EVENTS_PAGE
    token = call.node.pager.token(f"DescribeStackEvents/{stack.id}", shown[-1][0]) if more else None
    return {"StackEvents": [describe.event(stack, body) for _, body in shown], "NextToken": token}


@reads
def describe_stack_resource(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = _named(call, tx, params["StackName"])
    record = state.resource(tx, stack.id, params["LogicalResourceId"])
    if record is None or not record.physical_id:
        raise errors.validation(f"Resource {params['LogicalResourceId']} does not exist for stack {params['StackName']}")
    return {"StackResourceDetail": _detail(stack, record)}


def _named(call: Call, tx: Tx, name: str) -> Stack:
    stack = state.stack(tx, call.account, call.region, name)
    if stack is None:
        raise errors.validation(f"Stack '{name}' does not exist")
    return stack


def _detail(stack: Stack, record: Resource) -> dict[str, Any]:
    shown = describe.resource(stack, record)
    shown["LastUpdatedTimestamp"] = shown.pop("Timestamp")
    shown["Metadata"] = orjson.dumps(record.metadata or {}).decode()
    return shown


@reads
def describe_stack_resources(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    name, physical_id, logical_id = params.get("StackName"), params.get("PhysicalResourceId"), params.get("LogicalResourceId")
    if bool(name) == bool(physical_id):
        raise errors.validation(
            "Both StackName and PhysicalResourceId cannot be specified" if name else "StackName or PhysicalResourceId is required"
        )
    stack = lookup.any_stack(call, tx, name) if name else _owner(call, tx, physical_id or "")
    records = [record for record in state.resources(tx, stack.id).values() if not logical_id or record.logical_id == logical_id]
    return {"StackResources": [describe.resource(stack, record) for record in records[:RESOURCES_PAGE]]}


def _owner(call: Call, tx: Tx, physical_id: str) -> Stack:
    for stack_id in state.stacks_of_physical_id(tx, physical_id):
        stack = state.stack(tx, call.account, call.region, stack_id)
        if stack and stack.status != "DELETE_COMPLETE":
            return stack
    raise errors.validation(f"Stack for {physical_id} does not exist")


@reads
def list_stack_resources(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = lookup.any_stack(call, tx, params["StackName"])
    records = list(state.resources(tx, stack.id).values())
    shown, token = describe.page(call, f"ListStackResources/{stack.id}", records, params, RESOURCES_PAGE)
    summaries = []
    for record in shown:
        summary = describe.resource(stack, record)
        summary["LastUpdatedTimestamp"] = summary.pop("Timestamp")
        summaries.append({key: value for key, value in summary.items() if key not in ("StackName", "StackId")})
    return {"StackResourceSummaries": summaries, "NextToken": token}


@reads
def get_template(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack_id, template_id = _template_of(call, tx, params)
    original = state.original_template(tx, stack_id, template_id)
    body = original
    if params.get("TemplateStage", "Original") == "Processed":
        processed = state.processed_template(tx, stack_id, template_id)
        body = original if not _was_transformed(original) else orjson.dumps(processed).decode()
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


def _was_transformed(original: str) -> bool:
    return "Transform" in original


def _template_of(call: Call, tx: Tx, params: dict[str, Any]) -> tuple[str, str]:
    name, change_set_name = params.get("StackName"), params.get("ChangeSetName")
    if change_set_name:
        change_set = lookup.change_set(call, tx, change_set_name, name)
        return change_set.stack_id, change_set.definition.template
    if not name:
        raise errors.validation("StackName is required if ChangeSetName is not specified.")
    stack = lookup.any_stack(call, tx, name)
    return stack.id, stack.definition.template
