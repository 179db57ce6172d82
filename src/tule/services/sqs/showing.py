"""How a received message looks in the answer.  AWS: SQS API reference, ReceiveMessage and Message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tule.platform.service import Params
from tule.services.sqs import errors, message_attributes
from tule.services.sqs.message_attributes import Wanted
from tule.services.sqs.queue import Queue
from tule.services.sqs.receipts import Receipt, handle_of
from tule.services.sqs.sends import sequence_number
from tule.services.sqs.state.messages import Message

_SYSTEM = (
    "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
    "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
)  # fmt: skip
_ALL = frozenset(_SYSTEM)


@dataclass(slots=True, frozen=True)
class View:
    """Which attributes a receive asked for."""

    system: frozenset[str]
    wanted: Wanted | None

    @staticmethod
    def of(params: Params) -> View:
        """Raises InvalidAttributeName."""
        names = params.get("MessageAttributeNames")
        return View(_system(params), message_attributes.wanted(names) if names else None)

    def show(self, queue: Queue, message: Message, received_ms: int) -> dict[str, Any]:
        handle = handle_of(Receipt(queue.mark, queue.backlog, message.seq, received_ms, message.receives))
        shown: dict[str, Any] = {"MessageId": message.id, "ReceiptHandle": handle, "MD5OfBody": message.md5, "Body": message.body}
        if self.system:
            attributes = self._attributes(queue, message)
            if attributes:
                shown["Attributes"] = attributes
        if self.wanted is not None and message.attributes is not None:
            values = {name: value for name, value in message_attributes.from_json(message.attributes).items() if self.wanted(name)}
            if values:
                shown["MessageAttributes"] = values
                shown["MD5OfMessageAttributes"] = message_attributes.digest(values)
        return shown

    def _attributes(self, queue: Queue, message: Message) -> dict[str, str]:
        known: dict[str, str] = {
            **orjson.loads(message.system),
            "SentTimestamp": str(message.sent_ms),
            "ApproximateReceiveCount": str(message.receives),
            "ApproximateFirstReceiveTimestamp": str(message.first_ms),
        }
        if queue.is_fifo:
            known["SequenceNumber"] = sequence_number(message.seq)
        if message.source is not None:
            known["DeadLetterQueueSourceArn"] = message.source
        if self.system is _ALL:
            return known
        return {name: value for name, value in known.items() if name in self.system}


def _system(params: Params) -> frozenset[str]:
    names = [*params.get("AttributeNames", ()), *params.get("MessageSystemAttributeNames", ())]
    if not names:
        return frozenset()
    if "All" in names:
        return _ALL
    for name in names:
        if name not in _ALL:
            raise errors.unknown_attribute(name)
    return frozenset(names)
