"""How full queues are, counted for CloudWatch once a minute for each queue that somebody has used in the last six hours.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
"""

from __future__ import annotations

from functools import partial

from tule.backbone.reconcile import Reconciler
from tule.platform.node import Node
from tule.services.sqs import metrics
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import QueueKey
from tule.services.sqs.queues import queues
from tule.services.sqs.state import messages
from tule.services.sqs.state.messages import Counts
from tule.store.store import Tx

INTERVAL_MS = 60_000
ACTIVE_MS = 6 * 3_600_000


def reconciler(node: Node) -> Reconciler:
    """For `keep` in the background of a node."""
    return Reconciler("sqs.gauges", INTERVAL_MS, (), partial(count_active, node))


async def count_active(node: Node) -> None:
    known = metrics.used(node)
    since_ms = node.clock.now_ms() - ACTIVE_MS
    for key, used_ms in list(known.items()):
        queue = await queues(node).find(key) if used_ms >= since_ms else None
        if queue is None:
            _forget(known, key, used_ms)
        else:
            await _count(node, queue)


def _forget(known: dict[QueueKey, int], key: QueueKey, used_ms: int) -> None:
    """Unless it was used meanwhile."""
    if known.get(key) == used_ms:
        del known[key]


async def _count(node: Node, queue: Queue) -> None:
    def look(tx: Tx) -> tuple[Counts, int | None]:
        return messages.count(tx, queue.backlog, queue.retention_ms), messages.oldest_ms(tx, queue.backlog, queue.retention_ms)

    counts, oldest_ms = await node.store.snapshot(look)
    metrics.count(node, queue, "ApproximateNumberOfMessagesVisible", counts.visible)
    metrics.count(node, queue, "ApproximateNumberOfMessagesNotVisible", counts.in_flight)
    metrics.count(node, queue, "ApproximateNumberOfMessagesDelayed", counts.delayed)
    age_s = 0 if oldest_ms is None else max(0, node.clock.now_ms() - oldest_ms) // 1000
    metrics.count(node, queue, "ApproximateAgeOfOldestMessage", age_s, "Seconds")
