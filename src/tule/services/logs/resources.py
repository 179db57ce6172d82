"""CloudWatch Logs' CloudFormation resource types.  AWS: CloudFormation template reference, AWS::Logs."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError, not_implemented
from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.logs import errors
from tule.services.logs.groups import group_arn

_UNBUILT = ("BearerTokenAuthenticationEnabled", "DataProtectionPolicy", "FieldIndexPolicies", "ResourcePolicyDocument")


def _refuse_unbuilt(properties: Properties) -> None:
    """A property that would be without effect is refused, not forgotten."""
    for name in _UNBUILT:
        if properties.get(name):
            raise not_implemented("AWS::Logs::LogGroup", name)


class LogGroupType:
    """Ref is the group's name; GetAtt gives Arn, which ends in `:*`."""

    name = "AWS::Logs::LogGroup"
    replace_on = frozenset({"LogGroupName"})

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for what would be without effect."""
        _refuse_unbuilt(properties)

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        name = properties["LogGroupName"]
        # the name itself sorts before every longer name that begins with it
        groups = (await stack.call("logs", "DescribeLogGroups", {"logGroupNamePrefix": name, "limit": 1}))["logGroups"]
        return any(group["logGroupName"] == name for group in groups)

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        _refuse_unbuilt(properties)
        name = properties.get("LogGroupName") or stack.generated_name(512)
        params: dict[str, Any] = {"logGroupName": name}
        for key, member in (("KmsKeyId", "kmsKeyId"), ("LogGroupClass", "logGroupClass"), ("DeletionProtectionEnabled", "deletionProtectionEnabled")):
            if key in properties:
                params[member] = properties[key]
        tags = {**stack.tags, **to_map(properties.get("Tags"))}
        if tags:
            params["tags"] = tags
        await stack.call("logs", "CreateLogGroup", params)
        if "RetentionInDays" in properties:
            await _retain(stack, name, properties["RetentionInDays"])
        return _group(stack, name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        _refuse_unbuilt(new)
        if old.get("LogGroupClass", "STANDARD") != new.get("LogGroupClass", "STANDARD"):
            raise errors.invalid_parameter("The class of a log group cannot be changed after the group was created.")
        if old.get("RetentionInDays") != new.get("RetentionInDays"):
            await _retain(stack, physical_id, new.get("RetentionInDays"))
        if old.get("KmsKeyId") != new.get("KmsKeyId"):
            await _use_key(stack, physical_id, new.get("KmsKeyId"))
        if old.get("DeletionProtectionEnabled") != new.get("DeletionProtectionEnabled"):
            protection = {"logGroupIdentifier": physical_id, "deletionProtectionEnabled": new.get("DeletionProtectionEnabled", False)}
            await stack.call("logs", "PutLogGroupDeletionProtection", protection)
        await _retag(stack, physical_id, {**stack.tags, **to_map(new.get("Tags"))})
        return _group(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteLogGroup", {"logGroupName": physical_id})


def _group(stack: StackContext, name: str) -> Resource:
    return Resource(name, {"Arn": f"{group_arn(stack.account, stack.region, name)}:*"})


async def _retain(stack: StackContext, name: str, days: int | None) -> None:
    if days is None:
        await stack.call("logs", "DeleteRetentionPolicy", {"logGroupName": name})
    else:
        await stack.call("logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": days})


async def _use_key(stack: StackContext, name: str, key: str | None) -> None:
    if key is None:
        await stack.call("logs", "DisassociateKmsKey", {"logGroupName": name})
    else:
        await stack.call("logs", "AssociateKmsKey", {"logGroupName": name, "kmsKeyId": key})


async def _retag(stack: StackContext, name: str, wanted: dict[str, str]) -> None:
    arn = group_arn(stack.account, stack.region, name)
    before = (await stack.call("logs", "ListTagsForResource", {"resourceArn": arn}))["tags"]
    gone = [key for key in before if key not in wanted]
    if gone:
        await stack.call("logs", "UntagResource", {"resourceArn": arn, "tagKeys": gone})
    if wanted and wanted != before:
        await stack.call("logs", "TagResource", {"resourceArn": arn, "tags": wanted})


class LogStreamType:
    """Ref is the stream's name."""

    name = "AWS::Logs::LogStream"
    replace_on = frozenset({"LogGroupName", "LogStreamName"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        name = properties["LogStreamName"]
        params = {"logGroupName": properties["LogGroupName"], "logStreamNamePrefix": name, "limit": 1}
        try:
            streams = (await stack.call("logs", "DescribeLogStreams", params))["logStreams"]
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return False
        return any(stream["logStreamName"] == name for stream in streams)

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("LogStreamName") or stack.generated_name(512)
        await stack.call("logs", "CreateLogStream", {"logGroupName": properties["LogGroupName"], "logStreamName": name})
        return Resource(name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteLogStream", {"logGroupName": properties["LogGroupName"], "logStreamName": physical_id})


class SubscriptionFilterType:
    """Ref is the filter's name."""

    name = "AWS::Logs::SubscriptionFilter"
    replace_on = frozenset({"LogGroupName", "FilterName"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        params = {"logGroupName": properties["LogGroupName"], "filterNamePrefix": properties["FilterName"]}
        try:
            filters = (await stack.call("logs", "DescribeSubscriptionFilters", params))["subscriptionFilters"]
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return False
        return any(each["filterName"] == properties["FilterName"] for each in filters)

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("FilterName") or stack.generated_name(512)
        await stack.call("logs", "PutSubscriptionFilter", _filter(name, properties))
        return Resource(name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await stack.call("logs", "PutSubscriptionFilter", _filter(physical_id, new))
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteSubscriptionFilter", {"logGroupName": properties["LogGroupName"], "filterName": physical_id})


def _filter(name: str, properties: Properties) -> dict[str, Any]:
    members = {key[0].lower() + key[1:]: value for key, value in properties.items() if key not in ("FilterName", "FilterPattern")}
    return members | {"filterName": name, "filterPattern": properties.get("FilterPattern", "")}


class DestinationType:
    """Ref is the destination's name; GetAtt gives Arn."""

    name = "AWS::Logs::Destination"
    replace_on = frozenset({"DestinationName"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        name = properties["DestinationName"]
        found = (await stack.call("logs", "DescribeDestinations", {"DestinationNamePrefix": name}))["destinations"]
        return any(each["destinationName"] == name for each in found)

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties["DestinationName"]
        params = {"destinationName": name, "targetArn": properties["TargetArn"], "roleArn": properties["RoleArn"]}
        made = (await stack.call("logs", "PutDestination", params))["destination"]
        if "DestinationPolicy" in properties:
            await stack.call("logs", "PutDestinationPolicy", {"destinationName": name, "accessPolicy": properties["DestinationPolicy"]})
        return Resource(name, {"Arn": made["arn"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return await self.create(stack, new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteDestination", {"destinationName": physical_id})


class ResourcePolicyType:
    """Ref is the policy's name."""

    name = "AWS::Logs::ResourcePolicy"
    replace_on = frozenset({"PolicyName"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        found = (await stack.call("logs", "DescribeResourcePolicies", {}))["resourcePolicies"]
        return any(each["policyName"] == properties["PolicyName"] for each in found)

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        await stack.call("logs", "PutResourcePolicy", {"policyName": properties["PolicyName"], "policyDocument": properties["PolicyDocument"]})
        return Resource(properties["PolicyName"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return await self.create(stack, new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteResourcePolicy", {"policyName": physical_id})


async def _gone(stack: StackContext, operation: str, params: dict[str, Any]) -> None:
    """Delete what may be gone already."""
    try:
        await stack.call("logs", operation, params)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise


RESOURCE_TYPES: tuple[ResourceType, ...] = (LogGroupType(), LogStreamType(), SubscriptionFilterType(), DestinationType(), ResourcePolicyType())
