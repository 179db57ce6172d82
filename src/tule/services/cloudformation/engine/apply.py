"""The phase in which a stack becomes what its template says: create, update in place, replace.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from tule.core.errors import ServiceError, internal_failure
from tule.platform import resource_type
from tule.platform.resource_type import ResourceType
from tule.services.cloudformation import state
from tule.services.cloudformation.engine import claim, dynamic, physical, slow, stack_policy
from tule.services.cloudformation.engine.context import EngineContext
from tule.services.cloudformation.engine.graph import Outcome, walk
from tule.services.cloudformation.engine.reasons import reason, says_exists
from tule.services.cloudformation.engine.run import Cancelled, Run, Superseded
from tule.services.cloudformation.errors import Failed, TemplateError
from tule.services.cloudformation.records import Leftover, Operation, Resource, raw_of
from tule.services.cloudformation.schemas import conform

REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
INITIATED = "Resource creation Initiated"
CANCELLED = "Resource creation cancelled"
UPDATE_CANCELLED = "Resource update cancelled"
log = logging.getLogger(__name__)


async def apply(run: Run) -> Outcome:
    """DONE when every resource is as the template says; FAILED leaves word of who failed in the operation."""
    if run.operation.cancelled:
        await _cancel_waiting(run, {name: Outcome.WAITING for name, record in run.records.items() if record.waiting})
        return Outcome.FAILED
    outcomes = await walk(run.template.dependencies, lambda logical_id: _Step(run, logical_id).take())
    if isinstance(run.interrupted, Superseded):
        raise run.interrupted
    overdue = 0 < run.operation.deadline_ms <= run.node.clock.now_ms() and Outcome.WAITING in outcomes.values()
    if Outcome.FAILED in outcomes.values() or overdue:
        await _cancel_waiting(run, outcomes)
        return Outcome.FAILED
    return Outcome.WAITING if Outcome.WAITING in outcomes.values() else Outcome.DONE


async def _cancel_waiting(run: Run, outcomes: dict[str, Outcome]) -> None:
    for logical_id, outcome in outcomes.items():
        if outcome is Outcome.WAITING:
            await _Step(run, logical_id).fail(CANCELLED if run.records[logical_id].step == "create" else UPDATE_CANCELLED)


def policy_in_force(run: Run) -> str | None:
    during = run.operation.policy_during_update
    return run.stack.policy if during is None else during


async def refuse_removals(run: Run) -> bool:
    """Whether the stack policy forbids to remove what the new template has no more; who may not go is marked."""
    refused = False
    for logical_id, record in list(run.records.items()):
        if logical_id in run.template.resources or not record.physical_id:
            continue
        denied = stack_policy.denial(policy_in_force(run), "Delete", logical_id, record.type)
        if denied:
            failed = replace(record, status="UPDATE_FAILED", reason=denied, before=raw_of(record))
            await run.save(failed, failed)
            await run.change(lambda tx, stack, operation, name=logical_id: _note_failure(operation, name, False), event=False)
            refused = True
    return refused


class _Step:
    """What the template wants of one resource, done."""

    def __init__(self, run: Run, logical_id: str) -> None:
        self.run = run
        self.logical_id = logical_id
        self.body = run.template.resources[logical_id]
        self.type_name: str = self.body["Type"]

    @property
    def record(self) -> Resource | None:
        return self.run.records.get(self.logical_id)

    async def take(self) -> Outcome:
        record = self.record
        if record and record.settled_by == self.run.operation.id:
            return Outcome.FAILED if record.status.endswith("_FAILED") else Outcome.DONE
        try:
            return await self._take(record)
        except (Superseded, Cancelled) as interruption:
            self.run.interrupted = interruption
            return Outcome.FAILED
        except ServiceError as error:
            return await self.fail(reason(error, self._token()))
        except TemplateError as error:
            return await self.fail(error.message)
        except Exception:  # a resource type that is broken fails its resource, not the stack's way back
            log.exception("%s of %s failed", self.type_name, self.run.stack.name)
            return await self.fail(reason(internal_failure(), self._token()))

    def _token(self) -> str:
        return self.record.token if self.record else ""

    async def _take(self, record: Resource | None) -> Outcome:
        kind = self.run.type_of(self.type_name)
        if record and record.waiting:
            return await self._look_again(kind, record)
        properties = self.run.template.properties(self.logical_id, self.run.known)
        if record and record.status == "CREATE_FAILED":
            record = await self._clear_failed(record)
        if record is None or record.step == "create" or (not record.physical_id and not record.before):
            return await self._create(kind, record, properties)
        if record.step == "replace" or record.type != self.type_name or physical.must_replace(kind, record, properties):
            self._ask_policy("Replace", record)
            return await self._replace(kind, record, properties)
        if record.step == "update" or getattr(kind, "always_updates", False) or self._has_changed(record, properties):
            self._ask_policy("Modify", record)
            return await self._update(kind, record, properties)
        await self.run.save(self._described(record, settled_by=self.run.operation.id))
        return Outcome.DONE

    async def _clear_failed(self, record: Resource) -> None:
        """What a creation that failed, and was left as it was, may have left: it is made anew."""
        if record.physical_id:
            context = await self.run.context(self.logical_id, record.type, record.token)
            kind = self.run.type_of(record.type)
            if isinstance(kind, slow.SlowType):
                await kind.begin_delete(self.run, context, record.physical_id, record.properties)
            else:
                await kind.delete(context, record.physical_id, record.properties)
        await self.run.forget(self.logical_id)

    def _ask_policy(self, action: str, record: Resource) -> None:
        denied = stack_policy.denial(policy_in_force(self.run), action, self.logical_id, record.type)
        if denied:
            raise TemplateError(denied)

    def _has_changed(self, record: Resource, properties: dict[str, Any]) -> bool:
        if record.status in ("UPDATE_FAILED", "CREATE_FAILED"):
            return True
        retagged = record.tags != self.run.stack.definition.tags and physical.takes_tags(self.type_name)
        return retagged or not physical.same(record.properties, properties) or self._metadata() != record.metadata

    def _metadata(self) -> Any:
        return self.run.template.resources[self.logical_id].get("Metadata")

    def _described(self, record: Resource, **changes: Any) -> Resource:
        """`record` with what the template says beside properties."""
        template = self.run.template
        deletion = template.attribute(self.logical_id, "DeletionPolicy")
        return replace(
            record,
            dependencies=template.dependencies[self.logical_id],
            deletion_policy=deletion or physical.default_deletion_policy(self.type_name, self.body),
            update_replace_policy=template.attribute(self.logical_id, "UpdateReplacePolicy") or "Delete",
            metadata=self._metadata(),
            tags=dict(self.run.stack.definition.tags),
            **changes,
        )

    async def _concrete(self, properties: dict[str, Any]) -> dict[str, Any]:
        """What the resource type gets: dynamic references fetched, and of the schema's types."""
        fetched = await dynamic.fetched(self.run, properties)
        return conform.conformed(self.logical_id, self.type_name, fetched)

    async def _create(self, kind: ResourceType, record: Resource | None, properties: dict[str, Any]) -> Outcome:
        resumed = record is not None and record.status == "CREATE_IN_PROGRESS"
        if record is None or not resumed:
            fresh = Resource(self.logical_id, self.type_name, "CREATE_IN_PROGRESS", 0, token=self.run.node.ids.uuid(), step="create")
            record = self._described(fresh, properties=properties, created_by=self.run.operation.id)
            await self.run.begin(record)
        made = await self._make(kind, properties, record.token, resumed)
        if isinstance(made, slow.Pending):
            return await self._wait(replace(record, physical_id=made.physical_id, waiting=made.waiting), made)
        return await self._created(record, made)

    async def _make(self, kind: ResourceType, properties: dict[str, Any], token: str, resumed: bool) -> resource_type.Resource | slow.Pending:
        context = await self.run.context(self.logical_id, self.type_name, token)
        concrete = await self._concrete(properties)
        if isinstance(kind, slow.SlowType):
            return await kind.begin_create(self.run, context, concrete)
        await claim.claim(self.run, kind, context, concrete)
        try:
            return await kind.create(context, concrete)
        except ServiceError as error:
            guess = physical.guess(kind, concrete, context.journal)
            own = guess if context.journal.owns(guess) else ""
            if resumed and own:
                return await self._make_again(kind, own, concrete, token)
            if resumed and says_exists(error):
                raise claim.left_alone(error) from error
            await self._remember(own, context)
            raise

    async def _make_again(self, kind: ResourceType, own: str, concrete: dict[str, Any], token: str) -> resource_type.Resource:
        """The creation was cut between a change and its record, so that repeating it fails: what it left is taken away, and made whole."""
        stack_id = self.run.stack.id
        await self.run.node.store.write(lambda tx: state.drop_made_calls(tx, stack_id, token, claim.ABSENT))
        context = await self.run.context(self.logical_id, self.type_name, token)
        await kind.delete(context, own, concrete)
        await self.run.node.store.write(lambda tx: state.drop_made_calls(tx, stack_id, token, claim.ABSENT))
        context = await self.run.context(self.logical_id, self.type_name, token)
        try:
            return await kind.create(context, concrete)
        except ServiceError:
            await self._remember(own, context)
            raise

    async def _remember(self, own: str, context: EngineContext) -> None:
        """A creation that failed half way leaves something: under this id the rollback will find it."""
        record = self.record
        if own and context.journal.calls and record and record.step in ("create", "replace"):
            if record.step == "create":
                self.run.records[self.logical_id] = replace(record, physical_id=own)
            else:
                half = Leftover(self.type_name, own, record.properties)
                self.run.records[self.logical_id] = replace(record, leftovers=[*record.leftovers, half])

    async def _created(self, record: Resource, made: resource_type.Resource) -> Outcome:
        attributes = {**dict(made.attributes)}
        initiated = replace(record, physical_id=made.physical_id, reason=INITIATED, waiting=None)
        done = replace(initiated, status="CREATE_COMPLETE", reason="", attributes=attributes, step="", settled_by=self.run.operation.id)
        await self.run.settle(done, *([done] if record.reason == INITIATED else [initiated, done]))
        return Outcome.DONE

    async def _update(self, kind: ResourceType, record: Resource, properties: dict[str, Any]) -> Outcome:
        old = record.properties if record.step != "update" else (record.before or {}).get("properties", record.properties)
        if record.step != "update":
            began = self._described(
                record, status="UPDATE_IN_PROGRESS", reason="", step="update", properties=properties, before=record.before or raw_of(record),
                token=self.run.node.ids.uuid(),
            )  # fmt: skip
            record = await self.run.begin(began)
        context = await self.run.context(self.logical_id, self.type_name, record.token)
        concrete, former = await self._concrete(properties), await self._concrete(old)
        if isinstance(kind, slow.SlowType):
            made = await kind.begin_update(self.run, context, record.physical_id, former, concrete)
            if isinstance(made, slow.Pending):
                return await self._wait(replace(record, waiting=made.waiting), made)
        else:
            made = await kind.update(context, record.physical_id, former, concrete)
        return await self._updated(record, made)

    async def _updated(self, record: Resource, made: resource_type.Resource) -> Outcome:
        leftovers = record.leftovers
        if made.physical_id != record.physical_id and isinstance(self.run.type_of(self.type_name), slow.SlowType):
            leftovers = [*leftovers, Leftover(record.type, record.physical_id, (record.before or {}).get("properties", {}))]
        done = replace(
            record, status="UPDATE_COMPLETE", reason="", step="", physical_id=made.physical_id, attributes=dict(made.attributes), waiting=None,
            settled_by=self.run.operation.id, leftovers=leftovers,
        )  # fmt: skip
        await self.run.settle(done, done)
        return Outcome.DONE

    async def _replace(self, kind: ResourceType, record: Resource, properties: dict[str, Any]) -> Outcome:
        resumed = record.step == "replace"
        if not resumed:
            began = self._described(
                record, status="UPDATE_IN_PROGRESS", reason=REPLACING, step="replace", replacing=True, properties=properties, type=self.type_name,
                token=self.run.node.ids.uuid(), before=record.before or raw_of(record),
            )  # fmt: skip
            await self._refuse_same_name(record, began)
            record = await self.run.begin(began)
        made = await self._make(kind, properties, record.token, resumed)
        if isinstance(made, slow.Pending):
            return await self._wait(replace(record, waiting={**made.waiting, "new_physical_id": made.physical_id}), made)
        return await self._replaced(record, made)

    async def _refuse_same_name(self, record: Resource, began: Resource) -> None:
        """AWS: a resource with a custom name cannot be replaced under the same name."""
        named = physical.custom_name(record, began)
        if named:
            self.run.records[self.logical_id] = began
            raise TemplateError(
                f"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {named} and update the stack again."
            )

    async def _replaced(self, record: Resource, made: resource_type.Resource) -> Outcome:
        before = record.before or {}
        old = Leftover(before["type"], before["physical_id"], before["properties"])
        record = replace(record, replacing=False)
        keep = record.update_replace_policy in ("Retain", "Snapshot") or made.physical_id == old.physical_id
        initiated = replace(record, physical_id=made.physical_id, reason=INITIATED, waiting=None)
        done = replace(
            initiated, status="UPDATE_COMPLETE", reason="", attributes=dict(made.attributes), step="", settled_by=self.run.operation.id,
            leftovers=record.leftovers if keep else [*record.leftovers, old],
        )  # fmt: skip
        await self.run.settle(done, initiated, done)
        return Outcome.DONE

    async def _wait(self, record: Resource, pending: slow.Pending) -> Outcome:
        if pending.is_initiated and record.step == "create":
            record = replace(record, reason=INITIATED)
            await self.run.save(record, record)
        else:
            await self.run.save(record)
        await slow.wake_at(self.run, pending.deadline_ms)
        return await self._look_again(self.run.type_of(self.type_name), record)

    async def _look_again(self, kind: ResourceType, record: Resource) -> Outcome:
        """A resource that waits for somebody outside: has the answer come, or the time run out?"""
        assert isinstance(kind, slow.SlowType)
        assert record.waiting is not None
        try:
            made = await kind.look(self.run, record)
        except Failed as error:
            self.run.records[self.logical_id] = replace(record, physical_id=error.physical_id or record.physical_id)
            raise
        if made is None:
            return Outcome.WAITING
        record = replace(record, waiting=None)
        if record.step == "create":
            return await self._created(record, made)
        if record.step == "replace":
            return await self._replaced(record, made)
        return await self._updated(record, made)

    async def fail(self, why: str) -> Outcome:
        record = self.record or self._described(
            Resource(self.logical_id, self.type_name, "CREATE_IN_PROGRESS", 0, token=self.run.node.ids.uuid(), step="create"),
            created_by=self.run.operation.id,
        )
        creating = record.step in ("create", "") and record.before is None and record.created_by == self.run.operation.id
        failed = replace(
            record, status="CREATE_FAILED" if creating else "UPDATE_FAILED", reason=why, step="", waiting=None, settled_by=self.run.operation.id,
            before=None if creating else record.before or raw_of(record),
        )  # fmt: skip
        await self.run.settle(failed, failed)
        await self.run.change(lambda tx, stack, operation: _note_failure(operation, self.logical_id, creating), event=False)
        return Outcome.FAILED


def _note_failure(operation: Operation, logical_id: str, creating: bool) -> None:
    failed = operation.failed_to_create if creating else operation.failed_to_update
    if logical_id not in failed:
        failed.append(logical_id)
