"""Whose a resource is: a stack makes what nobody has, and deletes only what it made.

What the template leaves unnamed gets a name that belongs to one creation alone, so whatever is found under it is its own.
What the template names may be somebody's already.  Its type is asked before the first call, and the answer is kept with
the calls: a creation that is cut after that may take away what it finds, any other leaves it alone.

AWS: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract.html (create handlers, AlreadyExists)
"""

from __future__ import annotations

from dataclasses import replace

from tule.core.errors import ServiceError
from tule.platform.resource_type import Properties, ResourceType
from tule.services.cloudformation import state
from tule.services.cloudformation.engine import physical
from tule.services.cloudformation.engine.context import ABSENT, EngineContext, Rehearsed
from tule.services.cloudformation.engine.run import Run
from tule.services.cloudformation.engine.slow import SlowType
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Resource
from tule.services.cloudformation.schemas import conform
from tule.store.store import Tx

NOT_OURS = (
    "The creation was interrupted, and it cannot be told whether this stack or somebody else made the resource that is there; it was left as it is."
)


async def claim(run: Run, kind: ResourceType, context: EngineContext, properties: Properties) -> None:
    """Before a creation's first call.  Raises TemplateError, ServiceError when somebody has the resource already."""
    journal = context.journal
    name = physical.named(kind.name, properties)
    if not name or journal.absent or journal.calls:
        return
    exists = await _exists(kind, context, properties)
    if exists is None:
        return
    if exists:
        raise await _taken(run, kind.name, name)
    await run.node.store.write(lambda tx: state.add_call(tx, run.stack.id, journal.token, ABSENT, b""))
    journal.absent = True


async def _exists(kind: ResourceType, context: EngineContext, properties: Properties) -> bool | None:
    """None when the type cannot say, or the stack's principal may not know."""
    ask = getattr(kind, "exists", None)
    if ask is None:
        return None
    try:
        return bool(await ask(context, properties))
    except ServiceError as error:
        if error.status == 403:
            return None
        raise


async def _taken(run: Run, type_name: str, name: str) -> TemplateError | ServiceError:
    owner = await run.node.store.read(lambda tx: _owner(tx, run, type_name, name))
    if owner:
        return TemplateError(f"{name} already exists in stack {owner}")
    return ServiceError("AlreadyExists", f"Resource of type '{type_name}' with identifier '{name}' already exists.", 409)


def _owner(tx: Tx, run: Run, type_name: str, physical_id: str) -> str | None:
    """The stack of the same place that has the resource."""
    for stack_id in state.stacks_of_physical_id(tx, physical_id):
        stack = state.stack_by_id(tx, stack_id)
        if stack is None or (stack.account, stack.region) != (run.stack.account, run.stack.region):
            continue
        records = state.resources(tx, stack_id).values()
        if any((r.type, r.physical_id) == (type_name, physical_id) and not r.status.startswith("DELETE_") for r in records):
            return stack_id
    return None


async def half_made(run: Run, record: Resource) -> str:
    """The id under which a creation that was cut, and is not taken up again, may have left something of its own.

    Raises TemplateError, ServiceError.
    """
    kind = run.type_of(record.type)
    if isinstance(kind, SlowType):
        return ""
    context = replace(await run.context(record.logical_id, record.type, record.token), rehearses=True)
    if physical.named(record.type, record.properties) and not context.journal.absent:
        return ""
    try:
        await kind.create(context, conform.conformed(record.logical_id, record.type, record.properties))
    except (Rehearsed, ServiceError):
        pass  # by now it has asked for its name
    own = physical.guess(kind, record.properties, context.journal)
    return own if context.journal.owns(own) else ""


def left_alone(error: ServiceError) -> ServiceError:
    """The service's refusal, with word of what happened to what is there."""
    return ServiceError(error.code, f"{error.message} {NOT_OURS}", error.status)
