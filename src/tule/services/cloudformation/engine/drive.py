"""From one phase of a stack's operation to the next, until it is through or has to wait.

AWS: stack status codes, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.cloudformation.engine import finish, rollback, unwind
from tule.services.cloudformation.engine.apply import apply, refuse_removals
from tule.services.cloudformation.engine.graph import Outcome
from tule.services.cloudformation.engine.run import Run, Superseded, load
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Operation, Stack
from tule.store.store import Tx


async def drive(node: Node, stack_id: str) -> None:
    """Take the stack's operation as far as it can go now."""
    while (run := await load(node, stack_id)) is not None:
        phase = PHASES[run.operation.kind, run.operation.phase]
        try:
            if not await phase(run):
                return
        except Superseded:
            continue  # what runs next is what the stack says now


async def _apply(run: Run) -> bool:
    try:
        finish.check_attributes(run)
        finish.check_imports(run)
        outcome = Outcome.FAILED if await refuse_removals(run) else await apply(run)
        if outcome is Outcome.WAITING:
            return False
        if outcome is Outcome.DONE:
            await (_created(run) if run.operation.kind == "create" else _updated(run))
            return True
    except TemplateError as error:
        await _turn_back(run, error.message.rstrip(".") + ".")
        return True
    except ServiceError as error:
        await _turn_back(run, error.message)
        return True
    await _turn_back(run, "")
    return True


async def _created(run: Run) -> None:
    outputs = finish.outputs(run)

    def edit(tx: Tx, stack: Stack, operation: Operation) -> None:
        finish.publish(tx, stack, outputs, run.template)
        finish.end(tx, stack, "CREATE_COMPLETE")

    await run.change(edit)


async def _updated(run: Run) -> None:
    outputs = finish.outputs(run)

    def edit(tx: Tx, stack: Stack, operation: Operation) -> None:
        finish.publish(tx, stack, outputs, run.template)
        operation.phase = "cleanup"
        stack.status, stack.status_reason = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""

    await run.change(edit)


async def _turn_back(run: Run, why: str) -> None:
    """What happens after a failure: the way back, unless somebody asked to leave everything as it is."""
    said = why or _who_failed(run.operation)
    operation = run.operation
    if operation.kind == "update":
        await _turn_back_update(run, said)
    elif operation.disable_rollback or operation.on_failure == "DO_NOTHING":
        await run.change(lambda tx, stack, operation: finish.end(tx, stack, "CREATE_FAILED", said))
    elif operation.on_failure == "DELETE":
        await run.change(lambda tx, stack, operation: _go(stack, operation, "unwind", "DELETE_IN_PROGRESS", f"{said} Delete requested by user."))
    else:
        await run.change(lambda tx, stack, operation: _go(stack, operation, "unwind", "ROLLBACK_IN_PROGRESS", f"{said} Rollback requested by user."))


async def _turn_back_update(run: Run, said: str) -> None:
    if run.operation.disable_rollback and not run.operation.cancelled:
        await run.change(lambda tx, stack, operation: finish.end(tx, stack, "UPDATE_FAILED", said))
        return

    def edit(tx: Tx, stack: Stack, operation: Operation) -> None:
        _go(stack, operation, "rollback", "UPDATE_ROLLBACK_IN_PROGRESS", said)
        if operation.before is not None:
            stack.definition = operation.before

    await run.change(edit)


def _go(stack: Stack, operation: Operation, phase: str, status: str, why: str) -> None:
    operation.phase = phase
    stack.status, stack.status_reason = status, why


def _who_failed(operation: Operation) -> str:
    said = ""
    if operation.failed_to_create:
        said += f"The following resource(s) failed to create: [{', '.join(operation.failed_to_create)}]. "
    if operation.failed_to_update:
        said += f"The following resource(s) failed to update: [{', '.join(operation.failed_to_update)}]. "
    return said.rstrip(" ") if operation.kind == "create" else said


