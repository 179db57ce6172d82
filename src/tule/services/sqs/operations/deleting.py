"""DeleteMessage, DeleteMessageBatch.  AWS: SQS API reference."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sqs import batches, receipts, removal, throughput
from tule.services.sqs.queues import queue_of
from tule.services.sqs.receipts import Receipt


async def delete_message(call: Call, params: Params) -> dict[str, Any]:
    """What is not there any more counts as deleted."""
    queue = await queue_of(call, params)
    throughput.keep(call, queue)
    handle = params["ReceiptHandle"]
    receipt = receipts.parse(handle, queue.mark)
    (problem,) = await removal.delete(call.node, queue, [(handle, receipt)])
    if problem is not None:
        raise problem
    return {}


async def delete_message_batch(call: Call, params: Params) -> dict[str, Any]:
    queue = await queue_of(call, params)
    throughput.keep(call, queue)
    entries = batches.entries_of(params, "DeleteMessageBatchRequestEntry")
    parsed = batches.Outcome[tuple[str, Receipt]]()
    for entry in entries:
        handle = entry["ReceiptHandle"]
        parsed.attempt(entry["Id"], lambda handle=handle: (handle, receipts.parse(handle, queue.mark)))
    problems: list[ServiceError | None] = await removal.delete(call.node, queue, list(parsed.succeeded.values()))
    for id, problem in zip(parsed.succeeded, problems, strict=True):
        if problem is not None:
            parsed.fail(id, problem)
    successful = [id for id, problem in zip(parsed.succeeded, problems, strict=True) if problem is None]
    return {"Successful": [{"Id": id} for id in successful], "Failed": parsed.failed}
