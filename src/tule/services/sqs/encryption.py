"""Messages of queues with a key of KMS, encrypted while they wait.

Only bodies are encrypted; attributes are not.  A message that moves to a dead letter queue stays as it was encrypted: who
receives it there needs the key of the queue that it came from.
AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

from tule.platform import encryption
from tule.platform.call import Call
from tule.platform.encryption import Holder, KeyRefused
from tule.services.sqs import errors
from tule.services.sqs.composing import Draft
from tule.services.sqs.queue import Queue
from tule.services.sqs.state.messages import Message

_SERVICE = "sqs.amazonaws.com"
_MARK = "\x01"  # no body that was sent can have it


async def sealed(call: Call, queue: Queue, key: str, drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts with their bodies encrypted.  Raises KMS.AccessDeniedException and its like."""
    holder = Holder(call.principal, _SERVICE, queue.key.region, key, {"aws:sqs:arn": queue.arn})
    bodies = [draft.message.body.encode() for draft in drafts]
    try:
        envelopes = await encryption.seal(call.node, holder, bodies, queue.key_reuse_ms)
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.kind, refusal.message) from refusal
    return [
        replace(draft, message=draft.message._replace(body=_MARK + base64.b64encode(envelope).decode()))
        for draft, envelope in zip(drafts, envelopes, strict=True)
    ]


def is_sealed(messages: Sequence[Message]) -> bool:
    return any(message.body is not None and message.body.startswith(_MARK) for message in messages)


async def opened(call: Call, queue: Queue, messages: Sequence[Message]) -> list[Message]:
    """The messages with their bodies as they were sent.  Raises KMS.AccessDeniedException and its like."""
    found: list[Message] = []
    for message in messages:
        body = message.body
        if body is not None and body.startswith(_MARK):
            message = message._replace(body=await _text(call, queue, base64.b64decode(body[1:])))
        found.append(message)
    return found


async def _text(call: Call, queue: Queue, envelope: bytes) -> str:
    try:
        texts = await encryption.unseal(call.node, call.principal, _SERVICE, queue.key.region, [envelope], queue.key_reuse_ms)
    except KeyRefused as refusal:
        raise errors.key_refused(refusal.kind, refusal.message) from refusal
    return texts[0].decode()
