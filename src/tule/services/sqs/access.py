"""Who may do what with queues: each permission on the queue's ARN, with the queue's own policy.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
Batches need the permission of their single operation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Need, Params, RememberedNeeds
from tule.services.sqs import errors, move_tasks
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import QueueKey, key_of_arn
from tule.services.sqs.queues import key_of, queues

_ON_QUEUE = (
    "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "SetQueueAttributes", "DeleteQueue",
    "PurgeQueue", "AddPermission", "RemovePermission", "TagQueue", "UntagQueue", "ListQueueTags", "ListDeadLetterSourceQueues",
)  # fmt: skip
_BATCHES = ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
_OWNERS_ONLY = frozenset(
    ("SetQueueAttributes", "DeleteQueue", "AddPermission", "RemovePermission", "TagQueue", "UntagQueue", "ListQueueTags")
)  # no policy opens these to another account


async def _need(call: Call, key: QueueKey, action: str, context: Mapping[str, Any] | None = None) -> Need:
    """Raises QueueDoesNotExist for a queue of another account that is not there, or that is not open to it."""
    queue = await queues(call.node).find(key)
    if queue is None and key.account != call.principal.account:
        raise errors.no_queue()
    tags = _tags(queue) if queue is not None and queue.tags else {}
    policy = None if queue is None or (action in _OWNERS_ONLY and key.account != call.principal.account) else queue.policy
    return Need(f"sqs:{action}", key.arn, {**tags, **(context or {})}, policy, key.account)


def _tags(queue: Queue) -> dict[str, Any]:
    return {f"aws:ResourceTag/{key}": value for key, value in queue.tags.items()}


def _on_queue(action: str) -> RememberedNeeds:
    async def needs(call: Call, params: Params) -> Sequence[Need]:
        key = key_of(call, params)
        principal = call.principal
        if principal.kind == "root" and principal.account == key.account:
            queue = await queues(call.node).find(key)
            if queue is None or queue.policy is None:
                return ()  # nothing can deny the account's root
        return (await _need(call, key, action, _asked(params)),)

    return needs


def _asked(params: Params) -> dict[str, Any]:
    given = params.get("Tags") or params.get("tags")
    keys = list(given) if given else params.get("TagKeys")
    requested = {f"aws:RequestTag/{key}": value for key, value in given.items()} if given else {}
    return {**requested, "aws:TagKeys": keys} if keys else requested


async def _create(call: Call, params: Params) -> Sequence[Need]:
    key = QueueKey(call.account, call.region, params["QueueName"])
    context = _asked(params)
    needed = [Need("sqs:CreateQueue", key.arn, context)]
    if params.get("tags"):
        needed.append(Need("sqs:TagQueue", key.arn, context))
    return needed


async def _get_url(call: Call, params: Params) -> Sequence[Need]:
    owner = params.get("QueueOwnerAWSAccountId") or call.account
    return (await _need(call, QueueKey(owner, call.region, params["QueueName"]), "GetQueueUrl"),)


async def _list(call: Call, params: Params) -> Sequence[Need]:
    return (Need("sqs:ListQueues", QueueKey(call.account, call.region, "").arn),)


async def _start_move(call: Call, params: Params) -> Sequence[Need]:
    """Who starts a task must be allowed to do by hand what it does."""
    source = key_of_arn(params["SourceArn"])
    destination = key_of_arn(params.get("DestinationArn") or "")
    actions = ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    needed = [await _need(call, source, action) for action in actions] if source is not None else []
    return [*needed, await _need(call, destination, "SendMessage")] if destination is not None else needed


async def _list_moves(call: Call, params: Params) -> Sequence[Need]:
    source = key_of_arn(params["SourceArn"])
    return (await _need(call, source, "ListMessageMoveTasks"),) if source is not None else ()


async def _cancel_move(call: Call, params: Params) -> Sequence[Need]:
    _, arn = move_tasks.parse_handle(params["TaskHandle"])
    source = key_of_arn(arn)
    return (await _need(call, source, "CancelMessageMoveTask"),) if source is not None else ()


NEEDS: Mapping[str, RememberedNeeds] = {
    **{action: _on_queue(action) for action in _ON_QUEUE},
    **{f"{action}Batch": _on_queue(action) for action in _BATCHES},
    "CreateQueue": _create,
    "GetQueueUrl": _get_url,
    "ListQueues": _list,
    "StartMessageMoveTask": _start_move,
    "ListMessageMoveTasks": _list_moves,
    "CancelMessageMoveTask": _cancel_move,
}
