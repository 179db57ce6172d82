"""How many calls a FIFO queue takes in a second: 300 of each kind, which with batches are 3,000 messages.

With `FifoThroughputLimit` of `perMessageGroupId` that holds for each message group, and the queue as a whole takes far more.
Held where `Config.throttling` says so (by itself in strict mode), by each node for itself, for calls from outside.
AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from tule.platform.call import Call
from tule.platform.throttling import is_limited
from tule.services.sqs import errors
from tule.services.sqs.queue import Queue

CALLS_A_SECOND = 300
MOST_KNOWN = 10_000

_Second = tuple[int, int]  # which second, and how many calls in it


class Throughput:
    """Calls of this second, by queue, kind and, where that counts, message group."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str, str], _Second] = {}

    def take(self, key: tuple[str, str, str], now_ms: int) -> bool:
        """False when there were too many already."""
        second, count = self._calls.get(key, (0, 0))
        if second != now_ms // 1000:
            second, count = now_ms // 1000, 0
        if count >= CALLS_A_SECOND:
            return False
        if len(self._calls) >= MOST_KNOWN:
            self._calls.clear()
        self._calls[key] = second, count + 1
        return True


def keep(call: Call, queue: Queue, groups: Iterable[str] = ()) -> None:
    """Count a call; `groups` are those of the messages that it sends.  Raises RequestThrottled."""
    if not queue.is_fifo or not is_limited(call):
        return
    throughput = cast(Throughput, call.node.memory.setdefault("sqs.throughput", Throughput()))
    kind = call.operation.removesuffix("Batch")
    counted = set(groups) if queue.counts_by_group else ("",)
    for group in counted:
        if not throughput.take((queue.arn, kind, group), call.now_ms):
            raise errors.throttled()
