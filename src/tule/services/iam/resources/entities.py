"""AWS::IAM::Role, AWS::IAM::User, AWS::IAM::Group: entities with managed and inline policies.

Ref is the name; GetAtt gives Arn, and RoleId of a role.  AWS: CloudFormation template reference, AWS::IAM.
"""

from __future__ import annotations

from typing import Any

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam.resources.calls import call_unless_gone, copied, is_there, retag, tags_of, text_of


class EntityType:
    """What roles, users and groups share.  `noun` is as in `CreateRole`."""

    name: str
    noun: str
    max_name_chars: int
    replace_on: frozenset[str]

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, f"Get{self.noun}", self.who(properties[f"{self.noun}Name"]))

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get(f"{self.noun}Name") or stack.generated_name(self.max_name_chars)
        made = await stack.call("iam", f"Create{self.noun}", {f"{self.noun}Name": name, **self.creation(stack, properties)})
        await self._settle_policies(stack, name, {}, properties)
        await self.settle(stack, name, {}, properties)
        return self._resource(made[self.noun])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await self.change(stack, physical_id, old, new)
        await self._settle_policies(stack, physical_id, old, new)
        await self.settle(stack, physical_id, old, new)
        return self._resource((await stack.call("iam", f"Get{self.noun}", self.who(physical_id)))[self.noun])

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        who = self.who(physical_id)
        for policy_arn in properties.get("ManagedPolicyArns", []):
            await call_unless_gone(stack, f"Detach{self.noun}Policy", {**who, "PolicyArn": policy_arn})
        for policy in properties.get("Policies", []):
            await call_unless_gone(stack, f"Delete{self.noun}Policy", {**who, "PolicyName": policy["PolicyName"]})
        await self.unsettle(stack, physical_id, properties)
        await call_unless_gone(stack, f"Delete{self.noun}", who)

    def who(self, name: str) -> dict[str, Any]:
        return {f"{self.noun}Name": name}

    def creation(self, stack: StackContext, properties: Properties) -> dict[str, Any]:
        """Parameters of the creation beside the name."""
        return copied(properties, "Path")

    async def change(self, stack: StackContext, name: str, old: Properties, new: Properties) -> None:
        """Change the entity itself in place."""

    async def settle(self, stack: StackContext, name: str, old: Properties, new: Properties) -> None:
        """What comes after the policies."""

    async def unsettle(self, stack: StackContext, name: str, properties: Properties) -> None:
        """What must go before the entity."""

    def _resource(self, shape: dict[str, Any]) -> Resource:
        attributes = {"Arn": shape["Arn"]}
        if self.noun == "Role":
            attributes["RoleId"] = shape["RoleId"]
        return Resource(shape[f"{self.noun}Name"], attributes)

    async def _settle_policies(self, stack: StackContext, name: str, old: Properties, new: Properties) -> None:
        who = self.who(name)
        before, after = old.get("ManagedPolicyArns", []), new.get("ManagedPolicyArns", [])
        for policy_arn in [arn for arn in before if arn not in after]:
            await call_unless_gone(stack, f"Detach{self.noun}Policy", {**who, "PolicyArn": policy_arn})
        for policy_arn in [arn for arn in after if arn not in before]:
            await stack.call("iam", f"Attach{self.noun}Policy", {**who, "PolicyArn": policy_arn})
        kept, wanted = _documents(old), _documents(new)
        for policy_name in [one for one in kept if one not in wanted]:
            await call_unless_gone(stack, f"Delete{self.noun}Policy", {**who, "PolicyName": policy_name})
        for policy_name, document in wanted.items():
            if kept.get(policy_name) != document:
                await stack.call("iam", f"Put{self.noun}Policy", {**who, "PolicyName": policy_name, "PolicyDocument": document})


class GroupType(EntityType):
    name = "AWS::IAM::Group"
    noun = "Group"
    max_name_chars = 128
    replace_on = frozenset({"GroupName"})

    async def change(self, stack: StackContext, name: str, old: Properties, new: Properties) -> None:
        if old.get("Path", "/") != new.get("Path", "/"):
            await stack.call("iam", "UpdateGroup", {"GroupName": name, "NewPath": new.get("Path", "/")})


