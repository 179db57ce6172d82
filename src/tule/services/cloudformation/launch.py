"""Beginning an operation on a stack: the rows that make the engine do it, all in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tule.platform.call import Call
from tule.services.cloudformation import errors, intake, sources, state
from tule.services.cloudformation.changes import changes_of
from tule.services.cloudformation.engine import slow
from tule.services.cloudformation.engine.run import place_of, raw_principal
from tule.services.cloudformation.intake import Intake
from tule.services.cloudformation.state import Definition, Operation, Stack
from tule.store.store import Tx

UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"})
MINUTE_MS = 60_000


def operation(call: Call, kind: str, phase: str, params: Mapping[str, Any]) -> Operation:
    return Operation(
        call.node.ids.uuid(), kind, phase, raw_principal(call.principal), call.endpoint, client_token=params.get("ClientRequestToken") or ""
    )


def _asked(action: str, params: Mapping[str, Any]) -> str:
    return f"{action} {json.dumps(params, sort_keys=True, default=repr)}"


def repeated(stack: Stack, params: Mapping[str, Any], action: str) -> dict[str, Any] | None:
    """The answer to a request that was made before under the same ClientRequestToken.  Raises when it was another one."""
    token = params.get("ClientRequestToken")
    if not token or token not in stack.tokens:
        return None
    if stack.tokens[token] != _asked(action, params):
        raise errors.token_already_exists(token)
    return {"StackId": stack.id}


def begin(tx: Tx, stack: Stack, taken: Intake, action: str, params: Mapping[str, Any]) -> None:
    """Start what `stack.operation` says, with the definition taken."""
    assert stack.operation is not None
    state.put_template(tx, stack.id, taken.definition.template, taken.original, taken.processed)
    if params.get("ClientRequestToken"):
        stack.tokens[params["ClientRequestToken"]] = _asked(action, params)
    start(tx, stack)


def start(tx: Tx, stack: Stack) -> None:
    """Show that it began, and have it driven."""
    assert stack.operation is not None
    if stack.timeout_minutes and stack.operation.kind == "create":
        stack.operation.deadline_ms = tx.now_ms + stack.timeout_minutes * MINUTE_MS
        slow.drive_job(tx, stack.id, stack.account, stack.region, stack.operation.deadline_ms)
    state.put_stack(tx, stack)
    state.stack_event(tx, stack)
    slow.drive_job(tx, stack.id, stack.account, stack.region)


def begin_delete(tx: Tx, stack: Stack, wanted: Operation, role_arn: str | None) -> None:
    stack.operation = wanted
    stack.status, stack.status_reason = "DELETE_IN_PROGRESS", "User Initiated"
    if role_arn:
        stack.definition.role_arn = role_arn
    for record in state.resources(tx, stack.id).values():
        if record.waiting and record.step != "delete":
            record.waiting = None
            state.put_resource(tx, stack.id, record)
    start(tx, stack)


def delete_reviewed(tx: Tx, stack: Stack) -> None:
    """A stack that never was executed."""
    for change_set in state.change_sets(tx, stack.id):
        state.delete_change_set(tx, change_set.id)
    state.free_name(tx, stack)
    stack.status, stack.status_reason, stack.deleted_ms = "DELETE_COMPLETE", "", tx.now_ms
    state.put_stack(tx, stack)
    state.stack_event(tx, stack)


def make_obsolete(tx: Tx, stack_id: str, but: str) -> None:
    """Other change sets cannot be executed any more once the stack goes another way."""
    for change_set in state.change_sets(tx, stack_id):
        if change_set.id != but and change_set.execution_status == "AVAILABLE":
            change_set.execution_status = "OBSOLETE"
            state.put_change_set(tx, change_set)


async def planned_update(call: Call, params: Mapping[str, Any], stack: Stack, *, expands: bool) -> tuple[Intake, list[dict[str, Any]]]:
    """What an update asks for, and the changes of resources that it comes to.  Raises ServiceError."""
    if stack.status not in UPDATABLE and not (stack.status in ("CREATE_FAILED", "UPDATE_FAILED") and params.get("DisableRollback")):
        raise errors.in_state(stack.id, stack.status, "updated")
    taken = await intake.take(call, params, place_of(stack), stack, expands=expands)
    records = await call.node.store.read(lambda tx: state.resources(tx, stack.id))
    before = await call.node.store.read(lambda tx: state.processed_template(tx, stack.id, stack.definition.template))
    return taken, changes_of(call.node, stack, before, taken.template, records, taken.definition.tags)


def differs_otherwise(stack: Stack, taken: Intake, before: Mapping[str, Any] | None = None) -> bool:
    """Whether an update that changes no resource changes what stacks have beside resources."""
    old, new = stack.definition, taken.definition
    return old.tags != new.tags or old.notification_arns != new.notification_arns or _outputs_differ(taken, before)


def _outputs_differ(taken: Intake, before: Mapping[str, Any] | None) -> bool:
    return before is not None and (before.get("Outputs") or {}) != (taken.processed.get("Outputs") or {})


async def start_update(call: Call, params: Mapping[str, Any], stack: Stack, taken: Intake, action: str, change_set_id: str = "") -> None:
    wanted = operation(call, "update", "apply", params)
    wanted.disable_rollback = bool(params.get("DisableRollback"))

    def update(tx: Tx) -> None:
        current = state.stack_by_id(tx, stack.id)
        if current is None or current.operation is not None:
            raise errors.in_state(stack.id, current.status if current else "DELETE_COMPLETE", "updated")
        wanted.before = current.definition
        adopt(current, taken.definition, wanted, tx.now_ms)
        if change_set_id:
            current.change_set_id = change_set_id
        make_obsolete(tx, stack.id, change_set_id)
        begin(tx, current, taken, action, params)

    await call.node.store.write(update)


def adopt(stack: Stack, definition: Definition, wanted: Operation, now_ms: int) -> None:
    """The stack turns towards `definition`."""
    stack.definition = definition
    stack.operation = wanted
    stack.updated_ms = now_ms
    stack.status, stack.status_reason = "UPDATE_IN_PROGRESS", "User Initiated"


async def policy_text(call: Call, params: Mapping[str, Any], name: str) -> str:
    """`StackPolicyBody` or the object that `StackPolicyURL` names."""
    body = params.get(f"{name}Body")
    return body if body is not None else await sources.object_text(call, params[f"{name}URL"], f"{name}URL")
