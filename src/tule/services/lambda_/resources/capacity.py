"""AWS::Lambda::CapacityProvider.  AWS: CloudFormation template reference."""

from __future__ import annotations

from typing import Any

from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.lambda_.resources.existence import gone, is_there

_CHANGEABLE = ("CapacityProviderScalingConfig", "PropagateTags", "TelemetryConfig")
_FIXED = ("VpcConfig", "InstanceRequirements", "PermissionsConfig", "KmsKeyArn")


class CapacityProviderType:
    """Ref is the provider's name; GetAtt gives Arn and State."""

    name = "AWS::Lambda::CapacityProvider"
    replace_on = frozenset({"CapacityProviderName", *_FIXED})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetCapacityProvider", {"CapacityProviderName": properties["CapacityProviderName"]})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {name: properties[name] for name in (*_CHANGEABLE, *_FIXED) if name in properties}
        params["CapacityProviderName"] = properties.get("CapacityProviderName") or stack.generated_name(140)
        tags = {**stack.tags, **to_map(properties.get("Tags"))}
        made = await stack.call("lambda", "CreateCapacityProvider", params | ({"Tags": tags} if tags else {}))
        return _resource(made["CapacityProvider"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        given = {name: new[name] for name in _CHANGEABLE if name in new}
        made = await stack.call("lambda", "UpdateCapacityProvider", {"CapacityProviderName": physical_id, **given})
        return _resource(made["CapacityProvider"])

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteCapacityProvider", {"CapacityProviderName": physical_id})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        return _resource((await stack.call("lambda", "GetCapacityProvider", {"CapacityProviderName": physical_id}))["CapacityProvider"])


def _resource(made: dict[str, Any]) -> Resource:
    arn: str = made["CapacityProviderArn"]
    return Resource(arn.rpartition(":")[2], {"Arn": arn, "State": "Active"})
