"""ReceiveMessage.  AWS: SQS API reference."""

from __future__ import annotations

import re
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sqs import claims, encryption, errors, metrics, throughput
from tule.services.sqs.arrivals import arrivals
from tule.services.sqs.attributes import MAX_VISIBILITY_S, MAX_WAIT_S
from tule.services.sqs.claims import Claim, Claimed
from tule.services.sqs.in_flight import in_flight
from tule.services.sqs.queue import Queue
from tule.services.sqs.queues import key_of, queues
from tule.services.sqs.reappearance import reappearance
from tule.services.sqs.showing import View

MAX_MESSAGES = 10
_ATTEMPT = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}\Z")


async def receive_message(call: Call, params: Params) -> dict[str, Any]:
    """Takes what is there; with a wait, what comes until the wait is over."""
    key, known = key_of(call, params), queues(call.node)
    queue = await known.get(key)
    throughput.keep(call, queue)
    view = View.of(params)
    limit = _limit(params)
    wait_s = _wait_s(queue, params)
    wanted = await _claim_of(call, queue, params, limit)
    if not wait_s:
        return await _shown(call, queue, view, await _take(call, wanted, is_polling=False))
    async with arrivals(call.node, queue.arn, wait_s) as heard:
        while not call.is_abandoned():
            found = await _take(call, wanted, is_polling=True)
            if found.messages or not await heard.next():
                return await _shown(call, queue, view, found)
            queue = await known.get(key)  # it may be another by now, or gone
            wanted = await _claim_of(call, queue, params, limit)
    return {}


async def _take(call: Call, wanted: Claim, *, is_polling: bool) -> Claimed:
    """Raises OverLimit where so many messages of a standard queue are in flight that there can be no more, but not to those who wait."""
    node, queue = call.node, wanted.queue
    if not await in_flight(node).has_room(queue, wanted.limit):
        if queue.is_fifo or is_polling:
            return Claimed([], call.now_ms)
        raise errors.over_limit()
    write = node.store.write_relaxed if queue.is_fifo else node.store.write_forgettable  # at worst a message comes again
    found = await write(lambda tx: claims.claim(tx, node.store.dialect, wanted))
    if found.messages and wanted.hidden_ms:
        await reappearance(node).ensure(queue, found.received_ms + wanted.hidden_ms)
    return found


async def _claim_of(call: Call, queue: Queue, params: Params, limit: int) -> Claim:
    dead_letters = await queues(call.node).find(queue.dead_letters) if queue.dead_letters is not None else None
    return Claim(queue, limit, _hidden_ms(queue, params), dead_letters, _attempt(queue, params))


def _limit(params: Params) -> int:
    limit = params.get("MaxNumberOfMessages", 1)
    if not 1 <= limit <= MAX_MESSAGES:
        raise errors.invalid_value(limit, "MaxNumberOfMessages", f"Must be between 1 and {MAX_MESSAGES}, if provided.")
    return limit


def _wait_s(queue: Queue, params: Params) -> int:
    wait_s = params.get("WaitTimeSeconds", queue.wait_s)
    if not 0 <= wait_s <= MAX_WAIT_S:
        raise errors.invalid_value(wait_s, "WaitTimeSeconds", f"Must be >= 0 and <= {MAX_WAIT_S}, if provided.")
    return wait_s


def _hidden_ms(queue: Queue, params: Params) -> int:
    seconds = params.get("VisibilityTimeout")
    if seconds is None:
        return queue.visibility_ms
    if not 0 <= seconds <= MAX_VISIBILITY_S:
        raise errors.invalid_value(seconds, "VisibilityTimeout", f"Must be between 0 and {MAX_VISIBILITY_S}, if provided.")
    return seconds * 1000


def _attempt(queue: Queue, params: Params) -> str:
    attempt = params.get("ReceiveRequestAttemptId")
    if attempt is None:
        return ""
    if not queue.is_fifo:
        raise errors.wrong_queue_type(attempt, "ReceiveRequestAttemptId")
    if not _ATTEMPT.match(attempt):
        raise errors.invalid_attempt_id(attempt)
    return attempt


async def _shown(call: Call, queue: Queue, view: View, found: Claimed) -> dict[str, Any]:
    messages = found.messages
    metrics.received(call.node, queue, len(messages))
    if not messages:
        return {}
    if encryption.is_sealed(messages):
        messages = await encryption.opened(call, queue, messages)
    return {"Messages": [view.show(queue, message, found.received_ms) for message in messages]}
