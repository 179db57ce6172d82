"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.backbone.delivery import Dead, Delivery, Outcome
from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.sqs import access, arrivals, gauges, metrics, move_tasks, reappearance, sweeping
from tule.services.sqs.in_flight import in_flight
from tule.services.sqs.operations import dead_letters, deleting, permissions, receiving, sending, tags, visibility
from tule.services.sqs.operations import queues as queue_operations
from tule.services.sqs.queues import queues
from tule.services.sqs.resources import RESOURCE_TYPES


def _start(node: Node) -> Sequence[Awaitable[None]]:
    return [
        arrivals.end_with(node),
        reappearance.start(node),
        gauges.reconciler(node).keep(node.store, node.clock, node.jobs),
        sweeping.sweeper(node).keep(node.store, node.clock, node.jobs),
    ]


async def _deliver(node: Node, delivery: Delivery) -> Outcome:
    match delivery.kind:
        case reappearance.KIND:
            return await reappearance.deliver(node, delivery)
        case move_tasks.KIND:
            return await move_tasks.deliver(node, delivery)
        case _:
            return Dead(f"A queue has no use for a job of kind {delivery.kind}.")


async def _reset(node: Node) -> None:
    queues(node).forget()
    reappearance.reappearance(node).forget()
    in_flight(node).forget()
    metrics.used(node).clear()


_RECORDED = (
    "CreateQueue GetQueueAttributes SetQueueAttributes GetQueueUrl ListQueues SendMessage SendMessageBatch ReceiveMessage DeleteMessage"
    " DeleteMessageBatch ChangeMessageVisibility ChangeMessageVisibilityBatch AddPermission RemovePermission TagQueue UntagQueue ListQueueTags"
    " StartMessageMoveTask ListMessageMoveTasks CancelMessageMoveTask"
)
_OPEN = "SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility GetQueueAttributes GetQueueUrl"

SERVICE = Service(
    "sqs",
    operations=operations_in(queue_operations, sending, receiving, deleting, visibility, permissions, tags, dead_letters),
    remembered_needs=access.NEEDS,
    deliver=_deliver,
    start=_start,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
    anonymous=frozenset(_OPEN.split()),
    recorded=frozenset(_RECORDED.split()),
)
