"""The way back of an update: every resource as it was before.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html
"""

from __future__ import annotations

import logging
from dataclasses import replace

from tule.core.errors import ServiceError, internal_failure
from tule.services.cloudformation.engine import claim, slow
from tule.services.cloudformation.engine.graph import Outcome, walk
from tule.services.cloudformation.engine.reasons import reason
from tule.services.cloudformation.engine.run import Run
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Leftover, Resource, resource_of
from tule.services.cloudformation.schemas import conform

log = logging.getLogger(__name__)


async def restore(run: Run) -> Outcome:
    """FAILED when a resource could not be brought back; the stack is then UPDATE_ROLLBACK_FAILED."""
    touched = {name: resource_of(record.before).dependencies for name, record in run.records.items() if record.before is not None}
    outcomes = await walk(touched, lambda name: _restore(run, name), persist=True)
    if Outcome.FAILED in outcomes.values():
        return Outcome.FAILED
    return Outcome.WAITING if Outcome.WAITING in outcomes.values() else Outcome.DONE


def created(run: Run) -> list[str]:
    """What the update made and nobody had before."""
    return [name for name, record in run.records.items() if record.before is None and record.created_by == run.operation.id]


async def _restore(run: Run, logical_id: str) -> Outcome:
    record = run.records[logical_id]
    assert record.before is not None
    before = resource_of(record.before)
    try:
        if record.waiting:
            return await _look_again(run, record, before)
        if record.step == "replace" and (half_made := await claim.half_made(run, record)):
            record = replace(record, leftovers=[*record.leftovers, Leftover(record.type, half_made, record.properties)])
        if logical_id in run.operation.skip or record.replacing:
            await _as_before(run, record, before, before.attributes)
            return Outcome.DONE
        if record.physical_id != before.physical_id or record.type != before.type:
            half = Leftover(record.type, record.physical_id, record.properties)
            await _as_before(run, replace(record, leftovers=[half]), before, before.attributes)
            return Outcome.DONE
        return await _update_back(run, record, before)
    except ServiceError as error:
        return await _fail(run, record, reason(error, record.token))
    except TemplateError as error:
        return await _fail(run, record, error.message)
    except Exception:  # as in apply: a broken resource type fails its resource only
        log.exception("restoring %s of %s failed", record.type, run.stack.name)
        return await _fail(run, record, reason(internal_failure(), record.token))


async def _update_back(run: Run, record: Resource, before: Resource) -> Outcome:
    if record.step != "restore":
        record = replace(record, status="UPDATE_IN_PROGRESS", reason="", step="restore", token=run.node.ids.uuid())
        await run.save(record, replace(record, properties=before.properties))
    kind = run.type_of(before.type)
    context = await run.context(record.logical_id, before.type, record.token)
    new = conform.conformed(record.logical_id, record.type, record.properties)
    old = conform.conformed(record.logical_id, before.type, before.properties)
    if isinstance(kind, slow.SlowType):
        made = await kind.begin_update(run, context, record.physical_id, new, old)
        if isinstance(made, slow.Pending):
            waiting = await run.save(replace(record, waiting=made.waiting))
            await slow.wake_at(run, made.deadline_ms)
            return await _look_again(run, waiting, before)
    else:
        made = await kind.update(context, record.physical_id, new, old)
    await _as_before(run, record, before, dict(made.attributes))
    return Outcome.DONE


async def _look_again(run: Run, record: Resource, before: Resource) -> Outcome:
    kind = run.type_of(before.type)
    assert isinstance(kind, slow.SlowType)
    made = await kind.look(run, record)
    if made is None:
        return Outcome.WAITING
    await _as_before(run, record, before, dict(made.attributes))
    return Outcome.DONE


async def _as_before(run: Run, record: Resource, before: Resource, attributes: dict[str, object]) -> None:
    """The record of before, with what has still to be cleared away."""
    left = [item for item in record.leftovers if item.physical_id != before.physical_id]
    restored = replace(
        before, status="UPDATE_COMPLETE", reason="", step="", attributes=attributes, before=None, leftovers=left, settled_by=run.operation.id,
        waiting=None,
    )  # fmt: skip
    await run.settle(restored, restored)


async def _fail(run: Run, record: Resource, why: str) -> Outcome:
    failed = replace(record, status="UPDATE_FAILED", reason=why, step="", waiting=None)
    await run.settle(failed, failed)
    return Outcome.FAILED
