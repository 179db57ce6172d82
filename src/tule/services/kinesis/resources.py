"""Kinesis's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::Kinesis."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.kinesis import names
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state import streams

_DEFAULT_HOURS = 24
_AS_THEY_ARE = ("MaxRecordSizeInKiB", "WarmThroughputMiBps", "RecordDistributionStrategy")


class StreamType:
    """Ref is the stream's name; GetAtt gives Arn."""

    name = "AWS::Kinesis::Stream"
    replace_on = frozenset({"Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        try:
            await stack.call("kinesis", "DescribeStreamSummary", {"StreamName": properties["Name"]})
        except ServiceError as error:
            return _is_there(error)
        return True

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(128)
        params: dict[str, Any] = {"StreamName": name, "StreamModeDetails": {"StreamMode": _mode(properties)}}
        if _mode(properties) == "PROVISIONED":
            params["ShardCount"] = properties.get("ShardCount", 1)
        params |= {key: properties[key] for key in _AS_THEY_ARE if key in properties}
        tags = _tags(stack, properties)
        if tags:
            params["Tags"] = tags
        await stack.call("kinesis", "CreateStream", params)
        await _retain(stack, name, _DEFAULT_HOURS, properties.get("RetentionPeriodHours", _DEFAULT_HOURS))
        await _encrypt(stack, name, None, properties.get("StreamEncryption"))
        await _monitor(stack, name, [], _metrics(properties))
        return _stream(stack, name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        named = {"StreamName": physical_id}
        arn = _stream(stack, physical_id).attributes["Arn"]
        if _mode(old) != _mode(new):
            await stack.call("kinesis", "UpdateStreamMode", {"StreamARN": arn, "StreamModeDetails": {"StreamMode": _mode(new)}})
        if _mode(new) == "PROVISIONED" and old.get("ShardCount", 1) != new.get("ShardCount", 1):
            await _scale(stack, physical_id, new.get("ShardCount", 1))
        await _retain(stack, physical_id, old.get("RetentionPeriodHours", _DEFAULT_HOURS), new.get("RetentionPeriodHours", _DEFAULT_HOURS))
        await _encrypt(stack, physical_id, old.get("StreamEncryption"), new.get("StreamEncryption"))
        await _monitor(stack, physical_id, _metrics(old), _metrics(new))
        if old.get("MaxRecordSizeInKiB", 1024) != new.get("MaxRecordSizeInKiB", 1024):
            await stack.call("kinesis", "UpdateMaxRecordSize", {"StreamARN": arn, "MaxRecordSizeInKiB": new.get("MaxRecordSizeInKiB", 1024)})
        if old.get("RecordDistributionStrategy", streams.BY_KEY) != new.get("RecordDistributionStrategy", streams.BY_KEY):
            strategy = new.get("RecordDistributionStrategy", streams.BY_KEY)
            await stack.call("kinesis", "UpdateStreamRecordDistributionStrategy", {"StreamARN": arn, "RecordDistributionStrategy": strategy})
        if old.get("WarmThroughputMiBps") != new.get("WarmThroughputMiBps"):
            await stack.call("kinesis", "UpdateStreamWarmThroughput", {**named, "WarmThroughputMiBps": new.get("WarmThroughputMiBps", 0)})
        await _retag(stack, arn, _tags(stack, new))
        return _stream(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteStream", {"StreamName": physical_id, "EnforceConsumerDeletion": True})


def _stream(stack: StackContext, name: str) -> Resource:
    return Resource(name, {"Arn": StreamRef(stack.account, stack.region, name).arn})


def _mode(properties: Properties) -> str:
    """Who says neither how many shards nor which mode gets a stream that AWS scales."""
    given = properties.get("StreamModeDetails")
    if given:
        return given["StreamMode"]
    return "PROVISIONED" if "ShardCount" in properties else "ON_DEMAND"


def _metrics(properties: Properties) -> list[str]:
    return list(properties.get("DesiredShardLevelMetrics") or ())


def _tags(stack: StackContext, properties: Properties) -> dict[str, str]:
    return {**stack.tags, **to_map(properties.get("Tags"))}


async def _scale(stack: StackContext, name: str, target: int) -> None:
    """By steps of at most twice or half, as the API allows."""
    while True:
        summary = await stack.call("kinesis", "DescribeStreamSummary", {"StreamName": name})
        current = summary["StreamDescriptionSummary"]["OpenShardCount"]
        step = min(target, 2 * current) if target > current else max(target, (current + 1) // 2)
        if step == current:
            return
        await stack.call("kinesis", "UpdateShardCount", {"StreamName": name, "TargetShardCount": step, "ScalingType": "UNIFORM_SCALING"})


async def _retain(stack: StackContext, name: str, old: int, new: int) -> None:
    if new != old:
        operation = "IncreaseStreamRetentionPeriod" if new > old else "DecreaseStreamRetentionPeriod"
        await stack.call("kinesis", operation, {"StreamName": name, "RetentionPeriodHours": new})


async def _encrypt(stack: StackContext, name: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
    if old == new:
        return
    if new is not None:
        await stack.call("kinesis", "StartStreamEncryption", {"StreamName": name, **new})
    elif old is not None:
        await stack.call("kinesis", "StopStreamEncryption", {"StreamName": name, **old})


async def _monitor(stack: StackContext, name: str, old: list[str], new: list[str]) -> None:
    off, on = [metric for metric in old if metric not in new], [metric for metric in new if metric not in old]
    if off:
        await stack.call("kinesis", "DisableEnhancedMonitoring", {"StreamName": name, "ShardLevelMetrics": off})
    if on:
        await stack.call("kinesis", "EnableEnhancedMonitoring", {"StreamName": name, "ShardLevelMetrics": on})


async def _retag(stack: StackContext, arn: str, wanted: dict[str, str]) -> None:
    before = to_map((await stack.call("kinesis", "ListTagsForResource", {"ResourceARN": arn}))["Tags"])
    gone = [key for key in before if key not in wanted]
    if gone:
        await stack.call("kinesis", "UntagResource", {"ResourceARN": arn, "TagKeys": gone})
    if wanted and wanted != before:
        await stack.call("kinesis", "TagResource", {"ResourceARN": arn, "Tags": wanted})


class StreamConsumerType:
    """Ref is the consumer's ARN."""

    name = "AWS::Kinesis::StreamConsumer"
    replace_on = frozenset({"ConsumerName", "StreamARN", "Tags"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        asked = {"StreamARN": properties["StreamARN"], "ConsumerName": properties["ConsumerName"]}
        try:
            await stack.call("kinesis", "DescribeStreamConsumer", asked)
        except ServiceError as error:
            return _is_there(error)
        return True

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params: dict[str, Any] = {"StreamARN": properties["StreamARN"], "ConsumerName": properties["ConsumerName"]}
        tags = _tags(stack, properties)
        if tags:
            params["Tags"] = tags
        consumer = (await stack.call("kinesis", "RegisterStreamConsumer", params))["Consumer"]
        return _consumer(consumer["ConsumerARN"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await _retag(stack, physical_id, _tags(stack, new))
        return _consumer(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeregisterStreamConsumer", {"ConsumerARN": physical_id})


def _consumer(arn: str) -> Resource:
    ref = names.of_consumer_arn(arn)
    attributes = {
        "ConsumerARN": arn,
        "ConsumerName": ref.name,
        "ConsumerStatus": "ACTIVE",
        "ConsumerCreationTimestamp": str(ref.created_s),
        "StreamARN": ref.stream.arn,
    }
    return Resource(arn, attributes)


class ResourcePolicyType:
    """Ref is the ARN of the stream or consumer."""

    name = "AWS::Kinesis::ResourcePolicy"
    replace_on = frozenset({"ResourceArn"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        policy = orjson.dumps(properties["ResourcePolicy"]).decode()
        await stack.call("kinesis", "PutResourcePolicy", {"ResourceARN": properties["ResourceArn"], "Policy": policy})
        return Resource(properties["ResourceArn"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return await self.create(stack, new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteResourcePolicy", {"ResourceARN": physical_id})


def _is_there(error: ServiceError) -> bool:
    """False when the error says that it is not; any other error is raised."""
    if error.code == "ResourceNotFoundException":
        return False
    raise error


async def _gone(stack: StackContext, operation: str, params: dict[str, Any]) -> None:
    """Delete what may be gone already."""
    try:
        await stack.call("kinesis", operation, params)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise


RESOURCE_TYPES: tuple[ResourceType, ...] = (StreamType(), StreamConsumerType(), ResourcePolicyType())
