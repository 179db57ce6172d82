"""Steering an operation that runs or stands still.  AWS: CloudFormation API reference."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.services.cloudformation import errors, launch, lookup, state
from tule.services.cloudformation.engine import slow
from tule.services.cloudformation.records import Stack
from tule.store.store import Tx


def _existing(call: Call, tx: Tx, name: str) -> Stack:
    stack = lookup.living(call, tx, name)
    if stack is None:
        raise errors.stack_does_not_exist(name)
    return stack


def cancel_update_stack(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = _existing(call, tx, params["StackName"])
    if stack.status != "UPDATE_IN_PROGRESS" or stack.operation is None:
        raise errors.validation("CancelUpdateStack cannot be called from current stack status")
    stack.operation.cancelled = True
    state.put_stack(tx, stack)
    slow.drive_job(tx, stack.id, stack.account, stack.region)
    return {}


def continue_update_rollback(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = _existing(call, tx, params["StackName"])
    if stack.status != "UPDATE_ROLLBACK_FAILED" or stack.paused is None:
        raise errors.validation(f"Stack:{stack.id} is in {stack.status} state and can not continue rolling back.")
    skip = [name.rsplit(".", 1)[-1] for name in params.get("ResourcesToSkip") or ()]
    failed = {record.logical_id for record in state.resources(tx, stack.id).values() if record.status == "UPDATE_FAILED"}
    wrong = [name for name in skip if name not in failed]
    if wrong:
        raise errors.validation(f"Resources [{', '.join(wrong)}] cannot be skipped: they are not in UPDATE_FAILED state.")
    wanted = stack.paused
    wanted.skip, wanted.principal = skip, launch.operation(call, "update", "rollback", params).principal
    launch.resume(tx, stack, wanted, "UPDATE_ROLLBACK_IN_PROGRESS", params.get("RoleARN"))
    return {}


def rollback_stack(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    """A stack that was left as it was when something failed goes back to what worked last."""
    stack = _existing(call, tx, params["StackName"])
    if stack.status not in ("CREATE_FAILED", "UPDATE_FAILED") or stack.paused is None:
        raise errors.in_state(stack.id, stack.status, "rolled back")
    wanted = stack.paused
    if stack.status == "CREATE_FAILED":
        wanted.phase, wanted.on_failure = "unwind", "ROLLBACK"
        launch.resume(tx, stack, wanted, "ROLLBACK_IN_PROGRESS", params.get("RoleARN"))
    else:
        wanted.phase = "rollback"
        if wanted.before is not None:
            stack.definition = wanted.before
        launch.resume(tx, stack, wanted, "UPDATE_ROLLBACK_IN_PROGRESS", params.get("RoleARN"))
    return {"StackId": stack.id}


def signal_resource(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = _existing(call, tx, params["StackName"])
    record = state.resource(tx, stack.id, params["LogicalResourceId"])
    if record is None:
        raise errors.validation(f"Resource {params['LogicalResourceId']} does not exist for stack {params['StackName']}")
    if record.waiting is None or "tokens" not in record.waiting:
        raise errors.validation(f"Resource {record.logical_id} is in {record.status} state and can not be signaled")
    state.add_answer(tx, record.token, stack.id, {"UniqueId": params["UniqueId"], "Status": params["Status"]})
    slow.drive_job(tx, stack.id, stack.account, stack.region)
    return {}
