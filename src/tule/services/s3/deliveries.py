"""The service's own jobs, by their kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tule.backbone.delivery import Dead, Delivery, Outcome
from tule.platform.node import Node
from tule.services.s3 import garbage, inventory, lifecycle_run, log_delivery, replication, replication_run, restoring
from tule.services.s3.control.batch import run as batch_run

_KINDS: Mapping[str, Callable[[Node, Delivery], Awaitable[Outcome]]] = {
    garbage.KIND: garbage.deliver,
    inventory.KIND: inventory.deliver,
    lifecycle_run.KIND: lifecycle_run.deliver,
    replication.KIND: replication_run.deliver,
    log_delivery.KIND: log_delivery.deliver,
    restoring.KIND: restoring.deliver,
    batch_run.KIND: batch_run.deliver,
}


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    handler = _KINDS.get(delivery.kind)
    return Dead(f"S3 knows no jobs of kind {delivery.kind}") if handler is None else await handler(node, delivery)
