"""SNS's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::SNS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.sns import names

_GONE = ("NotFound", "ResourceNotFound")
_TOPIC_ATTRIBUTES = (
    "ArchivePolicy",
    "ContentBasedDeduplication",
    "DisplayName",
    "FifoThroughputScope",
    "FifoTopic",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "SignatureVersion",
    "TracingConfig",
)
_TOPIC_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "FifoThroughputScope": "Topic",
    "MaximumMessageSize": "262144",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
}
_FEEDBACK = ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")
_FEEDBACK_NAMES = {"http/s": "HTTP", "sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose", "application": "Application"}
_SUBSCRIPTION_ATTRIBUTES = (
    "FilterPolicyScope",  # the policy is read in its scope
    "FilterPolicy",
    "DeliveryPolicy",
    "RawMessageDelivery",
    "RedrivePolicy",
    "ReplayPolicy",
    "SubscriptionRoleArn",
)
_SUBSCRIPTION_DEFAULTS = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}


class TopicType:
    """Ref is the topic's ARN; GetAtt gives TopicArn and TopicName."""

    name = "AWS::SNS::Topic"
    replace_on = frozenset({"TopicName", "FifoTopic"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _topic_exists(stack, names.topic_arn(stack.region, stack.account, properties["TopicName"]))

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("TopicName") or _generated_name(stack, properties)
        if await _topic_exists(stack, names.topic_arn(stack.region, stack.account, name)):  # creating it again would succeed
            raise ServiceError("AlreadyExists", f"{name} already exists", 409)
        params: dict[str, Any] = {"Name": name, "Attributes": _topic_attributes(properties)}
        tags = {**stack.tags, **to_map(properties.get("Tags"))}
        if tags:
            params["Tags"] = to_list(tags)
        if properties.get("DataProtectionPolicy"):
            params["DataProtectionPolicy"] = _text(properties["DataProtectionPolicy"])
        arn = (await stack.call("sns", "CreateTopic", params))["TopicArn"]
        for inline in properties.get("Subscription") or ():
            await _subscribe_inline(stack, arn, inline)
        return _topic(arn)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await _set_changed(stack, physical_id, _topic_attributes(old), _topic_attributes(new))
        if old.get("DataProtectionPolicy") != new.get("DataProtectionPolicy"):
            policy = _text(new["DataProtectionPolicy"]) if new.get("DataProtectionPolicy") else ""
            await stack.call("sns", "PutDataProtectionPolicy", {"ResourceArn": physical_id, "DataProtectionPolicy": policy})
        await _retag(stack, physical_id, {**stack.tags, **to_map(new.get("Tags"))})
        await _resubscribe(stack, physical_id, old.get("Subscription") or [], new.get("Subscription") or [])
        return _topic(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        """Deleting what is not there succeeds anyhow.  A creation that was cut left a name, not yet an ARN."""
        arn = physical_id if arns.is_arn(physical_id) else names.topic_arn(stack.region, stack.account, physical_id)
        await stack.call("sns", "DeleteTopic", {"TopicArn": arn})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        await stack.call("sns", "GetTopicAttributes", {"TopicArn": physical_id})
        return _topic(physical_id)


def _topic(arn: str) -> Resource:
    return Resource(arn, {"TopicArn": arn, "TopicName": arns.parse(arn).resource})


def _generated_name(stack: StackContext, properties: Properties) -> str:
    suffix = names.FIFO if properties.get("FifoTopic") else ""
    return stack.generated_name(names.MAX_NAME_CHARS - len(suffix)) + suffix


async def _topic_exists(stack: StackContext, arn: str) -> bool:
    try:
        await stack.call("sns", "GetTopicAttributes", {"TopicArn": arn})
    except ServiceError as error:
        if error.code not in _GONE:
            raise
        return False
    return True


def _topic_attributes(properties: Properties) -> dict[str, str]:
    """What the template says, as the API takes it.  That a topic is no FIFO topic is said by saying nothing."""
    given = {name: _text(properties[name]) for name in _TOPIC_ATTRIBUTES if properties.get(name) is not None}
    if not properties.get("FifoTopic"):
        given = {name: value for name, value in given.items() if value != "false"}
    for logging in properties.get("DeliveryStatusLogging") or ():
        protocol = _FEEDBACK_NAMES[logging["Protocol"].lower()]
        given |= {f"{protocol}{name}": _text(logging[name]) for name in _FEEDBACK if name in logging}
    return given


async def _set_changed(stack: StackContext, arn: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """What is said no more goes back to its default."""
    for name in {**old, **new}:
        value = new.get(name, _TOPIC_DEFAULTS.get(name, "0" if name.endswith("SampleRate") else ""))
        if old.get(name) != value:
            await stack.call("sns", "SetTopicAttributes", {"TopicArn": arn, "AttributeName": name, "AttributeValue": value})


async def _retag(stack: StackContext, arn: str, wanted: Mapping[str, str]) -> None:
    current = to_map((await stack.call("sns", "ListTagsForResource", {"ResourceArn": arn}))["Tags"])
    removed = [key for key in current if key not in wanted]
    if removed:
        await stack.call("sns", "UntagResource", {"ResourceArn": arn, "TagKeys": removed})
    if any(current.get(key) != value for key, value in wanted.items()):
        await stack.call("sns", "TagResource", {"ResourceArn": arn, "Tags": to_list(wanted)})


async def _subscribe_inline(stack: StackContext, arn: str, inline: Mapping[str, str]) -> None:
    await stack.call("sns", "Subscribe", {"TopicArn": arn, "Protocol": inline["Protocol"], "Endpoint": inline["Endpoint"]})


async def _resubscribe(stack: StackContext, arn: str, old: list[dict[str, str]], new: list[dict[str, str]]) -> None:
    for inline in old:
        if inline not in new and (found := await _find(stack, arn, inline["Protocol"], inline["Endpoint"], stack.region)):
            await stack.call("sns", "Unsubscribe", {"SubscriptionArn": found})
    for inline in new:
        if inline not in old:
            await _subscribe_inline(stack, arn, inline)


async def _find(stack: StackContext, topic: str, protocol: str, endpoint: str, region: str) -> str | None:
    """The ARN of a confirmed subscription; None when there is none."""
    token: dict[str, str] = {}
    while True:
        try:
            answer = await _call(stack, "ListSubscriptionsByTopic", {"TopicArn": topic, **token}, region)
        except ServiceError as error:
            if error.code not in _GONE:
                raise
            return None
        for entry in answer["Subscriptions"]:
            if (entry["Protocol"], entry["Endpoint"]) == (protocol, endpoint) and arns.is_arn(entry["SubscriptionArn"]):
                return entry["SubscriptionArn"]
        if not answer.get("NextToken"):
            return None
        token = {"NextToken": answer["NextToken"]}


class SubscriptionType:
    """Ref is the subscription's ARN, pending or not.  `Region` is the topic's, where it is not the stack's."""

    name = "AWS::SNS::Subscription"
    replace_on = frozenset({"Endpoint", "Protocol", "TopicArn"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        topic, protocol, endpoint = properties["TopicArn"], properties["Protocol"], properties.get("Endpoint", "")
        return await _find(stack, topic, protocol, endpoint, _region(stack, properties)) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params: dict[str, Any] = {
            "TopicArn": properties["TopicArn"],
            "Protocol": properties["Protocol"],
            "Endpoint": properties.get("Endpoint", ""),
            "Attributes": _subscription_attributes(properties),
            "ReturnSubscriptionArn": True,
        }
        arn = (await _call(stack, "Subscribe", params, _region(stack, properties)))["SubscriptionArn"]
        return Resource(arn, {"Arn": arn})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        before, after = _subscription_attributes(old), _subscription_attributes(new)
        for name in _SUBSCRIPTION_ATTRIBUTES:
            value = after.get(name, _SUBSCRIPTION_DEFAULTS.get(name, ""))
            if name in {**before, **after} and before.get(name) != value:
                params = {"SubscriptionArn": physical_id, "AttributeName": name, "AttributeValue": value}
                await _call(stack, "SetSubscriptionAttributes", params, _region(stack, new))
        return Resource(physical_id, {"Arn": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        region = _region(stack, properties)
        arn: str | None = physical_id
        if not arns.is_arn(physical_id):  # the creation was cut before the ARN was known
            arn = await _find(stack, properties["TopicArn"], properties["Protocol"], properties.get("Endpoint", ""), region)
        if arn is not None:
            await _call(stack, "Unsubscribe", {"SubscriptionArn": arn}, region)


def _region(stack: StackContext, properties: Properties) -> str:
    return properties.get("Region") or stack.region


async def _call(stack: StackContext, operation: str, params: Mapping[str, Any], region: str) -> dict[str, Any]:
    return await stack.node.dispatcher.invoke("sns", operation, params, principal=stack.principal, region=region, endpoint=stack.endpoint)


def _subscription_attributes(properties: Properties) -> dict[str, str]:
    return {name: _text(properties[name]) for name in _SUBSCRIPTION_ATTRIBUTES if properties.get(name) is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


class TopicPolicyType:
    """Ref and Id are a generated name.  One policy for several topics, which it replaces whole."""

    name = "AWS::SNS::TopicPolicy"
    replace_on: frozenset[str] = frozenset()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        id = stack.generated_name(128)
        for topic in properties["Topics"]:
            await _set_policy(stack, topic, _text(properties["PolicyDocument"]))
        return Resource(id, {"Id": id})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        for topic in new["Topics"]:
            await _set_policy(stack, topic, _text(new["PolicyDocument"]))
        for topic in old["Topics"]:
            if topic not in new["Topics"]:
                await _clear_policy(stack, topic)
        return Resource(physical_id, {"Id": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        for topic in properties["Topics"]:
            await _clear_policy(stack, topic)


class TopicInlinePolicyType:
    """Ref is the topic's ARN."""

    name = "AWS::SNS::TopicInlinePolicy"
    replace_on = frozenset({"TopicArn"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        """Whether the topic has a policy that somebody gave it."""
        try:
            answer = await stack.call("sns", "GetTopicAttributes", {"TopicArn": properties["TopicArn"]})
        except ServiceError as error:
            if error.code not in _GONE:
                raise
            return False
        return orjson.loads(answer["Attributes"]["Policy"]).get("Id") != "__default_policy_ID"

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        await _set_policy(stack, properties["TopicArn"], _text(properties["PolicyDocument"]))
        return Resource(properties["TopicArn"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await _set_policy(stack, physical_id, _text(new["PolicyDocument"]))
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _clear_policy(stack, properties["TopicArn"])


async def _set_policy(stack: StackContext, topic: str, policy: str) -> None:
    await stack.call("sns", "SetTopicAttributes", {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": policy})


async def _clear_policy(stack: StackContext, topic: str) -> None:
    """Back to the policy that a topic is born with."""
    try:
        await _set_policy(stack, topic, "")
    except ServiceError as error:
        if error.code not in _GONE:
            raise


RESOURCE_TYPES: tuple[ResourceType, ...] = (TopicType(), SubscriptionType(), TopicPolicyType(), TopicInlinePolicyType())
