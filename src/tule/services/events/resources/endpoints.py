"""AWS::Events::Endpoint."""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.events.resources.calls import chosen, found, gone

_KEPT = ("Description", "EventBuses", "ReplicationConfig", "RoleArn", "RoutingConfig")
_ATTRIBUTES = ("Arn", "EndpointId", "EndpointUrl", "State")


class EndpointType:
    """Ref is the endpoint's name; GetAtt gives Arn, EndpointId, EndpointUrl and State."""

    name = "AWS::Events::Endpoint"
    replace_on = frozenset({"Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await found(stack, "DescribeEndpoint", {"Name": properties["Name"]}) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(64)
        await stack.call("events", "CreateEndpoint", {"Name": name, **chosen(properties, _KEPT)})
        return await self.read_attributes(stack, name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await stack.call("events", "UpdateEndpoint", {"Name": physical_id, **chosen(new, _KEPT)})
        return await self.read_attributes(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteEndpoint", {"Name": physical_id})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        endpoint = await stack.call("events", "DescribeEndpoint", {"Name": physical_id})
        return Resource(physical_id, {member: endpoint[member] for member in _ATTRIBUTES})
