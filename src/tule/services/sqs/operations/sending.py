"""SendMessage, SendMessageBatch.  AWS: SQS API reference."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sqs import batches, composing, encryption, errors, sends, throughput
from tule.services.sqs.attributes import MAX_MESSAGE_BYTES
from tule.services.sqs.composing import Draft
from tule.services.sqs.queues import queue_of


async def send_message(call: Call, params: Params) -> dict[str, Any]:
    queue = await queue_of(call, params)
    throughput.keep(call, queue, [params.get("MessageGroupId", "")])
    drafts = [composing.draft(call, queue, params)]
    if queue.kms_key is not None:
        drafts = await encryption.sealed(call, queue, queue.kms_key, drafts)
    sent = await sends.send(call.node, queue, drafts, is_repeated=call.is_repeated)
    return sent[0]


async def send_message_batch(call: Call, params: Params) -> dict[str, Any]:
    queue = await queue_of(call, params)
    entries = batches.entries_of(params, "SendMessageBatchRequestEntry")
    throughput.keep(call, queue, [entry.get("MessageGroupId", "") for entry in entries])
    drafts = batches.Outcome[Draft]()
    for entry in entries:
        drafts.attempt(entry["Id"], lambda entry=entry: composing.draft(call, queue, entry))
    size = sum(draft.size for draft in drafts.succeeded.values())
    if size > MAX_MESSAGE_BYTES:
        raise errors.batch_too_long(MAX_MESSAGE_BYTES, size)
    good = list(drafts.succeeded.values())
    if good and queue.kms_key is not None:
        good = await encryption.sealed(call, queue, queue.kms_key, good)
    sent = await sends.send(call.node, queue, good, is_repeated=call.is_repeated) if good else []
    return {
        "Successful": [{"Id": id, **each} for id, each in zip(drafts.succeeded, sent, strict=True)],
        "Failed": drafts.failed,
    }