class BoundedEntityType(EntityType):
    """Roles and users: with tags and a permissions boundary."""

    def creation(self, stack: StackContext, properties: Properties) -> dict[str, Any]:
        params = copied(properties, "Path", "PermissionsBoundary")
        tags = tags_of(stack, properties)
        return {**params, "Tags": tags} if tags else params

    async def change(self, stack: StackContext, name: str, old: Properties, new: Properties) -> None:
        boundary = new.get("PermissionsBoundary")
        if old.get("PermissionsBoundary") != boundary:
            if boundary:
                await stack.call("iam", f"Put{self.noun}PermissionsBoundary", {**self.who(name), "PermissionsBoundary": boundary})
            else:
                await call_unless_gone(stack, f"Delete{self.noun}PermissionsBoundary", self.who(name))
        await retag(stack, self.noun, self.who(name), new)


class RoleType(BoundedEntityType):
    name = "AWS::IAM::Role"
    noun = "Role"
    max_name_chars = 64
    replace_on = frozenset({"RoleName", "Path"})

    def creation(self, stack: StackContext, properties: Properties) -> dict[str, Any]:
        trust = text_of(properties["AssumeRolePolicyDocument"])
        params = copied(properties, "Description", "MaxSessionDuration")
        return {**super().creation(stack, properties), **params, "AssumeRolePolicyDocument": trust}

    async def change(self, stack: StackContext, name: str, old: Properties, new: Properties) -> None:
        trust = text_of(new["AssumeRolePolicyDocument"])
        if text_of(old.get("AssumeRolePolicyDocument", "")) != trust:
            await stack.call("iam", "UpdateAssumeRolePolicy", {"RoleName": name, "PolicyDocument": trust})
        description, session_s = new.get("Description", ""), new.get("MaxSessionDuration", 3600)
        if (old.get("Description", ""), old.get("MaxSessionDuration", 3600)) != (description, session_s):
            await stack.call("iam", "UpdateRole", {"RoleName": name, "Description": description, "MaxSessionDuration": session_s})
        await super().change(stack, name, old, new)


class UserType(BoundedEntityType):
    name = "AWS::IAM::User"
    noun = "User"
    max_name_chars = 64
    replace_on = frozenset({"UserName"})

    async def change(self, stack: StackContext, name: str, old: Properties, new: Properties) -> None:
        if old.get("Path", "/") != new.get("Path", "/"):
            await stack.call("iam", "UpdateUser", {"UserName": name, "NewPath": new.get("Path", "/")})
        await super().change(stack, name, old, new)

    async def settle(self, stack: StackContext, name: str, old: Properties, new: Properties) -> None:
        before, after = old.get("Groups", []), new.get("Groups", [])
        for group in [one for one in before if one not in after]:
            await call_unless_gone(stack, "RemoveUserFromGroup", {"UserName": name, "GroupName": group})
        for group in [one for one in after if one not in before]:
            await stack.call("iam", "AddUserToGroup", {"UserName": name, "GroupName": group})
        await self._settle_password(stack, name, old.get("LoginProfile"), new.get("LoginProfile"))

    async def unsettle(self, stack: StackContext, name: str, properties: Properties) -> None:
        for group in properties.get("Groups", []):
            await call_unless_gone(stack, "RemoveUserFromGroup", {"UserName": name, "GroupName": group})
        if "LoginProfile" in properties:
            await call_unless_gone(stack, "DeleteLoginProfile", {"UserName": name})

    async def _settle_password(self, stack: StackContext, name: str, before: Properties | None, after: Properties | None) -> None:
        if before == after:
            return
        if after is None:
            await call_unless_gone(stack, "DeleteLoginProfile", {"UserName": name})
            return
        operation = "CreateLoginProfile" if before is None else "UpdateLoginProfile"
        await stack.call("iam", operation, {"UserName": name, **copied(after, "Password", "PasswordResetRequired")})


def _documents(properties: Properties) -> dict[str, str]:
    return {policy["PolicyName"]: text_of(policy["PolicyDocument"]) for policy in properties.get("Policies", [])}
