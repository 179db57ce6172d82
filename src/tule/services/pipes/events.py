"""Pipes' own jobs."""

from __future__ import annotations

from tule.backbone.delivery import Dead, Delivery, Done, Outcome
from tule.platform.node import Node
from tule.services.pipes import checks


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    if delivery.kind != checks.CHECK:
        return Dead(f"A pipe takes no {delivery.kind}.")
    await checks.check(node, delivery)
    return Done()
