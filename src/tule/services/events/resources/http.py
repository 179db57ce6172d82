"""AWS::Events::Connection and AWS::Events::ApiDestination."""

from __future__ import annotations

from typing import Any

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.events.resources.calls import chosen, found, gone

_CONNECTION = ("AuthorizationType", "AuthParameters", "Description", "InvocationConnectivityParameters", "KmsKeyIdentifier")
_DESTINATION = ("ConnectionArn", "Description", "HttpMethod", "InvocationEndpoint", "InvocationRateLimitPerSecond")


class ConnectionType:
    """Ref is the connection's name; GetAtt gives Arn, ArnForPolicy and SecretArn."""

    name = "AWS::Events::Connection"
    replace_on = frozenset({"Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await found(stack, "DescribeConnection", {"Name": properties["Name"]}) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(64)
        await stack.call("events", "CreateConnection", {"Name": name, **chosen(properties, _CONNECTION)})
        return await self.read_attributes(stack, name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await stack.call("events", "UpdateConnection", {"Name": physical_id, **chosen(new, _CONNECTION)})
        return await self.read_attributes(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteConnection", {"Name": physical_id})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        connection = await stack.call("events", "DescribeConnection", {"Name": physical_id})
        return Resource(physical_id, {**_arns(connection["ConnectionArn"]), "SecretArn": connection["SecretArn"]})


class ApiDestinationType:
    """Ref is the destination's name; GetAtt gives Arn and ArnForPolicy."""

    name = "AWS::Events::ApiDestination"
    replace_on = frozenset({"Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await found(stack, "DescribeApiDestination", {"Name": properties["Name"]}) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(64)
        made = await stack.call("events", "CreateApiDestination", {"Name": name, **chosen(properties, _DESTINATION)})
        return Resource(name, _arns(made["ApiDestinationArn"]))

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        made = await stack.call("events", "UpdateApiDestination", {"Name": physical_id, **chosen(new, _DESTINATION)})
        return Resource(physical_id, _arns(made["ApiDestinationArn"]))

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteApiDestination", {"Name": physical_id})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        destination = await stack.call("events", "DescribeApiDestination", {"Name": physical_id})
        return Resource(physical_id, _arns(destination["ApiDestinationArn"]))


def _arns(arn: str) -> dict[str, Any]:
    """The ARN, and the one for policies, which goes without the last part."""
    return {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0]}
