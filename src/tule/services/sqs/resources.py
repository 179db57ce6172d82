"""SQS's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::SQS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.sqs import queue_changes, queue_url
from tule.services.sqs.attributes import defaults

_GONE = "AWS.SimpleQueueService.NonExistentQueue"
_ATTRIBUTES = (
    "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit", "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy",
    "SqsManagedSseEnabled", "VisibilityTimeout",
)  # fmt: skip


class QueueType:
    """Ref and QueueUrl are the queue's URL; GetAtt gives Arn and QueueName too."""

    name = "AWS::SQS::Queue"
    replace_on = frozenset({"QueueName", "FifoQueue"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _exists(stack, properties["QueueName"])

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("QueueName") or _generated_name(stack, properties)
        if await _exists(stack, name):  # creating it again would succeed
            raise ServiceError("AlreadyExists", f"{name} already exists", 409)
        params: dict[str, Any] = {"QueueName": name, "Attributes": _attributes(properties)}
        tags = _tags(stack, properties)
        if tags:
            params["tags"] = tags
        made = await stack.call("sqs", "CreateQueue", params)
        return _resource(stack, made["QueueUrl"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        changed = _changes(_attributes(old), _attributes(new))
        if changed:
            await stack.call("sqs", "SetQueueAttributes", {"QueueUrl": physical_id, "Attributes": changed})
        await _retag(stack, physical_id, _tags(stack, new))
        return _resource(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        """Frees the name, too: on AWS a stack's deletion of a queue lasts as long as its name is taken."""
        try:
            await stack.call("sqs", "DeleteQueue", {"QueueUrl": physical_id})
        except ServiceError as error:
            if error.code != _GONE:
                raise
        key = queue_url.parse(physical_id, stack.account, stack.region)
        await stack.node.store.write(lambda tx: queue_changes.forget_deletion(tx, key))

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        await stack.call("sqs", "GetQueueAttributes", {"QueueUrl": physical_id, "AttributeNames": ["QueueArn"]})
        return _resource(stack, physical_id)


def _resource(stack: StackContext, url: str) -> Resource:
    key = queue_url.parse(url, stack.account, stack.region)
    return Resource(url, {"Arn": key.arn, "QueueName": key.name, "QueueUrl": url})


def _generated_name(stack: StackContext, properties: Properties) -> str:
    suffix = ".fifo" if properties.get("FifoQueue") else ""
    return stack.generated_name(80 - len(suffix)) + suffix


async def _exists(stack: StackContext, name: str) -> bool:
    try:
        await stack.call("sqs", "GetQueueUrl", {"QueueName": name})
    except ServiceError as error:
        if error.code != _GONE:
            raise
        return False
    return True


def _attributes(properties: Properties) -> dict[str, str]:
    """What the template says, as the API takes it.  That a queue is no FIFO queue is said by saying nothing."""
    is_fifo = bool(properties.get("FifoQueue"))
    given = {name: properties[name] for name in _ATTRIBUTES if properties.get(name) is not None}
    if not is_fifo:
        given = {name: value for name, value in given.items() if not (name in ("FifoQueue", "ContentBasedDeduplication") and value is False)}
    return {name: _text(value) for name, value in given.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """What is said no more goes back to its default."""
    usual = defaults(is_fifo="FifoQueue" in new)
    changed = {name: value for name, value in new.items() if old.get(name) != value}
    return changed | {name: usual.get(name, "") for name in old if name not in new}


def _tags(stack: StackContext, properties: Properties) -> dict[str, str]:
    return {**stack.tags, **to_map(properties.get("Tags"))}


async def _retag(stack: StackContext, url: str, wanted: Mapping[str, str]) -> None:
    current: Mapping[str, str] = (await stack.call("sqs", "ListQueueTags", {"QueueUrl": url})).get("Tags", {})
    removed = [key for key in current if key not in wanted]
    if removed:
        await stack.call("sqs", "UntagQueue", {"QueueUrl": url, "TagKeys": removed})
    if any(current.get(key) != value for key, value in wanted.items()):
        await stack.call("sqs", "TagQueue", {"QueueUrl": url, "Tags": dict(wanted)})


class QueuePolicyType:
    """Ref and Id are a generated name.  One policy for several queues, which it replaces whole."""

    name = "AWS::SQS::QueuePolicy"
    replace_on: frozenset[str] = frozenset()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        id = stack.generated_name(128)
        for url in properties["Queues"]:
            await _set_policy(stack, url, _text(properties["PolicyDocument"]))
        return Resource(id, {"Id": id})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        for url in new["Queues"]:
            await _set_policy(stack, url, _text(new["PolicyDocument"]))
        for url in old["Queues"]:
            if url not in new["Queues"]:
                await _clear_policy(stack, url)
        return Resource(physical_id, {"Id": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        for url in properties["Queues"]:
            await _clear_policy(stack, url)


class QueueInlinePolicyType:
    """Ref is the queue's URL."""

    name = "AWS::SQS::QueueInlinePolicy"
    replace_on = frozenset({"Queue"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        params = {"QueueUrl": properties["Queue"], "AttributeNames": ["Policy"]}
        try:
            return bool(await stack.call("sqs", "GetQueueAttributes", params))
        except ServiceError as error:
            if error.code != _GONE:
                raise
            return False

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        await _set_policy(stack, properties["Queue"], _text(properties["PolicyDocument"]))
        return Resource(properties["Queue"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await _set_policy(stack, physical_id, _text(new["PolicyDocument"]))
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _clear_policy(stack, physical_id)


async def _set_policy(stack: StackContext, url: str, policy: str) -> None:
    await stack.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": policy}})


async def _clear_policy(stack: StackContext, url: str) -> None:
    try:
        await _set_policy(stack, url, "")
    except ServiceError as error:
        if error.code != _GONE:
            raise


RESOURCE_TYPES: tuple[ResourceType, ...] = (QueueType(), QueuePolicyType(), QueueInlinePolicyType())
