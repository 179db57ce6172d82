"""Whether a function's role may read the source, and the source is there, when a mapping is made.

The source's own permissions are asked, as they would be for a call of the role, without any call being made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.access.principal import Principal, platform
from tule.core import arn as arns
from tule.core.arn import Arn
from tule.core.errors import ServiceError, not_implemented
from tule.platform.call import Call
from tule.platform.permissions import may
from tule.platform.targets import may_pass, queue_url
from tule.pollers.kinesis_stream import shards_of
from tule.services.lambda_ import errors, execution_role, target_permissions
from tule.services.lambda_.mappings.kinds import Kind
from tule.services.lambda_.names import FunctionRef

_QUEUE_CALLS: dict[str, dict[str, Any]] = {
    "ReceiveMessage": {},
    "DeleteMessage": {"ReceiptHandle": "-"},
    "GetQueueAttributes": {},
}

Params = dict[str, Any]


async def check(call: Call, kind: Kind, shown: Mapping[str, Any], ref: FunctionRef, role: str, timeout_s: int) -> None:
    """Raises InvalidParameterValueException."""
    session = await execution_role.session(call.node, ref, role)
    source = arns.parse(shown["EventSourceArn"])
    if kind.is_stream:
        await _check_stream(call, session.principal, source)
        await _check_destination(call, session.principal, shown)
    else:
        await _check_queue(call, session.principal, source, timeout_s)


async def _check_queue(call: Call, principal: Principal, queue: Arn, timeout_s: int) -> None:
    url = {"QueueUrl": queue_url(call.node, queue)}
    for operation, params in _QUEUE_CALLS.items():
        try:
            allowed = await _may(call, principal, queue, operation, url | params)
        except ServiceError as error:
            said = f"SQS Error Code: {error.code}. SQS Error Message: {error.message}"
            raise errors.invalid_parameter(f"Error occurred while {operation}. {said}") from error
        if not allowed:
            raise errors.invalid_parameter(f"The provided execution role does not have permissions to call {operation} on SQS")
    visibility_s = await _visibility_s(call, principal, queue, url)
    if visibility_s < timeout_s:
        raise errors.invalid_parameter(f"Queue visibility timeout: {visibility_s} seconds is less than Function timeout: {timeout_s} seconds")


async def _visibility_s(call: Call, principal: Principal, queue: Arn, url: Params) -> int:
    asked = {**url, "AttributeNames": ["VisibilityTimeout"]}
    try:
        answer = await call.node.dispatcher.invoke(
            "sqs", "GetQueueAttributes", asked, principal=principal, region=queue.region, account=queue.account
        )
    except ServiceError as error:
        said = f"SQS Error Code: {error.code}. SQS Error Message: {error.message}"
        raise errors.invalid_parameter(f"Error occurred while ReceiveMessage. {said}") from error
    return int(answer["Attributes"]["VisibilityTimeout"])


async def _check_stream(call: Call, principal: Principal, stream: Arn) -> None:
    """Reads as the mapping will: which shards there are, and from the end of one of them."""
    service, member = ("dynamodbstreams", "StreamArn") if stream.service == "dynamodb" else ("kinesis", "StreamARN")
    if service not in call.node.services:
        raise not_implemented("lambda", f"CreateEventSourceMapping for {service}")
    source = {member: str(stream).partition("/consumer/")[0]}

    async def read(operation: str, params: Params) -> Params:
        return await call.node.dispatcher.invoke(service, operation, params, principal=principal, region=stream.region, account=stream.account)

    try:
        if service == "kinesis":
            shards = await shards_of(source[member], read)
        else:
            shards = (await read("DescribeStream", source))["StreamDescription"].get("Shards", [])
        if shards:
            latest = {"ShardId": shards[-1]["ShardId"], "ShardIteratorType": "LATEST"}
            iterator = await read("GetShardIterator", source | latest)
            await read("GetRecords", {"ShardIterator": iterator["ShardIterator"], "Limit": 1})
    except ServiceError as error:
        if error.code == "ResourceNotFoundException":
            raise errors.invalid_parameter(f"Stream not found: {stream}") from error
        if not may_pass(error):  # what passes is that others read it, too
            raise _no_access(stream) from error
    if "/consumer/" in stream.resource:
        await _check_consumer(call, principal, stream)


async def _check_consumer(call: Call, principal: Principal, consumer: Arn) -> None:
    """It is there, and the role may subscribe."""
    named = {"ConsumerARN": str(consumer)}
    try:
        await call.node.dispatcher.invoke("kinesis", "DescribeStreamConsumer", named, principal=platform(consumer.account), region=consumer.region)
    except ServiceError as error:
        raise errors.invalid_parameter(f"Stream not found: {consumer}") from error
    asked = {**named, "ShardId": "shardId-000000000000", "StartingPosition": {"Type": "LATEST"}}
    if not await _may(call, principal, consumer, "SubscribeToShard", asked):
        raise _no_access(consumer)


def _no_access(stream: Arn) -> ServiceError:
    actions = "GetRecords, GetShardIterator, DescribeStream, and ListStreams"
    if stream.service == "kinesis":
        actions = "GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams"
    return errors.invalid_parameter(f"Cannot access stream {stream}. Please ensure the role can perform the {actions} Actions on your stream in IAM.")


async def _check_destination(call: Call, principal: Principal, shown: Mapping[str, Any]) -> None:
    arn = shown["DestinationConfig"].get("OnFailure", {}).get("Destination", "")
    if not arn:
        return
    try:
        operation = await target_permissions.missing(call, principal, arn)
    except ServiceError as error:
        raise errors.invalid_parameter(f"The destination ARN {arn} is invalid.") from error
    if operation:
        service = arns.parse(arn).service.upper()
        raise errors.invalid_parameter(f"The provided execution role does not have permissions to call {operation} on {service}")


async def _may(call: Call, principal: Principal, resource: Arn, operation: str, params: Params) -> bool:
    """Raises what finding out raises: the resource is not there."""
    return await may(call.node, principal, resource.service, operation, params, region=resource.region or call.region, account=resource.account)
