"""What happens later: DynamoDB's jobs, by kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tule.backbone.delivery import Dead, Delivery, Done, Outcome
from tule.platform.node import Node
from tule.services.dynamodb import backups, clearing, expiring, index_changes, replicating, restoring, sweeping
from tule.services.dynamodb.transfers import exporting, importing
from tule.store.store import Tx

Step = Callable[[Tx, Delivery], Any]  # of one transaction
Work = Callable[[Node, Delivery], Awaitable[Outcome]]  # that owns its transactions

_STEPS: Mapping[str, Step] = {
    backups.COPY: lambda tx, job: backups.copy_on(tx, job.payload),
    backups.EXPIRE: lambda tx, job: backups.expire_on(tx, job.payload),
    restoring.KIND: lambda tx, job: restoring.fill_on(tx, job.payload),
    index_changes.FILL: lambda tx, job: index_changes.fill_on(tx, job.payload),
    index_changes.REMOVE: lambda tx, job: index_changes.clear_on(tx, job.payload),
    clearing.KIND: lambda tx, job: clearing.clear_on(tx, job.payload),
    expiring.NOTE: lambda tx, job: expiring.note_on(tx, job.payload),
    replicating.COPY: lambda tx, job: replicating.copy_on(tx, job.payload),
    sweeping.KIND: lambda tx, job: sweeping.sweep_on(tx, job.account, job.region, job.target, job.payload),
}
_WORK: Mapping[str, Work] = {
    exporting.KIND: exporting.work,
    importing.KIND: importing.work,
}


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    step = _STEPS.get(delivery.kind)
    if step is not None:
        await node.store.write(lambda tx: step(tx, delivery))
        return Done()
    work = _WORK.get(delivery.kind)
    return Dead(f"no such job: {delivery.kind}") if work is None else await work(node, delivery)
