"""AWS::IAM::ServiceLinkedRole.  Ref and GetAtt RoleName are the role's name."""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam.resources.calls import call_unless_gone, copied


class ServiceLinkedRoleType:
    name = "AWS::IAM::ServiceLinkedRole"
    replace_on = frozenset({"AWSServiceName", "CustomSuffix"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = copied(properties, "AWSServiceName", "CustomSuffix", "Description")
        name = (await stack.call("iam", "CreateServiceLinkedRole", params))["Role"]["RoleName"]
        return Resource(name, {"RoleName": name})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        if old.get("Description") != new.get("Description"):
            await stack.call("iam", "UpdateRole", {"RoleName": physical_id, "Description": new.get("Description", "")})
        return Resource(physical_id, {"RoleName": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await call_unless_gone(stack, "DeleteServiceLinkedRole", {"RoleName": physical_id})
