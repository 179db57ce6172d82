"""Scheduler's own jobs: times that fall due, runs, and groups on their way out."""

from __future__ import annotations

from tule.backbone.delivery import Dead, Delivery, Done, Outcome
from tule.platform.node import Node
from tule.services.scheduler import deletion, runs, timers


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    match delivery.kind:
        case timers.DUE:
            await timers.fall_due(node, delivery)
            return Done()
        case runs.RUN:
            return await runs.run(node, delivery)
        case deletion.DELETE_GROUP:
            await deletion.delete_group(node, delivery)
            return Done()
        case _:
            return Dead(f"A schedule takes no {delivery.kind}.")
