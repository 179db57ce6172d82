"""AWS::IAM::UserToGroupAddition: users put into a group.  Ref is an id of its own."""

from __future__ import annotations

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam.resources.calls import call_unless_gone


class UserToGroupAdditionType:
    name = "AWS::IAM::UserToGroupAddition"
    replace_on: frozenset[str] = frozenset()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        physical_id = stack.generated_name(128)
        for user in properties["Users"]:
            await stack.call("iam", "AddUserToGroup", {"GroupName": properties["GroupName"], "UserName": user})
        return Resource(physical_id, {"Id": physical_id})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        before, after = ([(one["GroupName"], user) for user in one["Users"]] for one in (old, new))
        for group, user in [one for one in after if one not in before]:
            await stack.call("iam", "AddUserToGroup", {"GroupName": group, "UserName": user})
        for group, user in [one for one in before if one not in after]:
            await call_unless_gone(stack, "RemoveUserFromGroup", {"GroupName": group, "UserName": user})
        return Resource(physical_id, {"Id": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        for user in properties["Users"]:
            await call_unless_gone(stack, "RemoveUserFromGroup", {"GroupName": properties["GroupName"], "UserName": user})
