"""Lambda's own jobs, as they come due."""

from __future__ import annotations

from tule.backbone.delivery import Dead, Delivery, Outcome
from tule.platform.node import Node
from tule.services.lambda_ import asynchronous
from tule.services.lambda_.durable import chained, checkpoints, executions, runs, timers


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    match delivery.kind:
        case asynchronous.INVOKE:
            return await asynchronous.run(node, delivery)
        case executions.RUN:
            return await runs.deliver(node, delivery)
        case executions.TIMER:
            return await timers.deliver(node, delivery)
        case checkpoints.CHAINED:
            return await chained.deliver(node, delivery)
        case _:
            return Dead(f"Lambda has no jobs of kind {delivery.kind}")
