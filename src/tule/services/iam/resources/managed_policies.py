"""AWS::IAM::ManagedPolicy.  Ref is the ARN."""

from __future__ import annotations

from typing import Any

from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.iam import rules
from tule.services.iam.resources.calls import call_unless_gone, copied, is_there, text_of

_LISTS = {"Role": "Roles", "User": "Users", "Group": "Groups"}


class ManagedPolicyType:
    name = "AWS::IAM::ManagedPolicy"
    replace_on = frozenset({"ManagedPolicyName", "Path", "Description"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetPolicy", {"PolicyArn": _arn(stack, properties["ManagedPolicyName"], properties)})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {
            "PolicyName": properties.get("ManagedPolicyName") or stack.generated_name(128),
            "PolicyDocument": text_of(properties["PolicyDocument"]),
            **copied(properties, "Path", "Description"),
        }
        arn = (await stack.call("iam", "CreatePolicy", params))["Policy"]["Arn"]
        for noun, entity in _targets(properties):
            await stack.call("iam", f"Attach{noun}Policy", {f"{noun}Name": entity, "PolicyArn": arn})
        return await self._resource(stack, arn)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        document = text_of(new["PolicyDocument"])
        if text_of(old.get("PolicyDocument", "")) != document:
            await self._new_version(stack, physical_id, document)
        before, after = _targets(old), _targets(new)
        for noun, entity in [one for one in before if one not in after]:
            await call_unless_gone(stack, f"Detach{noun}Policy", {f"{noun}Name": entity, "PolicyArn": physical_id})
        for noun, entity in [one for one in after if one not in before]:
            await stack.call("iam", f"Attach{noun}Policy", {f"{noun}Name": entity, "PolicyArn": physical_id})
        return await self._resource(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        arn = physical_id if physical_id.startswith("arn:") else _arn(stack, physical_id, properties)
        for noun, entity in _targets(properties):
            await call_unless_gone(stack, f"Detach{noun}Policy", {f"{noun}Name": entity, "PolicyArn": arn})
        for version in await self._versions(stack, arn):
            if not version["IsDefaultVersion"]:
                await call_unless_gone(stack, "DeletePolicyVersion", {"PolicyArn": arn, "VersionId": version["VersionId"]})
        await call_unless_gone(stack, "DeletePolicy", {"PolicyArn": arn})

    async def _new_version(self, stack: StackContext, arn: str, document: str) -> None:
        """The oldest version that is not the default makes room where there are five."""
        versions = await self._versions(stack, arn)
        if len(versions) >= rules.MAX_VERSIONS:
            oldest = next(version for version in reversed(versions) if not version["IsDefaultVersion"])
            await stack.call("iam", "DeletePolicyVersion", {"PolicyArn": arn, "VersionId": oldest["VersionId"]})
        await stack.call("iam", "CreatePolicyVersion", {"PolicyArn": arn, "PolicyDocument": document, "SetAsDefault": True})

    async def _versions(self, stack: StackContext, arn: str) -> list[dict[str, Any]]:
        """Newest first; none when the policy is gone."""
        try:
            return (await stack.call("iam", "ListPolicyVersions", {"PolicyArn": arn}))["Versions"]
        except ServiceError as error:
            if error.code != "NoSuchEntity":
                raise
            return []

    async def _resource(self, stack: StackContext, arn: str) -> Resource:
        shape = (await stack.call("iam", "GetPolicy", {"PolicyArn": arn}))["Policy"]
        names = ("AttachmentCount", "DefaultVersionId", "IsAttachable", "PermissionsBoundaryUsageCount", "PolicyId")
        dates = {name: iso8601(shape[name] * 1000) for name in ("CreateDate", "UpdateDate")}
        return Resource(arn, {"PolicyArn": arn, **dates, **{name: shape[name] for name in names}})


def _arn(stack: StackContext, name: str, properties: Properties) -> str:
    """Of a policy of which only the name is known, because its creation was cut short."""
    return f"arn:aws:iam::{stack.account}:policy{properties.get('Path', '/')}{name}"


def _targets(properties: Properties) -> list[tuple[str, str]]:
    return [(noun, entity) for noun, member in _LISTS.items() for entity in properties.get(member, [])]
