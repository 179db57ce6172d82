"""Creating, updating, deleting and describing stacks.  AWS: CloudFormation API reference."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.cloudformation import describe, errors, launch, lookup, patience, state
from tule.store.store import Tx

PAGE = 100


async def create_stack(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    stack_id = await launch.create(call, params)
    await patience.until_at_rest(call, stack_id)
    return {"StackId": stack_id}


async def update_stack(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    stack_id = await launch.update(call, params)
    await patience.until_at_rest(call, stack_id)
    return {"StackId": stack_id}


async def delete_stack(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    stack_id = await call.node.store.write(lambda tx: _delete(call, tx, params))
    await patience.until_at_rest(call, stack_id)
    return {}


def _delete(call: Call, tx: Tx, params: dict[str, Any]) -> str:
    """Begin to delete a stack that lives; its id, empty when there is none."""
    stack = lookup.living(call, tx, params["StackName"])
    if stack is None or stack.status == "DELETE_IN_PROGRESS":
        return ""
    if stack.termination_protection:
        raise errors.termination_protection(stack.name)
    if stack.operation is not None and (stack.operation.kind, stack.operation.phase) != ("create", "apply"):
        raise errors.in_state(stack.id, stack.status, "deleted")
    retain: list[str] = list(params.get("RetainResources", []))
    if retain and stack.status != "DELETE_FAILED":
        raise errors.validation(
            f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources to retain only when the stack is in the"
            " DELETE_FAILED state."
        )
    if stack.status == "REVIEW_IN_PROGRESS":
        launch.delete_reviewed(tx, stack)
        return stack.id
    operation = launch.operation(call, "delete", "unwind", params)
    operation.retain = retain
    launch.begin_delete(tx, stack, operation, params.get("RoleARN"))
    return stack.id


@reads
def describe_stacks(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    name = params.get("StackName")
    if name:
        stack = state.stack(tx, call.account, call.region, name)
        if stack is None:
            raise errors.stack_with_id_does_not_exist(name)
        return {"Stacks": [describe.stack(tx, stack)]}
    found = [stack for stack in state.stacks(tx, call.account, call.region) if stack.status != "DELETE_COMPLETE"]
    page, token = describe.page(call, "DescribeStacks", found, params, PAGE)
    return {"Stacks": [describe.stack(tx, stack) for stack in page], "NextToken": token}


@reads
def list_stacks(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    wanted: set[str] = set(params.get("StackStatusFilter", []))
    found = [stack for stack in state.stacks(tx, call.account, call.region) if not wanted or stack.status in wanted]
    page, token = describe.page(call, "ListStacks", found, params, PAGE)
    return {"StackSummaries": [describe.summary(tx, stack) for stack in page], "NextToken": token}


def update_termination_protection(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = lookup.living(call, tx, params["StackName"])
    if stack is None:
        raise errors.stack_with_id_does_not_exist(params["StackName"])
    stack.termination_protection = bool(params["EnableTerminationProtection"])
    state.put_stack(tx, stack)
    return {"StackId": stack.id}
