"""Dead letter queues' sources, and the tasks that move messages back to them.

AWS: SQS API reference, ListDeadLetterSourceQueues, StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask.
"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.sqs import errors, move_tasks, queue_changes
from tule.services.sqs import queue as documents
from tule.services.sqs.listing import listed
from tule.services.sqs.queue import Queue
from tule.services.sqs.queue_url import QueueKey, key_of_arn
from tule.services.sqs.queues import key_of
from tule.services.sqs.state import tasks
from tule.store.store import Tx

MAX_RATE = 500


@reads
def list_dead_letter_source_queues(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    key = queue_changes.existing(tx, key_of(call, params)).key
    sources = queue_changes.sources_of(tx, key)

    def fetch(after: str, limit: int) -> list[Queue]:
        return [queue for queue in sources if queue.name > after][:limit]

    return {"queueUrls": [], **listed(call, params, f"ListDeadLetterSourceQueues|{key.arn}", "queueUrls", fetch)}


def start_message_move_task(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    source = _queue(tx, params["SourceArn"], "SourceArn")
    rate = params.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and not 1 <= rate <= MAX_RATE:
        raise errors.invalid_value(rate, "MaxNumberOfMessagesPerSecond", f"You must enter a value between 1 and {MAX_RATE}.")
    destination = params.get("DestinationArn") or ""
    if destination:
        target = _queue(tx, destination, "DestinationArn")
        if target.is_fifo != source.is_fifo:
            raise errors.invalid_parameter("The source queue and the destination queue must be of the same type.")
        if target.key == source.key:
            raise errors.invalid_parameter("The source queue and the destination queue cannot be the same queue.")
    if not queue_changes.sources_of(tx, source.key):
        raise errors.invalid_parameter("Source queue must be configured as a Dead Letter Queue.")
    if any(task["status"] in move_tasks.ACTIVE for task in tasks.of_queue(tx, source.key.account, source.key.region, source.arn)):
        raise errors.invalid_parameter("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
    task = move_tasks.start(tx, source, destination, rate or 0)
    return {"TaskHandle": move_tasks.handle_of(task)}


@reads
def list_message_move_tasks(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    limit = params.get("MaxResults", 1)
    if not 1 <= limit <= tasks.SHOWN:
        raise errors.invalid_value(limit, "MaxResults", f"Must be an integer from 1 to {tasks.SHOWN}")
    source = _queue(tx, params["SourceArn"], "SourceArn")
    found = tasks.of_queue(tx, source.key.account, source.key.region, source.arn)[:limit]
    return {"Results": [move_tasks.shown(task) for task in found]} if found else {}


def cancel_message_move_task(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    id, arn = move_tasks.parse_handle(params["TaskHandle"])
    source = _queue(tx, arn, "SourceArn")
    task = next((task for task in tasks.of_queue(tx, source.key.account, source.key.region, arn) if task["id"] == id), None)
    if task is None:
        raise errors.no_task()
    if task["status"] != move_tasks.RUNNING:
        raise errors.invalid_parameter("Only active tasks can be cancelled.")
    move_tasks.cancel(tx, source, task)
    return {"ApproximateNumberOfMessagesMoved": task["moved"]}


def _queue(tx: Tx, arn: str, parameter: str) -> Queue:
    """Raises InvalidParameterValue, ResourceNotFoundException."""
    key: QueueKey | None = key_of_arn(arn)
    if key is None:
        form = "arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        raise errors.invalid_parameter(f"You must use this format to specify the {parameter}: {form}")
    found = documents.find(tx, key)
    if found is None:
        raise errors.no_resource(parameter)
    return found
