"""TagQueue, UntagQueue, ListQueueTags.  AWS: SQS API reference, and SQS developer guide, "Cost allocation tags"."""

from __future__ import annotations

from typing import Any

from tule.core import tags as rules
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sqs import errors, queue_changes
from tule.services.sqs.queues import key_of, queue_of
from tule.store.store import Tx


def tag_queue(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    queue = queue_changes.existing(tx, key_of(call, params))
    given: dict[str, str] = params["Tags"]
    if not given:
        raise errors.missing("Tags")
    wanted = {**queue.tags, **given}
    if len(wanted) > rules.MAX_TAGS:
        raise errors.invalid_parameter(f"Too many tags added for queue {queue.name}.")
    problem = rules.violation(given)
    if problem is not None:
        raise errors.invalid_parameter(f"Invalid tags: {problem}.")
    queue_changes.amend(tx, queue, tags=wanted)
    return {}


def untag_queue(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    queue = queue_changes.existing(tx, key_of(call, params))
    removed = params["TagKeys"]
    if not removed:
        raise errors.missing("TagKeys")
    queue_changes.amend(tx, queue, tags={key: value for key, value in queue.tags.items() if key not in removed})
    return {}


async def list_queue_tags(call: Call, params: Params) -> dict[str, Any]:
    queue = await queue_of(call, params)
    return {"Tags": queue.tags} if queue.tags else {}
