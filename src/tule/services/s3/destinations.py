"""Trying the destinations of notifications, as S3 does when they are configured: functions by a dry run, queues and topics by a test event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.access import principal
from tule.core import arn
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.s3 import errors, names, notification_rules
from tule.services.s3.state.buckets import Bucket

_KINDS = {"sqs": "queue", "sns": "topic", "lambda": "Lambda function"}
_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError")


async def try_all(call: Call, bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Raises InvalidArgument that names every destination which S3 may not, or cannot, reach."""
    problems: list[tuple[str, str]] = []
    for service, target in notification_rules.destinations_of(configuration):
        problem = await _try(call, bucket, service, target)
        if problem is not None:
            problems.append((target, problem))
    if problems:
        raise errors.invalid_destinations(problems)


async def _try(call: Call, bucket: Bucket, service: str, target: str) -> str | None:
    """What is wrong with this destination, in S3's words."""
    destination = arn.parse(target)
    if destination.region != bucket.region:
        return "The notification destination service region is not valid for the bucket location constraint"
    try:
        match service:
            case "lambda":
                await _invoke(call, bucket, destination, "Invoke", {"FunctionName": target, "InvocationType": "DryRun"})
            case "sqs":
                url = f"{call.endpoint}/{destination.account}/{destination.resource}"
                await _invoke(call, bucket, destination, "SendMessage", {"QueueUrl": url, "MessageBody": _test_event(call, bucket)})
            case _:
                message = {"TopicArn": target, "Subject": "Amazon S3 Notification", "Message": _test_event(call, bucket)}
                await _invoke(call, bucket, destination, "Publish", message)
    except ServiceError as error:
        if error.code in _DENIED and await _is_absent(call, service, destination):
            return f"The destination {_KINDS[service]} does not exist"
        return _problem(service, target, error)
    return None


async def _is_absent(call: Call, service: str, destination: arn.Arn) -> bool:
    """Whether who configures the bucket can see that a queue or topic is not there: S3 itself is not let near to it."""
    asked = {
        "sqs": ("GetQueueAttributes", {"QueueUrl": f"{call.endpoint}/{destination.account}/{destination.resource}"}),
        "sns": ("GetTopicAttributes", {"TopicArn": str(destination)}),
    }
    if service not in asked:
        return False
    operation, params = asked[service]
    try:
        await call.node.dispatcher.invoke(
            service, operation, params, principal=call.principal, region=destination.region, account=destination.account, endpoint=call.endpoint
        )
    except ServiceError as error:
        return error.status < 500 and error.code not in _DENIED
    return False


async def _invoke(call: Call, bucket: Bucket, destination: arn.Arn, operation: str, params: dict[str, Any]) -> None:
    await call.node.dispatcher.invoke(
        destination.service,
        operation,
        params,
        principal=principal.aws_service("s3.amazonaws.com", bucket.account, bucket.arn),
        region=destination.region,
        account=destination.account,
        endpoint=call.endpoint,
        trace=call.trace,
    )


def _problem(service: str, target: str, error: ServiceError) -> str:
    """Raises the error itself when it is not about this destination."""
    kind = _KINDS[service]
    if error.status >= 500:
        raise error
    if service == "lambda":
        return f"Not authorized to invoke function [{target}]"
    if error.code in _DENIED:
        return f"Permissions on the destination {kind} do not allow S3 to publish notifications from this bucket"
    return f"The destination {kind} does not exist"


def _test_event(call: Call, bucket: Bucket) -> str:
    event = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso8601(call.now_ms),
        "Bucket": bucket.name,
        "RequestId": call.id,
        "HostId": names.host_id(call.id),
    }
    return orjson.dumps(event).decode()
