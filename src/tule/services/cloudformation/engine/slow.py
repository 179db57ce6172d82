"""Resources that somebody outside finishes: custom resources, nested stacks, wait conditions.

They do not hold a drive up.  `begin_...` starts them and answers `Pending`; what they wait for is kept with the record,
and whoever has the answer, or the deadline, drives the stack again, which asks `look`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tule.backbone.jobs import Job, enqueue
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.cloudformation import records
from tule.store.store import Tx

if TYPE_CHECKING:
    from tule.services.cloudformation.engine.run import Run

DRIVE = "drive"


@dataclass(slots=True, frozen=True)
class Pending:
    """Not there yet; `waiting` is what `look` needs to know (JSON), `deadline_ms` when to look again at the latest (0: never)."""

    deadline_ms: int
    waiting: dict[str, Any] = field(default_factory=dict[str, Any])
    physical_id: str = ""
    is_initiated: bool = False  # there is something already, whose id events can show


class SlowType:
    """A resource type that may take its time.  `look` gives the resource, None when it is not finished, or raises ServiceError."""

    name: str
    replace_on: frozenset[str] = frozenset()
    always_updates = False  # an update of the stack reaches it even if its properties are the same

    async def begin_create(self, run: Run, stack: StackContext, properties: Properties) -> Resource | Pending:
        raise NotImplementedError

    async def begin_update(self, run: Run, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource | Pending:
        raise NotImplementedError

    async def begin_delete(self, run: Run, stack: StackContext, physical_id: str, properties: Properties) -> Pending | None:
        raise NotImplementedError

    async def look(self, run: Run, record: records.Resource) -> Resource | None:
        raise NotImplementedError

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        raise NotImplementedError(f"{self.name} is begun, not created")

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        raise NotImplementedError(f"{self.name} is begun, not updated")

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        raise NotImplementedError(f"{self.name} is begun, not deleted")


def drive_job(tx: Tx, stack_id: str, account: str, region: str, due_ms: int = 0) -> None:
    """Have the stack driven, now or at `due_ms`; drives of one stack go one at a time."""
    group = stack_id if due_ms == 0 else ""
    kind = DRIVE if due_ms == 0 else "alarm"
    name = "" if due_ms == 0 else f"cloudformation/{stack_id}/{due_ms}"
    enqueue(tx, Job(kind, stack_id, account, region, due_ms=due_ms, max_attempts=1_000_000, backoff_cap_ms=60_000, group=group, name=name))


async def wake_at(run: Run, deadline_ms: int) -> None:
    """Look again at `deadline_ms` at the latest; 0 is never."""
    stack = run.stack
    if deadline_ms:
        await run.node.store.write(lambda tx: drive_job(tx, stack.id, stack.account, stack.region, deadline_ms))
