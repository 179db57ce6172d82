"""Change sets: an update, or a creation, to look at before it happens.  AWS: CloudFormation API reference."""

from __future__ import annotations

from typing import Any

from tule.core.arn import arn
from tule.core.errors import ServiceError, not_implemented
from tule.core.tags import to_list
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.cloudformation import describe, errors, intake, launch, lookup, patience, state
from tule.services.cloudformation.changes import NOTHING, Changes, changes_of
from tule.services.cloudformation.engine.run import resource_types
from tule.services.cloudformation.intake import Intake
from tule.services.cloudformation.records import ChangeSet, Definition, Stack
from tule.services.cloudformation.template import parameters
from tule.services.cloudformation.template.template import Place
from tule.store.store import Tx

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
INCOMPLETE = "[WARN] --include-property-values option can return incomplete ChangeSet data because: "
PAGE = 100


async def create_change_set(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    kind = params.get("ChangeSetType", "UPDATE")
    if kind == "IMPORT":
        raise not_implemented("cloudformation", "CreateChangeSet with ChangeSetType IMPORT")
    name = params["StackName"]
    stack = await call.node.store.read(lambda tx: lookup.living(call, tx, name))
    _check(call, params, stack, kind)
    creating = kind == "CREATE"
    stack_id = stack.id if stack else lookup.new_stack_id(call, name)
    failure = ""
    changes = Changes()
    taken: Intake | None = None
    try:
        if creating:
            place = Place(call.account, call.region, stack_id, stack.name if stack else name, tuple(params.get("NotificationARNs") or ()))
            taken = await intake.take(call, params, place, None, expands=True)
            changes = changes_of(resource_types(call.node), taken.template, NOTHING, {})
        else:
            assert stack is not None
            taken, changes = await launch.planned_update(call, params, stack, expands=True)
    except ServiceError as error:
        if not error.message.startswith("Transform "):
            raise
        failure = error.message
    if taken and not creating and stack and not changes.plain and not await launch.differs_otherwise(call, stack, taken):
        failure = NO_CHANGES
    return await call.node.store.write(lambda tx: _store(call, tx, params, stack_id, stack, taken, changes, failure))


def _check(call: Call, params: dict[str, Any], stack: Stack | None, kind: str) -> None:
    name, change_set = params["StackName"], params["ChangeSetName"]
    lookup.check_name(change_set, "changeSetName")
    if kind == "CREATE":
        if stack is None and not name.startswith("arn:"):
            lookup.check_name(name)
        elif stack is None or stack.status != "REVIEW_IN_PROGRESS":
            raise errors.validation(f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}].")
    elif stack is None:
        raise errors.stack_does_not_exist(name)
    elif stack.status == "REVIEW_IN_PROGRESS":
        raise errors.validation(f"Stack [{stack.name}] is in REVIEW_IN_PROGRESS state and can not be updated.")


def _store(
    call: Call, tx: Tx, params: dict[str, Any], stack_id: str, stack: Stack | None, taken: Intake | None, changes: Changes, failure: str
) -> dict[str, Any]:
    if stack is None:
        stack = Stack(stack_id, call.account, call.region, params["StackName"], "REVIEW_IN_PROGRESS", tx.now_ms, Definition(""), "User Initiated")
        if not state.take_name(tx, stack):
            raise errors.already_exists(stack.name)
        state.put_stack(tx, stack)
        state.stack_event(tx, stack)
    _free_name(tx, stack_id, params["ChangeSetName"])
    definition = taken.definition if taken else Definition("")
    change_set = ChangeSet(
        arn("cloudformation", call.region, call.account, f"changeSet/{params['ChangeSetName']}/{tx.ids.uuid()}"),
        stack_id,
        params["ChangeSetName"],
        params.get("ChangeSetType", "UPDATE"),
        tx.now_ms,
        "FAILED" if failure else "CREATE_COMPLETE",
        "UNAVAILABLE" if failure else "AVAILABLE",
        definition,
        params.get("Description") or "",
        failure,
        changes.plain,
        changes.valued,
        changes.warnings,
        on_failure=params.get("OnStackFailure") or "",
        client_token=params.get("ClientToken") or "",
        include_nested=bool(params.get("IncludeNestedStacks")),
    )
    if taken:
        state.put_template(tx, stack_id, definition.template, taken.original, taken.processed)
    state.put_change_set(tx, change_set)
    return {"Id": change_set.id, "StackId": stack_id}


