"""What is looked at before a pipe runs: that its role lets Pipes in, and may read the source and write dead letters.

A job of the pipe's own, in one transaction with the request; its end is the state in which the pipe is found afterwards.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-error-troubleshooting.html, pipe failure states
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.access.principal import Principal, platform
from tule.backbone.delivery import Delivery
from tule.backbone.jobs import Job, enqueue
from tule.core import arn as arns
from tule.core.arn import Arn
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.platform.permissions import may
from tule.platform.targets import queue_url
from tule.services.pipes import sources, state
from tule.services.pipes.encryption import principal_of
from tule.services.pipes.names import PipeRef, of_arn
from tule.services.pipes.state import Document
from tule.store.store import Tx

CHECK = "pipes.check"
_ATTEMPTS = 1_000_000_000
MAX_REASON_CHARS = 512
MAX_BATCH_AT_ONCE = 10  # what one call receives
_FAILED = {"CREATING": "CREATE_FAILED", "UPDATING": "UPDATE_FAILED", "STARTING": "START_FAILED"}
_QUEUE_CALLS: Mapping[str, dict[str, Any]] = {"ReceiveMessage": {}, "DeleteMessage": {"ReceiptHandle": "-"}, "GetQueueAttributes": {}}
_PREFIX = "Input parameter is invalid from the request due to : "


class NotReady(Exception):
    """Why the pipe cannot run."""


def begin(tx: Tx, ref: PipeRef, pipe: Document) -> None:
    enqueue(tx, Job(CHECK, ref.arn, ref.account, ref.region, {"revision": pipe["revision"]}, max_attempts=_ATTEMPTS, name=f"pipes.check.{ref.arn}"))


async def check(node: Node, delivery: Delivery) -> None:
    ref = of_arn(delivery.target)
    pipe = await node.store.read(lambda tx: state.find(tx, ref))
    if pipe is None or pipe["current"] not in _FAILED or pipe["revision"] != delivery.payload["revision"]:
        return
    current, reason = pipe["desired"], state.USER_INITIATED
    try:
        await _check(node, ref, pipe["settings"])
    except NotReady as error:
        current, reason = _FAILED[pipe["current"]], f"{_PREFIX}{error}"[:MAX_REASON_CHARS]
    await node.store.write(lambda tx: _settle(tx, ref, pipe, current, reason))


def _settle(tx: Tx, ref: PipeRef, seen: Document, current: str, reason: str) -> None:
    pipe = state.find(tx, ref)
    if pipe is not None and (pipe["revision"], pipe["current"]) == (seen["revision"], seen["current"]):
        state.put(tx, ref, {**pipe, "current": current, "reason": reason})


async def _check(node: Node, ref: PipeRef, settings: Mapping[str, Any]) -> None:
    """Raises NotReady."""
    role = settings["RoleArn"]
    try:
        principal = await principal_of(node, ref, role)
    except ServiceError as error:
        raise NotReady(f"Provided role '{role}' cannot be assumed by principal 'pipes.amazonaws.com'.") from error
    source = arns.parse(settings["Source"])
    if source.service == "sqs":
        _check_batching(source, sources.parameters(settings))
        await _check_queue(node, ref, principal, source)
    else:
        await _check_stream(node, principal, source)
    letters = sources.parameters(settings).get("DeadLetterConfig", {}).get("Arn")
    if letters:
        await _check_letters(node, ref, principal, arns.parse(letters))


def _check_batching(queue: Arn, given: Mapping[str, Any]) -> None:
    size, window_s = given["BatchSize"], given.get("MaximumBatchingWindowInSeconds", 0)
    if queue.resource.endswith(".fifo") and window_s:
        raise NotReady("Batching window is not supported for FIFO queues")
    if queue.resource.endswith(".fifo") and size > MAX_BATCH_AT_ONCE:
        raise NotReady(f"Maximum batch size must be between 1 and {MAX_BATCH_AT_ONCE} inclusive")
    if size > MAX_BATCH_AT_ONCE and not window_s:
        raise NotReady(f"Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than {MAX_BATCH_AT_ONCE}")


async def _check_queue(node: Node, ref: PipeRef, principal: Principal, queue: Arn) -> None:
    url = {"QueueUrl": queue_url(node, queue)}
    for operation, params in _QUEUE_CALLS.items():
        try:
            allowed = await may(node, principal, "sqs", operation, url | params, region=queue.region, account=queue.account)
        except ServiceError as error:
            raise NotReady(f"Error occurred while {operation}. SQS Error Code: {error.code}. SQS Error Message: {error.message}") from error
        if not allowed:
            raise NotReady(f"The provided customer role does not have permissions to call {operation} on SQS")
    try:
        asked = {**url, "AttributeNames": ["VisibilityTimeout"]}
        await node.dispatcher.invoke("sqs", "GetQueueAttributes", asked, principal=principal, region=queue.region, account=queue.account)
    except ServiceError as error:
        raise NotReady(f"Error occurred while ReceiveMessage. SQS Error Code: {error.code}. SQS Error Message: {error.message}") from error


async def _check_stream(node: Node, principal: Principal, stream: Arn) -> None:
    is_table = stream.service == "dynamodb"
    service, member = ("dynamodbstreams", "StreamArn") if is_table else ("kinesis", "StreamARN")
    name = str(stream).partition("/consumer/")[0]
    try:
        await node.dispatcher.invoke(service, "DescribeStream", {member: name}, principal=principal, region=stream.region, account=stream.account)
    except ServiceError as error:
        if error.code == "ResourceNotFoundException":
            raise NotReady(f"Stream not found: {stream}") from error
        if error.status == 501:
            raise NotReady(error.message) from error
        actions = "GetRecords, GetShardIterator, DescribeStream, " + ("and ListStreams" if is_table else "ListShards, and ListStreams")
        raise NotReady(f"Cannot access stream {stream}. Please ensure the role can perform the {actions} Actions on your stream in IAM.") from error


async def _check_letters(node: Node, ref: PipeRef, principal: Principal, target: Arn) -> None:
    params: dict[str, Any]
    seen: tuple[str, dict[str, Any]]  # a call that finds out whether it is there
    if target.service == "sqs":
        operation, params, what = "SendMessage", {"QueueUrl": queue_url(node, target), "MessageBody": "-"}, "SQS queue"
        seen = ("GetQueueUrl", {"QueueName": target.resource})
    else:
        operation, params, what = "Publish", {"TopicArn": str(target), "Message": "-"}, "SNS topic"
        seen = ("GetTopicAttributes", {"TopicArn": str(target)})
    try:
        await node.dispatcher.invoke(target.service, *seen, principal=platform(target.account), region=target.region)
        allowed = await may(node, principal, target.service, operation, params, region=target.region, account=target.account)
    except ServiceError:
        allowed = False
    if not allowed:
        raise NotReady(f"Error occurred while sending message to {what}: {target}")
