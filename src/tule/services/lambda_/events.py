"""Lambda's own jobs, as they come due."""

from __future__ import annotations

from tule.backbone.delivery import Dead, Delivery, Outcome
from tule.platform.node import Node
from tule.services.lambda_ import asynchronous


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    if delivery.kind == asynchronous.INVOKE:
        return await asynchronous.run(node, delivery)
    return Dead(f"Lambda has no jobs of kind {delivery.kind}")
