"""KMS's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::KMS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.kms import deletion, rotation

_IMMUTABLE = ("KeySpec", "KeyUsage", "MultiRegion", "Origin")
_GONE = ("NotFoundException", "KMSInvalidStateException")


class KeyType:
    """Ref and KeyId are the key's id; GetAtt gives Arn too."""

    name = "AWS::KMS::Key"
    replace_on: frozenset[str] = frozenset()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params: dict[str, Any] = {name: properties[name] for name in ("Description", *_IMMUTABLE) if name in properties}
        params["BypassPolicyLockoutSafetyCheck"] = bool(properties.get("BypassPolicyLockoutSafetyCheck"))
        if properties.get("KeyPolicy"):
            params["Policy"] = _text(properties["KeyPolicy"])
        tags = _tags(stack, properties)
        if tags:
            params["Tags"] = to_list(tags, "TagKey", "TagValue")
        made = (await stack.call("kms", "CreateKey", params))["KeyMetadata"]
        if properties.get("EnableKeyRotation"):
            await _rotate(stack, made["KeyId"], properties)
        if properties.get("Enabled") is False:
            await stack.call("kms", "DisableKey", {"KeyId": made["KeyId"]})
        return _resource(made["Arn"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        changed = [name for name in _IMMUTABLE if old.get(name) != new.get(name)]
        if changed:
            raise ServiceError("InvalidRequest", f"You cannot change the {changed[0]} property of an existing KMS key.")
        if new.get("Enabled", True) and not old.get("Enabled", True):
            await stack.call("kms", "EnableKey", {"KeyId": physical_id})
        await _update_rotation(stack, physical_id, old, new)
        await _update_words(stack, physical_id, old, new)
        if not new.get("Enabled", True) and old.get("Enabled", True):
            await stack.call("kms", "DisableKey", {"KeyId": physical_id})
        return _resource((await stack.call("kms", "DescribeKey", {"KeyId": physical_id}))["KeyMetadata"]["Arn"])

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _schedule_deletion(stack, physical_id, properties)

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        return _resource((await stack.call("kms", "DescribeKey", {"KeyId": physical_id}))["KeyMetadata"]["Arn"])


def _resource(arn: str) -> Resource:
    id = arns.parse(arn).resource_id
    return Resource(id, {"Arn": arn, "KeyId": id})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _tags(stack: StackContext, properties: Properties) -> dict[str, str]:
    return {**stack.tags, **to_map(properties.get("Tags"))}


async def _rotate(stack: StackContext, id: str, properties: Properties) -> None:
    days = properties.get("RotationPeriodInDays", rotation.USUAL_DAYS)
    await stack.call("kms", "EnableKeyRotation", {"KeyId": id, "RotationPeriodInDays": days})


async def _update_rotation(stack: StackContext, id: str, old: Properties, new: Properties) -> None:
    if new.get("EnableKeyRotation"):
        if not old.get("EnableKeyRotation") or old.get("RotationPeriodInDays") != new.get("RotationPeriodInDays"):
            await _rotate(stack, id, new)
    elif old.get("EnableKeyRotation"):
        await stack.call("kms", "DisableKeyRotation", {"KeyId": id})


async def _update_words(stack: StackContext, id: str, old: Properties, new: Properties) -> None:
    """Description, policy and tags."""
    if old.get("Description") != new.get("Description"):
        await stack.call("kms", "UpdateKeyDescription", {"KeyId": id, "Description": new.get("Description", "")})
    if new.get("KeyPolicy") and old.get("KeyPolicy") != new["KeyPolicy"]:
        bypass = bool(new.get("BypassPolicyLockoutSafetyCheck"))
        await stack.call("kms", "PutKeyPolicy", {"KeyId": id, "Policy": _text(new["KeyPolicy"]), "BypassPolicyLockoutSafetyCheck": bypass})
    await _retag(stack, id, _tags(stack, new))


async def _retag(stack: StackContext, id: str, wanted: Mapping[str, str]) -> None:
    listed = (await stack.call("kms", "ListResourceTags", {"KeyId": id, "Limit": 50}))["Tags"]
    current = to_map(listed, "TagKey", "TagValue")
    removed = [key for key in current if key not in wanted]
    if removed:
        await stack.call("kms", "UntagResource", {"KeyId": id, "TagKeys": removed})
    changed = {key: value for key, value in wanted.items() if current.get(key) != value}
    if changed:
        await stack.call("kms", "TagResource", {"KeyId": id, "Tags": to_list(changed, "TagKey", "TagValue")})


async def _schedule_deletion(stack: StackContext, id: str, properties: Properties) -> None:
    days = properties.get("PendingWindowInDays", deletion.USUAL_DAYS)
    try:
        await stack.call("kms", "ScheduleKeyDeletion", {"KeyId": id, "PendingWindowInDays": days})
    except ServiceError as error:
        if error.code not in _GONE:
            raise


class ReplicaKeyType:
    """Ref and KeyId are the key's id, which all its regions share; GetAtt gives Arn too."""

    name = "AWS::KMS::ReplicaKey"
    replace_on = frozenset({"PrimaryKeyArn"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        primary = arns.parse(properties["PrimaryKeyArn"])
        params: dict[str, Any] = {
            "KeyId": properties["PrimaryKeyArn"],
            "ReplicaRegion": stack.region,
            "Policy": _text(properties["KeyPolicy"]),
            "Description": properties.get("Description", ""),
        }
        tags = _tags(stack, properties)
        if tags:
            params["Tags"] = to_list(tags, "TagKey", "TagValue")
        made = await stack.node.dispatcher.invoke("kms", "ReplicateKey", params, principal=stack.principal, region=primary.region)
        arn = made["ReplicaKeyMetadata"]["Arn"]
        if properties.get("Enabled") is False:
            await stack.call("kms", "DisableKey", {"KeyId": arn})
        return _resource(arn)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        if new.get("Enabled", True) != old.get("Enabled", True):
            await stack.call("kms", "EnableKey" if new.get("Enabled", True) else "DisableKey", {"KeyId": physical_id})
        await _update_words(stack, physical_id, old, new)
        return _resource((await stack.call("kms", "DescribeKey", {"KeyId": physical_id}))["KeyMetadata"]["Arn"])

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _schedule_deletion(stack, physical_id, properties)


class AliasType:
    """Ref is the alias's name."""

    name = "AWS::KMS::Alias"
    replace_on = frozenset({"AliasName"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        try:
            await stack.call("kms", "DescribeKey", {"KeyId": properties["AliasName"]})
        except ServiceError as error:
            if error.code != "NotFoundException":
                raise
            return False
        return True

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        await stack.call("kms", "CreateAlias", {"AliasName": properties["AliasName"], "TargetKeyId": properties["TargetKeyId"]})
        return Resource(properties["AliasName"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await stack.call("kms", "UpdateAlias", {"AliasName": physical_id, "TargetKeyId": new["TargetKeyId"]})
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        try:
            await stack.call("kms", "DeleteAlias", {"AliasName": physical_id})
        except ServiceError as error:
            if error.code != "NotFoundException":
                raise


RESOURCE_TYPES: tuple[ResourceType, ...] = (KeyType(), ReplicaKeyType(), AliasType())
