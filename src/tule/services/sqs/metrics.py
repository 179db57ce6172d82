"""What SQS counts for CloudWatch, by queue.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tule.platform.node import Node
from tule.services.sqs.composing import Draft
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import QueueKey

NAMESPACE = "AWS/SQS"
_MEMORY = "sqs.used"


def sent(node: Node, queue: Queue, drafts: Sequence[Draft]) -> None:
    used(node)[queue.key] = node.clock.now_ms()
    count(node, queue, "NumberOfMessagesSent", len(drafts))
    if len(drafts) == 1:
        count(node, queue, "SentMessageSize", drafts[0].size, "Bytes")
        return
    key = queue.key
    for size, messages in Counter(draft.size for draft in drafts).items():
        node.meter.add(key.account, key.region, NAMESPACE, "SentMessageSize", queue.dimensions, size, "Bytes", count=messages)


def received(node: Node, queue: Queue, messages: int) -> None:
    used(node)[queue.key] = node.clock.now_ms()
    if messages:
        count(node, queue, "NumberOfMessagesReceived", messages)
    else:
        count(node, queue, "NumberOfEmptyReceives", 1)


def deleted(node: Node, queue: Queue, messages: int) -> None:
    count(node, queue, "NumberOfMessagesDeleted", messages)


def used(node: Node) -> dict[QueueKey, int]:
    """When queues that this node knows of were last sent to or received from."""
    return node.memory.setdefault(_MEMORY, {})


def count(node: Node, queue: Queue, name: str, value: float, unit: str = "Count") -> None:
    node.meter.add(queue.key.account, queue.key.region, NAMESPACE, name, queue.dimensions, value, unit)
