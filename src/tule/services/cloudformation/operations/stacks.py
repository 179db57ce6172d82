"""Creating, updating, deleting and describing stacks.  AWS: CloudFormation API reference."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.cloudformation import describe, errors, intake, launch, lookup, state
from tule.services.cloudformation.state import Stack
from tule.services.cloudformation.template.template import Place
from tule.store.store import Tx

PAGE = 100


async def create_stack(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    name = params["StackName"]
    lookup.check_name(name)
    existing = await call.node.store.read(lambda tx: state.stack(tx, call.account, call.region, name))
    if existing and existing.status != "REVIEW_IN_PROGRESS":
        return launch.repeated(existing, params, "CreateStack") or _refuse(errors.already_exists(name))
    stack_id = existing.id if existing else lookup.new_stack_id(call, name)
    place = Place(call.account, call.region, stack_id, name, tuple(params.get("NotificationARNs") or ()))
    taken = await intake.take(call, params, place, None, expands=False)
    on_failure = params.get("OnFailure")
    if on_failure and params.get("DisableRollback"):
        raise errors.validation("You can specify either DisableRollback or OnFailure, but not both.")
    if params.get("StackPolicyBody") or params.get("StackPolicyURL"):
        policy = await launch.policy_text(call, params, "StackPolicy")
    else:
        policy = None
    operation = launch.operation(call, "create", "apply", params)
    operation.on_failure = on_failure or "ROLLBACK"
    operation.disable_rollback = bool(params.get("DisableRollback"))

    def create(tx: Tx) -> str:
        stack = Stack(
            stack_id,
            call.account,
            call.region,
            name,
            "CREATE_IN_PROGRESS",
            tx.now_ms,
            taken.definition,
            "User Initiated",
            disable_rollback=operation.disable_rollback or on_failure == "DO_NOTHING",
            timeout_minutes=params.get("TimeoutInMinutes"),
            termination_protection=bool(params.get("EnableTerminationProtection")),
            policy=policy,
            operation=operation,
        )
        if existing is None and not state.take_name(tx, stack):
            raise errors.already_exists(name)
        if existing is not None:
            stack.created_ms = existing.created_ms
            launch.make_obsolete(tx, existing.id, "")
        launch.begin(tx, stack, taken, "CreateStack", params)
        return stack.id

    return {"StackId": await call.node.store.write(create)}


def _refuse(error: Exception) -> dict[str, Any]:
    raise error


async def update_stack(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    name = params["StackName"]
    stack = await call.node.store.read(lambda tx: lookup.living(call, tx, name))
    if stack is None:
        raise errors.stack_does_not_exist(name)
    if (again := launch.repeated(stack, params, "UpdateStack")) is not None:
        return again
    taken, changes = await launch.planned_update(call, params, stack, expands=False)
    if not changes and not launch.differs_otherwise(stack, taken):
        raise errors.validation("No updates are to be performed.")
    await launch.start_update(call, params, stack, taken, "UpdateStack")
    return {"StackId": stack.id}


def delete_stack(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = lookup.living(call, tx, params["StackName"])
    if stack is None or stack.status == "DELETE_IN_PROGRESS":
        return {}
    if stack.termination_protection:
        raise errors.termination_protection(stack.name)
    if stack.operation is not None and stack.operation.kind != "create":
        raise errors.in_state(stack.id, stack.status, "deleted")
    retain = list(params.get("RetainResources") or ())
    if retain and stack.status != "DELETE_FAILED":
        raise errors.validation(
            f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources to retain only when the stack is in the"
            " DELETE_FAILED state."
        )
    if stack.status == "REVIEW_IN_PROGRESS":
        launch.delete_reviewed(tx, stack)
        return {}
    operation = launch.operation(call, "delete", "unwind", params)
    operation.retain = retain
    launch.begin_delete(tx, stack, operation, params.get("RoleARN"))
    return {}


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
    wanted = set(params.get("StackStatusFilter") or ())
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
