"""AddPermission, RemovePermission: statements of the queue's policy, each under a label.

AWS: SQS API reference, AddPermission.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sqs import errors, queue_changes
from tule.services.sqs.queue import Queue
from tule.services.sqs.queues import key_of
from tule.store.store import Tx

MAX_ACTIONS = 7
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
_ACCOUNT = re.compile(r"\d{12}\Z")
_GRANTED = ("*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage", "SendMessage")
_OWNERS = (
    "AddPermission", "CancelMessageMoveTask", "CreateQueue", "DeleteQueue", "ListDeadLetterSourceQueues", "ListMessageMoveTasks", "ListQueues",
    "ListQueueTags", "PurgeQueue", "RemovePermission", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue", "UntagQueue",
)  # fmt: skip


def add_permission(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    queue = queue_changes.existing(tx, key_of(call, params))
    label: str = params["Label"]
    _check(label, params["AWSAccountIds"], params["Actions"])
    policy = _policy(queue)
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise errors.invalid_value(label, "Label", "Already exists.")
    partition = arns.partition_of(queue.key.region)
    statement = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_many([f"arn:{partition}:iam::{account}:root" for account in params["AWSAccountIds"]])},
        "Action": _one_or_many([f"SQS:{action}" for action in params["Actions"]]),
        "Resource": queue.arn,
    }
    _put(tx, queue, {**policy, "Statement": [*policy["Statement"], statement]})
    return {}


def remove_permission(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    queue = queue_changes.existing(tx, key_of(call, params))
    label: str = params["Label"]
    policy = _policy(queue)
    kept = [statement for statement in policy["Statement"] if statement.get("Sid") != label]
    if len(kept) == len(policy["Statement"]):
        raise errors.invalid_value(label, "Label", "can't find label.")
    _put(tx, queue, {**policy, "Statement": kept})
    return {}


def _check(label: str, accounts: list[str], actions: list[str]) -> None:
    if not _LABEL.match(label):
        raise errors.invalid_value(label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
    if not accounts:
        raise errors.missing("PrincipalId")
    if not actions:
        raise errors.missing("Actions")
    for account in accounts:
        if not _ACCOUNT.match(account):
            raise errors.invalid_value(f"[{account}]", "PrincipalId", "Unable to verify.")
    for action in actions:
        if action in _OWNERS:
            raise errors.invalid_value(f"SQS:{action}", "ActionName", "Only the queue owner is allowed to invoke this action.")
        if action not in _GRANTED:
            raise errors.invalid_value(f"SQS:{action}", "ActionName", "Please refer to the appropriate WSDL for a list of valid actions.")
    if len(actions) > MAX_ACTIONS:
        raise errors.invalid_parameter(f"{len(actions)} Actions were found, maximum allowed is {MAX_ACTIONS}.")


def _policy(queue: Queue) -> dict[str, Any]:
    policy = dict(queue.policy or {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []})
    if isinstance(policy["Statement"], dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _put(tx: Tx, queue: Queue, policy: dict[str, Any]) -> None:
    """A policy without statements is none."""
    attributes = dict(queue.attributes)
    if policy["Statement"]:
        attributes["Policy"] = orjson.dumps(policy).decode()
    else:
        attributes.pop("Policy", None)
    queue_changes.amend(tx, queue, attributes=attributes)


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
