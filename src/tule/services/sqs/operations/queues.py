"""Making, finding, changing and ending queues.

AWS: SQS API reference, CreateQueue, GetQueueUrl, ListQueues, DeleteQueue, PurgeQueue, GetQueueAttributes, SetQueueAttributes.
"""

from __future__ import annotations

import re
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.sqs import attributes, errors, listing, queue_changes
from tule.services.sqs import queue as documents
from tule.services.sqs.counting import counting
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import QueueKey, url_of
from tule.services.sqs.queues import key_of, queue_of, queues
from tule.store.store import Tx

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo\Z")


def create_queue(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """The same again is no error; another value for one of its attributes is."""
    key = QueueKey(call.account, call.region, params["QueueName"])
    given: dict[str, str] = params.get("Attributes") or {}
    is_fifo = _check_name(key.name, given)
    existing = documents.find(tx, key)
    wanted = attributes.changed(attributes.defaults(is_fifo=is_fifo), given, is_fifo=is_fifo)
    if existing is not None:
        different = attributes.first_difference(existing.attributes, wanted, given)
        if different is not None:
            raise errors.queue_exists(different)
    else:
        queue_changes.create(tx, key, wanted, params.get("tags") or {})
    return {"QueueUrl": url_of(call.endpoint, key)}


def _check_name(name: str, given: dict[str, str]) -> bool:
    """Whether it is the name of a FIFO queue."""
    if given.get("FifoQueue", "").lower() == "true":
        if not _FIFO_NAME.match(name):
            raise errors.invalid_parameter(
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix"
                " and be 1 to 80 in length."
            )
        return True
    if not _NAME.match(name):
        raise errors.invalid_parameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
    return False


async def get_queue_url(call: Call, params: Params) -> dict[str, Any]:
    key = QueueKey(params.get("QueueOwnerAWSAccountId") or call.account, call.region, params["QueueName"])
    await queues(call.node).get(key)
    return {"QueueUrl": url_of(call.endpoint, key)}


@reads
def list_queues(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """Without MaxResults the first thousand, and no token."""
    prefix = params.get("QueueNamePrefix") or ""
    return listing.listed(call, params, f"ListQueues|{prefix}", "QueueUrls", lambda after, limit: _names(tx, call, after, limit, prefix))


def _names(tx: Tx, call: Call, after: str, limit: int, prefix: str) -> list[Queue]:
    return documents.page(tx, call.account, call.region, after=after, limit=limit, prefix=prefix)


def delete_queue(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    queue_changes.delete(tx, _existing(tx, call, params))
    return {}


def purge_queue(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    queue_changes.purge(tx, _existing(tx, call, params))
    return {}


def set_queue_attributes(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    queue_changes.set_attributes(tx, call.node.store.dialect, _existing(tx, call, params), params["Attributes"])
    return {}


async def get_queue_attributes(call: Call, params: Params) -> dict[str, Any]:
    names: list[str] = params.get("AttributeNames") or []
    for name in names:
        if name not in attributes.KNOWN:
            raise errors.unknown_attribute(name)
    queue = await queue_of(call, params)
    if not names:
        return {}
    known: dict[str, str] = {
        **queue.attributes,
        "QueueArn": queue.arn,
        "CreatedTimestamp": str(queue.document["created_s"]),
        "LastModifiedTimestamp": str(queue.document["modified_s"]),
    }
    wants_all = "All" in names
    if wants_all or any(name in attributes.COUNTS for name in names):
        known |= await counting(call.node).shown(queue)
    shown = known if wants_all else {name: known[name] for name in names if name in known}
    return {"Attributes": shown} if shown else {}


def _existing(tx: Tx, call: Call, params: Params) -> Queue:
    return queue_changes.existing(tx, key_of(call, params))
