"""Beginning an operation on a stack: the rows that make the engine do it, all in one transaction."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tule.platform.call import Call
from tule.services.cloudformation import errors, intake, lookup, sources, state
from tule.services.cloudformation.changes import Before, Changes, changes_of
from tule.services.cloudformation.engine import slow, stack_policy
from tule.services.cloudformation.engine.run import place_of, raw_principal, resource_types, template_of
from tule.services.cloudformation.intake import Intake
from tule.services.cloudformation.records import Definition, Operation, Stack
from tule.services.cloudformation.template.template import Place
from tule.store.store import Tx

UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"})
MINUTE_MS = 60_000


def operation(call: Call, kind: str, phase: str, params: Mapping[str, Any]) -> Operation:
    return Operation(
        call.node.ids.uuid(), kind, phase, raw_principal(call.principal), call.endpoint, client_token=params.get("ClientRequestToken") or ""
    )


def _asked(action: str, params: Mapping[str, Any]) -> str:
    """A digest, since a template may be long and every token is kept."""
    return hashlib.sha256(f"{action} {json.dumps(params, sort_keys=True, default=repr)}".encode()).hexdigest()


def repeated(stack: Stack, params: Mapping[str, Any], action: str) -> str | None:
    """The stack's id, as the answer to a request that was made before under the same ClientRequestToken.  Raises when it was another one."""
    token = params.get("ClientRequestToken")
    if not token or token not in stack.tokens:
        return None
    if stack.tokens[token] != _asked(action, params):
        raise errors.token_already_exists(token)
    return stack.id


async def create(call: Call, params: Mapping[str, Any], parent: Stack | None = None) -> str:
    """Begin to create a stack (of `parent`, when it is nested); its id.  Raises ServiceError."""
    name = params["StackName"]
    lookup.check_name(name)
    existing = await call.node.store.read(lambda tx: state.stack(tx, call.account, call.region, name))
    if existing and existing.status != "REVIEW_IN_PROGRESS":
        if (again := repeated(existing, params, "CreateStack")) is not None:
            return again
        raise errors.already_exists(name)
    stack_id = existing.id if existing else lookup.new_stack_id(call, name)
    place = Place(call.account, call.region, stack_id, name, tuple(params.get("NotificationARNs") or ()))
    taken = await intake.take(call, params, place, None, expands=parent is not None)
    wanted = _creation(call, params)
    stack = Stack(
        stack_id,
        call.account,
        call.region,
        name,
        "CREATE_IN_PROGRESS",
        existing.created_ms if existing else 0,
        taken.definition,
        "User Initiated",
        disable_rollback=wanted.disable_rollback or wanted.on_failure == "DO_NOTHING",
        timeout_minutes=params.get("TimeoutInMinutes"),
        termination_protection=bool(params.get("EnableTerminationProtection")),
        policy=await policy_text(call, params, "StackPolicy"),
        parent_id=parent.id if parent else "",
        root_id=(parent.root_id or parent.id) if parent else "",
        operation=wanted,
    )

    def write(tx: Tx) -> None:
        born = copy.deepcopy(stack)
        if existing is None:
            born.created_ms = tx.now_ms
            if not state.take_name(tx, born):
                raise errors.already_exists(name)
        else:
            make_obsolete(tx, existing.id, "")
        begin(tx, born, taken, "CreateStack", params)

    await call.node.store.write(write)
    return stack_id


def _creation(call: Call, params: Mapping[str, Any]) -> Operation:
    on_failure = params.get("OnFailure")
    if on_failure and params.get("DisableRollback") is not None:
        raise errors.validation("You can specify either DisableRollback or OnFailure, but not both.")
    wanted = operation(call, "create", "apply", params)
    wanted.on_failure = on_failure or "ROLLBACK"
    wanted.disable_rollback = bool(params.get("DisableRollback"))
    return wanted


@dataclass(slots=True, frozen=True)
class Parent:
    """A parent's operation that updates its nested stack: to a template of its own past, when `former` names one."""

    operation: str
    former: str = ""


async def update(call: Call, params: Mapping[str, Any], parent: Parent | None = None) -> str:
    """Begin to update a stack; its id.  Raises ServiceError."""
    name = params["StackName"]
    stack = await call.node.store.read(lambda tx: lookup.living(call, tx, name))
    if stack is None:
        raise errors.stack_does_not_exist(name)
    if (again := repeated(stack, params, "UpdateStack")) is not None:
        return again
    former = parent.former if parent else ""
    if former:
        body = await call.node.store.read(lambda tx: state.original_template(tx, stack.id, former))
        params = {**{key: value for key, value in params.items() if key != "TemplateURL"}, sources.KEPT: body}
    taken, changes = await planned_update(call, params, stack, expands=bool(stack.parent_id))
    if not changes.plain and not await differs_otherwise(call, stack, taken):
        raise errors.validation("No updates are to be performed.")
    await start_update(call, params, stack, taken, "UpdateStack", parent)
    return stack.id


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


