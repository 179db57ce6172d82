"""Taking resources down: a stack's deletion, the way back of a failed creation, and the cleanup after an update.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
"""

from __future__ import annotations

import logging
from dataclasses import replace

from tule.core.errors import ServiceError, internal_failure
from tule.platform import resource_type
from tule.services.cloudformation.engine import claim, slow
from tule.services.cloudformation.engine.graph import Outcome, reversed_needs, walk
from tule.services.cloudformation.engine.reasons import reason, says_gone
from tule.services.cloudformation.engine.run import Run
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Leftover, Resource
from tule.services.cloudformation.schemas import conform

log = logging.getLogger(__name__)


async def take_down(run: Run, logical_ids: list[str], *, rolling_back: bool = False) -> Outcome:
    """Delete these resources, dependents first, with what replacements left of them.  FAILED when any could not be deleted."""
    needs = {name: run.records[name].dependencies for name in logical_ids}
    outcomes = await walk(reversed_needs(needs), lambda name: _take_down(run, name, rolling_back), persist=True)
    if Outcome.FAILED in outcomes.values():
        return Outcome.FAILED
    return Outcome.WAITING if Outcome.WAITING in outcomes.values() else Outcome.DONE


async def _take_down(run: Run, logical_id: str, rolling_back: bool) -> Outcome:
    record = run.records[logical_id]
    if record.status in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
        return Outcome.DONE
    if record.waiting and record.step == "delete":
        return await _look_again(run, record)
    cleared = await clear(run, logical_id)
    if cleared is not Outcome.DONE:
        return cleared
    record = run.records[logical_id]
    if not record.physical_id and record.status == "CREATE_IN_PROGRESS":
        try:
            record = await run.save(replace(record, physical_id=await claim.half_made(run, record)))
        except (ServiceError, TemplateError) as error:
            return await _failed(run, record, error)
    if not record.physical_id:
        await run.forget(logical_id)
        return Outcome.DONE
    if logical_id in run.operation.retain or _is_kept(record, rolling_back):
        skipped = replace(record, status="DELETE_SKIPPED", reason="", step="")
        await run.settle(skipped, skipped)
        return Outcome.DONE
    return await _delete(run, record)


def _is_kept(record: Resource, rolling_back: bool) -> bool:
    if record.deletion_policy == "RetainExceptOnCreate":
        return not rolling_back
    return record.deletion_policy in ("Retain", "Snapshot")


async def _delete(run: Run, record: Resource) -> Outcome:
    if record.status != "DELETE_IN_PROGRESS":
        record = replace(record, status="DELETE_IN_PROGRESS", reason="", step="delete", waiting=None, token=run.node.ids.uuid())
        await run.save(record, record)
    try:
        pending = await _delete_physical(run, record.logical_id, record.token, record.type, record.physical_id, record)
    except (ServiceError, TemplateError) as error:
        return await _failed(run, record, error)
    if pending is not None:
        record = await run.save(replace(record, waiting=pending.waiting))
        await slow.wake_at(run, pending.deadline_ms)
        return await _look_again(run, record)
    return await _gone(run, record)


async def _delete_physical(
    run: Run, logical_id: str, token: str, type_name: str, physical_id: str, described: Resource | Leftover
) -> slow.Pending | None:
    kind = run.type_of(type_name)
    context = await run.context(logical_id, type_name, token)
    properties = _lenient(described)
    try:
        if isinstance(kind, slow.SlowType):
            return await kind.begin_delete(run, context, physical_id, properties)
        await kind.delete(context, physical_id, properties)
    except ServiceError as error:
        if not says_gone(error):
            raise
    except Exception as error:  # a broken resource type leaves its resource, not the whole stack, undeleted
        log.exception("deleting %s of %s failed", type_name, run.stack.name)
        raise internal_failure() from error
    return None


def _lenient(described: Resource | Leftover) -> dict[str, object]:
    """What was once accepted is not refused on the way out."""
    try:
        return conform.conformed("", described.type, described.properties)
    except TemplateError:
        return described.properties


