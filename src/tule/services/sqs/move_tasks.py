"""Tasks that move messages out of a dead letter queue: each a job that takes a second's worth and comes again.

A moved message is a new one: it has another id, its time begins anew, and it has not been received yet.
AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
"""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import Any

import orjson

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.backbone.jobs import cancel as cancel_job
from tule.platform.node import Node
from tule.services.sqs import errors
from tule.services.sqs import queue as documents
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import key_of_arn
from tule.services.sqs.state import groups, messages, tasks
from tule.services.sqs.state.messages import Message, New
from tule.services.sqs.state.tasks import Task
from tule.store.store import Tx

KIND = "move"
RUNNING, CANCELLED, COMPLETED, FAILED = "RUNNING", "CANCELLED", "COMPLETED", "FAILED"
ACTIVE = (RUNNING,)
AT_ONCE = 250  # messages in one transaction, where no rate is set
_NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
_NO_SOURCE = "CouldNotDetermineMessageSource"


def start(tx: Tx, source: Queue, destination: str, rate: int) -> Task:
    task: Task = {
        "id": tx.ids.uuid(),
        "source": source.arn,
        "destination": destination,
        "rate": rate,
        "status": RUNNING,
        "moved": 0,
        "to_move": messages.count(tx, source.backlog, source.retention_ms).visible,
        "started_ms": tx.now_ms,
        "failure": "",
    }
    _put(tx, source, task)
    tasks.trim(tx, source.key.account, source.key.region, source.arn)
    _go_on(tx, source, task, tx.now_ms)
    return task


def cancel(tx: Tx, source: Queue, task: Task) -> None:
    """Messages that were moved stay where they are."""
    task["status"] = CANCELLED
    _put(tx, source, task)
    cancel_job(tx, _job_name(task))


def _put(tx: Tx, source: Queue, task: Task) -> None:
    tasks.put(tx, source.key.account, source.key.region, task)


def _job_name(task: Task) -> str:
    return f"sqs.{KIND}.{task['id']}"


def _go_on(tx: Tx, source: Queue, task: Task, due_ms: int) -> None:
    key = source.key
    enqueue(tx, Job(KIND, source.arn, key.account, key.region, {"task": task["id"]}, due_ms=due_ms, max_attempts=100, name=_job_name(task)))


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    await node.store.write(partial(_step, delivery, node.store.dialect))
    return Done()


def _step(delivery: Delivery, dialect: str, tx: Tx) -> None:
    key = key_of_arn(delivery.target)
    source = documents.find(tx, key) if key is not None else None
    found = tasks.of_queue(tx, delivery.account, delivery.region, delivery.target)
    task = next((task for task in found if task["id"] == delivery.payload["task"]), None)
    if source is None or task is None or task["status"] != RUNNING:
        return
    limit = task["rate"] or AT_ONCE
    moved, failure = _move(tx, dialect, source, task["destination"], limit)
    task["moved"] += moved
    if failure:
        task["status"], task["failure"] = FAILED, failure
    elif moved < limit:
        task["status"] = COMPLETED
    _put(tx, source, task)
    if task["status"] == RUNNING:
        _go_on(tx, source, task, tx.now_ms + (1000 if task["rate"] else 0))


def _move(tx: Tx, dialect: str, source: Queue, destination: str, limit: int) -> tuple[int, str]:
    """How many were moved, and why no more could be."""
    moved = 0
    for message in _next(tx, source, limit):
        key = key_of_arn(destination or message.source or "")
        if key is None:
            return moved, _NO_SOURCE
        target = documents.find(tx, key)
        if target is None:
            return moved, _NO_QUEUE
        _move_one(tx, dialect, message, source, target)
        moved += 1
    return moved, ""


def _next(tx: Tx, source: Queue, limit: int) -> list[Message]:
    found = (messages.look(tx, seq) for seq in messages.visible(tx, source.backlog, source.retention_ms, limit, in_order=source.is_fifo))
    return [message for message in found if message is not None]


def _move_one(tx: Tx, dialect: str, message: Message, source: Queue, target: Queue) -> None:
    group = message.member_of
    fresh = New(tx.ids.uuid(), message.md5, message.body or "", message.attributes, message.system, group)
    if group is not None:
        groups.hold(tx, dialect, source.backlog, group)
        groups.join(tx, target.backlog, group, tx.now_ms)
    messages.put(tx, target.backlog, fresh, tx.now_ms)
    messages.delete(tx, source.backlog, message.seq)
    if group is not None:
        groups.settle(tx, source.backlog, group)
    tx.wake(target.arn)


def shown(task: Task) -> dict[str, Any]:
    """As ListMessageMoveTasks tells of it: only who is running can be cancelled, so only they have a handle."""
    optional = {
        "TaskHandle": handle_of(task) if task["status"] == RUNNING else None,
        "DestinationArn": task["destination"] or None,
        "MaxNumberOfMessagesPerSecond": task["rate"] or None,
        "FailureReason": task["failure"] or None,
    }
    return {
        "Status": task["status"],
        "SourceArn": task["source"],
        "ApproximateNumberOfMessagesMoved": task["moved"],
        "ApproximateNumberOfMessagesToMove": task["to_move"],
        "StartedTimestamp": task["started_ms"],
        **{name: value for name, value in optional.items() if value is not None},
    }


def handle_of(task: Task) -> str:
    return base64.b64encode(orjson.dumps({"taskId": task["id"], "sourceArn": task["source"]})).decode()


def parse_handle(handle: str) -> tuple[str, str]:
    """The task's id and its queue's ARN.  Raises InvalidParameterValue."""
    try:
        document = orjson.loads(base64.b64decode(handle, validate=True))
        return str(document["taskId"]), str(document["sourceArn"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise errors.invalid_parameter("Value for parameter TaskHandle is invalid.") from error