def resume(tx: Tx, stack: Stack, wanted: Operation, status: str, role_arn: str | None) -> None:
    """Take up again what was paused."""
    stack.operation, stack.paused = wanted, None
    stack.status, stack.status_reason = status, "User Initiated"
    if role_arn:
        stack.definition.role_arn = role_arn
    start(tx, stack)


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


def delete_child(tx: Tx, stack_id: str, wanted: Operation) -> None:
    """A parent takes its nested stack down; one that is on its way down already goes on."""
    stack = state.stack_by_id(tx, stack_id)
    if stack is not None and stack.status != "DELETE_COMPLETE" and (stack.operation is None or stack.operation.kind == "create"):
        begin_delete(tx, stack, wanted, None)


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


async def planned_update(call: Call, params: Mapping[str, Any], stack: Stack, *, expands: bool) -> tuple[Intake, Changes]:
    """What an update asks for, and the changes of resources that it comes to.  Raises ServiceError."""
    if stack.status not in UPDATABLE and not (stack.status in ("CREATE_FAILED", "UPDATE_FAILED") and params.get("DisableRollback")):
        raise errors.in_state(stack.id, stack.status, "updated")
    taken = await intake.take(call, params, place_of(stack), stack, expands=expands)
    before = await call.node.store.read(lambda tx: _before(tx, stack))
    return taken, changes_of(resource_types(call.node), taken.template, before, taken.definition.tags)


def _before(tx: Tx, stack: Stack) -> Before:
    document = state.processed_template(tx, stack.id, stack.definition.template)
    present = template_of(stack, document, {})
    return Before(state.resources(tx, stack.id), present.referred, stack.definition.tags, document)


async def differs_otherwise(call: Call, stack: Stack, taken: Intake) -> bool:
    """Whether an update that changes no resource changes what stacks have beside resources, or may change a nested stack."""
    old, new = stack.definition, taken.definition
    if old.tags != new.tags or old.notification_arns != new.notification_arns:
        return True
    if any(body["Type"] == "AWS::CloudFormation::Stack" for body in taken.template.resources.values()):
        return True
    before = await call.node.store.read(lambda tx: state.processed_template(tx, stack.id, stack.definition.template))
    return (before.get("Outputs") or {}) != (taken.processed.get("Outputs") or {})


async def start_update(call: Call, params: Mapping[str, Any], stack: Stack, taken: Intake, action: str, parent: Parent | None = None) -> None:
    wanted = operation(call, "update", "apply", params)
    wanted.disable_rollback = bool(params.get("DisableRollback"))
    wanted.policy_during_update = await policy_text(call, params, "StackPolicyDuringUpdate")
    policy = await policy_text(call, params, "StackPolicy")

    def update(tx: Tx) -> None:
        current = state.stack_by_id(tx, stack.id)
        if current is None or current.operation is not None:
            raise errors.in_state(stack.id, current.status if current else "DELETE_COMPLETE", "updated")
        wanted.before = current.definition
        if parent is not None and not parent.former:
            current.former, current.updated_for = current.definition, parent.operation
        adopt(current, taken.definition, wanted, tx.now_ms)
        if policy is not None:
            current.policy = policy
        make_obsolete(tx, stack.id, "")
        begin(tx, current, taken, action, params)

    await call.node.store.write(update)


def adopt(stack: Stack, definition: Definition, wanted: Operation, now_ms: int) -> None:
    """The stack turns towards `definition`."""
    stack.definition = definition
    stack.operation = wanted
    stack.updated_ms = now_ms
    stack.status, stack.status_reason = "UPDATE_IN_PROGRESS", "User Initiated"


async def policy_text(call: Call, params: Mapping[str, Any], name: str) -> str | None:
    """`StackPolicyBody` or the object that `StackPolicyURL` names, checked; None when there is neither."""
    body, url = params.get(f"{name}Body"), params.get(f"{name}URL")
    if body is not None and url is not None:
        raise errors.validation(f"You cannot specify both {name}Body and {name}URL")
    text = body if body is not None else await sources.object_text(call, url, f"{name}URL") if url else None
    if text is not None:
        stack_policy.check(text)
    return text