async def _look_again(run: Run, record: Resource) -> Outcome:
    kind = run.type_of(record.type)
    assert isinstance(kind, slow.SlowType)
    try:
        if await kind.look(run, record) is None:
            return Outcome.WAITING
    except (ServiceError, TemplateError) as error:
        return await _failed(run, replace(record, waiting=None), error)
    return await _gone(run, replace(record, waiting=None))


async def _gone(run: Run, record: Resource) -> Outcome:
    gone = replace(record, status="DELETE_COMPLETE", reason="", step="")
    await run.settle(gone, gone)
    return Outcome.DONE


async def _failed(run: Run, record: Resource, error: ServiceError | TemplateError) -> Outcome:
    why = reason(error, record.token) if isinstance(error, ServiceError) else error.message
    failed = replace(record, status="DELETE_FAILED", reason=why, step="")
    await run.settle(failed, failed)
    return Outcome.FAILED


async def clear(run: Run, logical_id: str) -> Outcome:
    """Delete what replacements left behind of one logical resource.  AWS reports it and goes on when that fails."""
    outcomes = [await _clear(run, logical_id, leftover) for leftover in run.records[logical_id].leftovers]
    if Outcome.WAITING in outcomes:
        return Outcome.WAITING
    return Outcome.FAILED if Outcome.FAILED in outcomes else Outcome.DONE


async def _clear(run: Run, logical_id: str, leftover: Leftover) -> Outcome:
    try:
        if leftover.waiting is None:
            leftover = await _begin_clearing(run, logical_id, leftover)
        if leftover.waiting is not None and await _look_for(run, logical_id, leftover) is None:
            return Outcome.WAITING
        done = replace(_shown(run, logical_id, leftover), status="DELETE_COMPLETE")
    except (ServiceError, TemplateError) as error:
        why = reason(error, leftover.token) if isinstance(error, ServiceError) else error.message
        done = replace(_shown(run, logical_id, leftover), status="DELETE_FAILED", reason=why)
    record = run.records[logical_id]
    left = [item for item in record.leftovers if item.physical_id != leftover.physical_id]
    token = next(item.token for item in record.leftovers if item.physical_id == leftover.physical_id)
    await run.settle(replace(record, leftovers=left), done, token=token)
    return Outcome.FAILED if done.status == "DELETE_FAILED" else Outcome.DONE


def _shown(run: Run, logical_id: str, leftover: Leftover) -> Resource:
    """The leftover as events show it, and as its type looks at it."""
    return replace(
        run.records[logical_id], type=leftover.type, physical_id=leftover.physical_id, properties=leftover.properties, status="DELETE_IN_PROGRESS",
        reason="", waiting=leftover.waiting,
    )  # fmt: skip


async def _begin_clearing(run: Run, logical_id: str, leftover: Leftover) -> Leftover:
    if not leftover.token:
        leftover = replace(leftover, token=run.node.ids.uuid())
        await run.save(_with_leftover(run.records[logical_id], leftover), _shown(run, logical_id, leftover))
    pending = await _delete_physical(run, logical_id, leftover.token, leftover.type, leftover.physical_id, leftover)
    if pending is not None:
        leftover = replace(leftover, waiting=pending.waiting)
        await run.save(_with_leftover(run.records[logical_id], leftover))
        await slow.wake_at(run, pending.deadline_ms)
    return leftover


def _with_leftover(record: Resource, leftover: Leftover) -> Resource:
    return replace(record, leftovers=[leftover if item.physical_id == leftover.physical_id else item for item in record.leftovers])


async def _look_for(run: Run, logical_id: str, leftover: Leftover) -> resource_type.Resource | None:
    kind = run.type_of(leftover.type)
    assert isinstance(kind, slow.SlowType)
    return await kind.look(run, _shown(run, logical_id, leftover))


async def clear_all(run: Run) -> Outcome:
    """Clear what replacements left of any resource; WAITING while somebody outside has still to answer."""
    needs = {name: record.dependencies for name, record in run.records.items() if record.leftovers}

    async def step(name: str) -> Outcome:
        return await clear(run, name)

    outcomes = await walk(reversed_needs(needs), step, persist=True)
    return Outcome.WAITING if Outcome.WAITING in outcomes.values() else Outcome.DONE