@reads
def describe_change_set(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    found = lookup.change_set(call, tx, params["ChangeSetName"], params.get("StackName"))
    valued = bool(params.get("IncludePropertyValues"))
    page, token = describe.page(call, f"DescribeChangeSet/{found.id}/{valued}", found.valued if valued else found.changes, params, PAGE)
    definition = found.definition
    shown = describe.without_none({**_summary(tx, found), "NextToken": token})
    if valued and found.warnings:
        shown["StatusReason"] = f"{INCOMPLETE}{'; '.join(found.warnings)}"
    shown |= {
        "Capabilities": definition.capabilities,
        "Changes": list(page),
        "NotificationARNs": definition.notification_arns,
        "RollbackConfiguration": {},
    }
    if definition.parameters:
        document = state.processed_template(tx, found.stack_id, definition.template)
        declared = parameters.declarations(document.get("Parameters") or {})
        shown["Parameters"] = parameters.described(declared, definition.parameters, definition.resolved)
    if definition.tags:
        shown["Tags"] = to_list(definition.tags)
    if found.on_failure:
        shown["OnStackFailure"] = found.on_failure
    return shown


def _summary(tx: Tx, found: ChangeSet) -> dict[str, Any]:
    stack = state.stack_by_id(tx, found.stack_id)
    return describe.without_none(
        {
            "StackId": found.stack_id,
            "StackName": stack.name if stack else "",
            "ChangeSetId": found.id,
            "ChangeSetName": found.name,
            "CreationTime": found.created_ms / 1000,
            "Description": found.description,
            "ExecutionStatus": found.execution_status,
            "Status": found.status,
            "StatusReason": found.status_reason,
            "IncludeNestedStacks": found.include_nested,
        }
    )


@reads
def list_change_sets(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    stack = lookup.living(call, tx, params["StackName"])
    if stack is None:
        raise errors.stack_does_not_exist(params["StackName"])
    page, token = describe.page(call, f"ListChangeSets/{stack.id}", state.change_sets(tx, stack.id), params, PAGE)
    return {"Summaries": [_summary(tx, item) for item in page], "NextToken": token}


def delete_change_set(call: Call, tx: Tx, params: dict[str, Any]) -> dict[str, Any]:
    name = params["ChangeSetName"]
    if name.startswith("arn:") and state.change_set_by_id(tx, name) is None:
        return {}
    try:
        found = lookup.change_set(call, tx, name, params.get("StackName"))
    except ServiceError as error:
        if error.code == "ChangeSetNotFound":
            return {}
        raise
    state.delete_change_set(tx, found.id)
    return {}


def _free_name(tx: Tx, stack_id: str, name: str) -> None:
    """A change set that is over and done with gives its name to a new one."""
    namesake = state.change_set_named(tx, stack_id, name)
    if namesake and namesake.execution_status not in ("EXECUTE_COMPLETE", "OBSOLETE"):
        raise errors.change_set_already_exists(name)
    if namesake:
        state.delete_change_set(tx, namesake.id)


async def execute_change_set(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    stack_id = await call.node.store.write(lambda tx: _execute(call, tx, params))
    await patience.until_at_rest(call, stack_id)
    return {}


def _execute(call: Call, tx: Tx, params: dict[str, Any]) -> str:
    """Begin what the change set says; the stack's id."""
    found = lookup.change_set(call, tx, params["ChangeSetName"], params.get("StackName"))
    if found.execution_status != "AVAILABLE":
        raise errors.change_set_not_executable(found.id, found.status if found.status == "FAILED" else found.execution_status)
    stack = state.stack_by_id(tx, found.stack_id)
    if stack is None or stack.status == "DELETE_COMPLETE":
        raise errors.stack_does_not_exist(found.stack_id)
    if stack.operation is not None:
        raise errors.in_state(stack.id, stack.status, "updated")
    wanted = launch.operation(call, "create" if found.type == "CREATE" else "update", "apply", params)
    wanted.disable_rollback = bool(params.get("DisableRollback")) or found.on_failure == "DO_NOTHING"
    wanted.on_failure = found.on_failure or "ROLLBACK"
    if found.type == "UPDATE":
        wanted.before = stack.definition
    launch.adopt(stack, found.definition, wanted, tx.now_ms)
    if found.type == "CREATE":
        stack.status = "CREATE_IN_PROGRESS"
        stack.disable_rollback = wanted.disable_rollback
    stack.change_set_id = found.id
    found.execution_status = "EXECUTE_COMPLETE"
    found.status = "CREATE_COMPLETE"
    launch.make_obsolete(tx, stack.id, found.id)
    state.put_change_set(tx, found)
    launch.start(tx, stack)
    return stack.id
