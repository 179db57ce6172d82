"""ChangeMessageVisibility, ChangeMessageVisibilityBatch.  AWS: SQS API reference."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sqs import batches, errors, hiding, receipts
from tule.services.sqs.attributes import MAX_VISIBILITY_S
from tule.services.sqs.hiding import Change
from tule.services.sqs.queue import Queue
from tule.services.sqs.queues import queue_of


async def change_message_visibility(call: Call, params: Params) -> dict[str, Any]:
    queue = await queue_of(call, params)
    (problem,) = await hiding.change(call.node, queue, [_change(queue, params)])
    if problem is not None:
        raise problem
    return {}


async def change_message_visibility_batch(call: Call, params: Params) -> dict[str, Any]:
    queue = await queue_of(call, params)
    entries = batches.entries_of(params, "ChangeMessageVisibilityBatchRequestEntry")
    changes = batches.Outcome[Change]()
    for entry in entries:
        changes.attempt(entry["Id"], lambda entry=entry: _change(queue, entry))
    problems: list[ServiceError | None] = await hiding.change(call.node, queue, list(changes.succeeded.values()))
    for id, problem in zip(changes.succeeded, problems, strict=True):
        if problem is not None:
            changes.fail(id, problem)
    successful = [id for id, problem in zip(changes.succeeded, problems, strict=True) if problem is None]
    return {"Successful": [{"Id": id} for id in successful], "Failed": changes.failed}


def _change(queue: Queue, entry: Params) -> Change:
    seconds = entry.get("VisibilityTimeout")
    if seconds is None:
        raise errors.missing("VisibilityTimeout")
    if not 0 <= seconds <= MAX_VISIBILITY_S:
        raise errors.invalid_value(seconds, "VisibilityTimeout", f"VisibilityTimeout must be an integer between 0 and {MAX_VISIBILITY_S}")
    return Change(entry["ReceiptHandle"], receipts.parse(entry["ReceiptHandle"], queue.mark), seconds)
