"""S3 Control's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::S3::AccessPoint and its kin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext

_ABSENT = ("NoSuchAccessPoint", "NoSuchConfiguration", "NoSuchResource")


async def _call(stack: StackContext, operation: str, **params: Any) -> dict[str, Any]:
    return await stack.call("s3control", operation, {"AccountId": stack.account, **params})


async def _forget(stack: StackContext, operation: str, **params: Any) -> None:
    """Delete what may be gone already."""
    try:
        await _call(stack, operation, **params)
    except ServiceError as error:
        if error.code not in _ABSENT:
            raise


def _policy(document: Any) -> str:
    return document if isinstance(document, str) else orjson.dumps(document).decode()


class AccessPointType:
    """Ref is the access point's name; GetAtt gives Alias, Arn, Name and NetworkOrigin."""

    name = "AWS::S3::AccessPoint"
    replace_on = frozenset({"Name", "Bucket", "BucketAccountId", "VpcConfiguration", "PublicAccessBlockConfiguration"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        try:
            await _call(stack, "GetAccessPoint", Name=properties["Name"])
        except ServiceError as error:
            if error.code not in _ABSENT:
                raise
            return False
        return True

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("Name") or stack.generated_name(50, lower=True)
        taken = ("Bucket", "BucketAccountId", "VpcConfiguration", "PublicAccessBlockConfiguration")
        params = {member: properties[member] for member in taken if member in properties}
        tags = {**stack.tags, **to_map(properties.get("Tags"))}
        if tags:
            params["Tags"] = to_list(tags)
        await _call(stack, "CreateAccessPoint", Name=name, **params)
        try:
            await self._set_policy(stack, name, properties)
        except ServiceError:
            await self.delete(stack, name, properties)
            raise
        return await self.read_attributes(stack, name)

    async def _set_policy(self, stack: StackContext, name: str, properties: Properties) -> None:
        if "Policy" in properties:
            await _call(stack, "PutAccessPointPolicy", Name=name, Policy=_policy(properties["Policy"]))

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        if new.get("Policy") != old.get("Policy"):
            await self._set_policy(stack, physical_id, new)
            if "Policy" not in new:
                await _call(stack, "DeleteAccessPointPolicy", Name=physical_id)
        found = await self.read_attributes(stack, physical_id)
        await _retag(stack, found.attributes["Arn"], old, new)
        return found

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _forget(stack, "DeleteAccessPoint", Name=physical_id)

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        found = await _call(stack, "GetAccessPoint", Name=physical_id)
        attributes = {
            "Alias": found["Alias"],
            "Arn": found["AccessPointArn"],
            "Name": found["Name"],
            "NetworkOrigin": found["NetworkOrigin"],
        }
        return Resource(physical_id, attributes)


async def _retag(stack: StackContext, arn: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    before, after = to_map(old.get("Tags")), to_map(new.get("Tags"))
    if gone := [key for key in before if key not in after]:
        await _call(stack, "UntagResource", ResourceArn=arn, TagKeys=gone)
    if after and after != before:
        await _call(stack, "TagResource", ResourceArn=arn, Tags=to_list(after))


class StorageLensType:
    """Ref is the configuration's id; GetAtt gives StorageLensConfiguration.StorageLensArn."""

    name = "AWS::S3::StorageLens"
    replace_on = frozenset[str]()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        return await self._put(stack, properties)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return await self._put(stack, new)

    async def _put(self, stack: StackContext, properties: Properties) -> Resource:
        configuration = properties["StorageLensConfiguration"]
        tags = to_list({**stack.tags, **to_map(properties.get("Tags"))})
        await _call(stack, "PutStorageLensConfiguration", ConfigId=configuration["Id"], StorageLensConfiguration=configuration, Tags=tags)
        return await self.read_attributes(stack, configuration["Id"])

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _forget(stack, "DeleteStorageLensConfiguration", ConfigId=physical_id)

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        found = (await _call(stack, "GetStorageLensConfiguration", ConfigId=physical_id))["StorageLensConfiguration"]
        return Resource(physical_id, {"StorageLensConfiguration.StorageLensArn": found["StorageLensArn"]})


class StorageLensGroupType:
    """Ref is the group's name; GetAtt gives StorageLensGroupArn."""

    name = "AWS::S3::StorageLensGroup"
    replace_on = frozenset({"Name"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        group = {"Name": properties["Name"], "Filter": properties["Filter"]}
        tags = to_list({**stack.tags, **to_map(properties.get("Tags"))})
        await _call(stack, "CreateStorageLensGroup", StorageLensGroup=group, Tags=tags)
        return await self.read_attributes(stack, properties["Name"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        group = {"Name": physical_id, "Filter": new["Filter"]}
        await _call(stack, "UpdateStorageLensGroup", Name=physical_id, StorageLensGroup=group)
        found = await self.read_attributes(stack, physical_id)
        await _retag(stack, found.attributes["StorageLensGroupArn"], old, new)
        return found

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _forget(stack, "DeleteStorageLensGroup", Name=physical_id)

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        found = (await _call(stack, "GetStorageLensGroup", Name=physical_id))["StorageLensGroup"]
        return Resource(physical_id, {"StorageLensGroupArn": found["StorageLensGroupArn"]})


CONTROL_TYPES: tuple[ResourceType, ...] = (AccessPointType(), StorageLensType(), StorageLensGroupType())
