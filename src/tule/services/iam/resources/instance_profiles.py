"""AWS::IAM::InstanceProfile.  Ref is the name; GetAtt gives Arn."""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam.resources.calls import call_unless_gone, copied, is_there


class InstanceProfileType:
    name = "AWS::IAM::InstanceProfile"
    replace_on = frozenset({"InstanceProfileName", "Path"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetInstanceProfile", copied(properties, "InstanceProfileName"))

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("InstanceProfileName") or stack.generated_name(128)
        made = await stack.call("iam", "CreateInstanceProfile", {"InstanceProfileName": name, **copied(properties, "Path")})
        for role in properties["Roles"]:
            await stack.call("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": name, "RoleName": role})
        return Resource(name, {"Arn": made["InstanceProfile"]["Arn"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        who = {"InstanceProfileName": physical_id}
        for role in [one for one in old["Roles"] if one not in new["Roles"]]:
            await call_unless_gone(stack, "RemoveRoleFromInstanceProfile", {**who, "RoleName": role})
        for role in [one for one in new["Roles"] if one not in old["Roles"]]:
            await stack.call("iam", "AddRoleToInstanceProfile", {**who, "RoleName": role})
        shape = (await stack.call("iam", "GetInstanceProfile", who))["InstanceProfile"]
        return Resource(physical_id, {"Arn": shape["Arn"]})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        who = {"InstanceProfileName": physical_id}
        for role in properties.get("Roles", []):
            await call_unless_gone(stack, "RemoveRoleFromInstanceProfile", {**who, "RoleName": role})
        await call_unless_gone(stack, "DeleteInstanceProfile", who)
