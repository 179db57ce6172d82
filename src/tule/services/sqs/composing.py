"""From the parameters of a send to a message that can be kept.

AWS: SQS API reference, SendMessage and SendMessageBatch.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from tule.access.principal import Principal
from tule.platform.call import Call
from tule.services.sqs import errors, message_attributes
from tule.services.sqs.attributes import MAX_DELAY_S
from tule.services.sqs.message_attributes import check_text
from tule.services.sqs.queue import Queue
from tule.services.sqs.state.messages import New

_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}\Z")


@dataclass(slots=True, frozen=True)
class Draft:
    """A message on its way into a queue.  `delay_ms` from now it is visible; `deduplication_id` is a FIFO queue's.

    `digests` are what the answer says of it.
    """

    message: New
    size: int
    delay_ms: int
    deduplication_id: str
    digests: Mapping[str, str]


def draft(call: Call, queue: Queue, entry: Mapping[str, Any]) -> Draft:
    """`entry` are the parameters of SendMessage, or an entry of a batch.  Raises ServiceError."""
    body: str = entry["MessageBody"]
    if not body:
        raise errors.missing("MessageBody")
    check_text(body)
    data = body.encode()
    digests = {"MD5OfMessageBody": hashlib.md5(data, usedforsecurity=False).hexdigest()}
    size, kept = len(data), None
    values = entry.get("MessageAttributes")
    if values:
        size += message_attributes.check(values)
        kept = message_attributes.to_json(values)
        digests["MD5OfMessageAttributes"] = message_attributes.digest(values)
    if size > queue.max_bytes:
        raise errors.message_too_long(queue.max_bytes)
    system: dict[str, str] = {"SenderId": sender_id(call.principal)}
    _add_trace(call, entry.get("MessageSystemAttributes"), system, digests)
    group, deduplication_id = _fifo(queue, entry, data) if queue.is_fifo else _fair(queue, entry)
    if group is not None:
        system["MessageGroupId"] = group
    if deduplication_id:
        system["MessageDeduplicationId"] = deduplication_id
    message = New(call.node.ids.uuid(), digests["MD5OfMessageBody"], body, kept, orjson.dumps(system), group if queue.is_fifo else None)
    return Draft(message, size, _delay_ms(queue, entry), deduplication_id, digests)


def _fair(queue: Queue, entry: Mapping[str, Any]) -> tuple[str | None, str]:
    """A standard queue may be told a group, for fairness, but cannot deduplicate.  AWS: SQS developer guide, "Fair queues"."""
    del queue
    given = entry.get("MessageDeduplicationId")
    if given is not None:
        raise errors.wrong_queue_type(given, "MessageDeduplicationId")
    return _group(entry), ""


def _fifo(queue: Queue, entry: Mapping[str, Any], body: bytes) -> tuple[str, str]:
    group = _group(entry)
    if group is None:
        raise errors.missing("MessageGroupId")
    given = entry.get("MessageDeduplicationId")
    if given is not None:
        if not _ID.match(given):
            raise errors.invalid_deduplication_id(given)
        return group, given
    if not queue.deduplicates_by_content:
        raise errors.no_deduplication_id()
    return group, hashlib.sha256(body).hexdigest()


def _group(entry: Mapping[str, Any]) -> str | None:
    group = entry.get("MessageGroupId")
    if group is not None and not _ID.match(group):
        raise errors.invalid_group_id(group)
    return group


def _delay_ms(queue: Queue, entry: Mapping[str, Any]) -> int:
    seconds = entry.get("DelaySeconds")
    if seconds is None:
        return queue.delay_ms
    if queue.is_fifo:
        raise errors.wrong_queue_type(seconds, "DelaySeconds")
    if not 0 <= seconds <= MAX_DELAY_S:
        raise errors.invalid_value(seconds, "DelaySeconds", f"DelaySeconds must be >= 0 and <= {MAX_DELAY_S}.")
    return seconds * 1000


def _add_trace(call: Call, given: Mapping[str, Mapping[str, Any]] | None, system: dict[str, str], digests: dict[str, str]) -> None:
    """What was sent as AWSTraceHeader, or the trace of the call itself."""
    if not given:
        if call.trace:
            system["AWSTraceHeader"] = call.trace
        return
    for name, value in given.items():
        if name != "AWSTraceHeader":
            raise errors.invalid_parameter(f"Message system attribute name '{name}' is invalid.")
        if value.get("DataType") != "String" or not value.get("StringValue"):
            raise errors.invalid_parameter(f"Message system attribute '{name}' must contain a non-empty value of type 'String'.")
    system["AWSTraceHeader"] = given["AWSTraceHeader"]["StringValue"]
    digests["MD5OfMessageSystemAttributes"] = message_attributes.digest(given)


def sender_id(principal: Principal) -> str:
    """A user's or a role session's id, or the account's.  A service has an id of its own, the same everywhere."""
    if principal.user_id:
        return principal.user_id
    return _id_of_service(principal.service) if principal.service else principal.account


@cache
def _id_of_service(name: str) -> str:
    return "AIDA" + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]