async def _unwind_creation(run: Run) -> bool:
    outcome = await unwind.take_down(run, list(run.records), rolling_back=True)
    if outcome is Outcome.WAITING:
        return False
    deleting = run.operation.on_failure == "DELETE"
    if outcome is Outcome.FAILED:
        why = _who_was_not_deleted(run)
        await run.change(lambda tx, stack, operation: finish.end(tx, stack, "DELETE_FAILED" if deleting else "ROLLBACK_FAILED", why))
    elif deleting:
        await run.change(lambda tx, stack, operation: finish.deleted(tx, stack))
    else:
        await run.change(lambda tx, stack, operation: finish.rolled_back(tx, stack))
    return True


def _who_was_not_deleted(run: Run) -> str:
    failed = [name for name, record in run.records.items() if record.status == "DELETE_FAILED"]
    return f"The following resource(s) failed to delete: [{', '.join(failed)}]. "


async def _cleanup(run: Run) -> bool:
    """What the new template does not have any more, and what replacements left, goes."""
    removed = [name for name in run.records if name not in run.template.resources]
    outcome = await unwind.take_down(run, removed)
    if outcome is Outcome.WAITING:
        return False
    if await unwind.clear_all(run) is Outcome.WAITING:
        return False
    for name in removed:
        await run.forget(name)
    await _forget_before(run)
    await run.change(lambda tx, stack, operation: finish.end(tx, stack, "UPDATE_COMPLETE"))
    return True


async def _forget_before(run: Run) -> None:
    for record in [record for record in run.records.values() if record.before is not None]:
        await run.save(replace(record, before=None))


async def _rollback(run: Run) -> bool:
    outcome = await rollback.restore(run)
    if outcome is Outcome.WAITING:
        return False
    if outcome is Outcome.FAILED:
        failed = [name for name, record in run.records.items() if record.status == "UPDATE_FAILED"]
        why = f"The following resource(s) failed to update: [{', '.join(failed)}]. "
        await run.change(lambda tx, stack, operation: finish.end(tx, stack, "UPDATE_ROLLBACK_FAILED", why))
        return True
    await run.change(lambda tx, stack, operation: _go(stack, operation, "rollback_cleanup", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", ""))
    return True


async def _rollback_cleanup(run: Run) -> bool:
    made = rollback.created(run)
    outcome = await unwind.take_down(run, made, rolling_back=True)
    if outcome is Outcome.WAITING:
        return False
    if await unwind.clear_all(run) is Outcome.WAITING:
        return False
    for name in made:
        await run.forget(name)
    await run.change(lambda tx, stack, operation: finish.end(tx, stack, "UPDATE_ROLLBACK_COMPLETE"))
    return True


async def _delete(run: Run) -> bool:
    in_use = await run.node.store.read(lambda tx: finish.export_in_use(tx, run.stack, {}))
    if in_use:
        await run.change(lambda tx, stack, operation: finish.end(tx, stack, "DELETE_FAILED", in_use.replace("updated", "deleted")))
        return True
    outcome = await unwind.take_down(run, list(run.records))
    if outcome is Outcome.WAITING:
        return False
    if outcome is Outcome.FAILED:
        why = _who_was_not_deleted(run)
        await run.change(lambda tx, stack, operation: finish.end(tx, stack, "DELETE_FAILED", why))
    else:
        await run.change(lambda tx, stack, operation: finish.deleted(tx, stack))
    return True


PHASES: Mapping[tuple[str, str], Callable[[Run], Awaitable[bool]]] = {
    ("create", "apply"): _apply,
    ("create", "unwind"): _unwind_creation,
    ("update", "apply"): _apply,
    ("update", "cleanup"): _cleanup,
    ("update", "rollback"): _rollback,
    ("update", "rollback_cleanup"): _rollback_cleanup,
    ("delete", "unwind"): _delete,
}
