"""AWS::EventSchemas::Registry, RegistryPolicy, Schema and Discoverer."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, StackContext

Params = dict[str, Any]


async def _gone(stack: StackContext, operation: str, params: Params) -> None:
    """Delete what may be gone already."""
    try:
        await stack.call("schemas", operation, params)
    except ServiceError as error:
        if error.code != "NotFoundException":
            raise


async def _is_there(stack: StackContext, operation: str, params: Params) -> bool:
    try:
        await stack.call("schemas", operation, params)
    except ServiceError as error:
        if error.code != "NotFoundException":
            raise
        return False
    return True


def _tags(stack: StackContext, properties: Properties) -> dict[str, str]:
    return {**stack.tags, **to_map(properties.get("Tags"))}


def _chosen(properties: Properties, *names: str) -> Params:
    return {name: properties[name] for name in names if properties.get(name) is not None}


async def _retag(stack: StackContext, arn: str, properties: Properties) -> None:
    wanted, before = _tags(stack, properties), (await stack.call("schemas", "ListTagsForResource", {"ResourceArn": arn}))["Tags"]
    dropped = [key for key in before if key not in wanted]
    if dropped:
        await stack.call("schemas", "UntagResource", {"ResourceArn": arn, "TagKeys": dropped})
    if wanted:
        await stack.call("schemas", "TagResource", {"ResourceArn": arn, "Tags": wanted})


class RegistryType:
    """Ref is the registry's ARN; GetAtt gives RegistryArn and RegistryName."""

    name = "AWS::EventSchemas::Registry"
    replace_on = frozenset({"RegistryName"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _is_there(stack, "DescribeRegistry", {"RegistryName": properties["RegistryName"]})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("RegistryName") or stack.generated_name()
        params = {"RegistryName": name, **_chosen(properties, "Description"), "Tags": _tags(stack, properties)}
        return _registry(await stack.call("schemas", "CreateRegistry", params))

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        name = physical_id.rpartition("/")[2]
        made = await stack.call("schemas", "UpdateRegistry", {"RegistryName": name, "Description": new.get("Description", "")})
        await _retag(stack, physical_id, new)
        return _registry(made)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteRegistry", {"RegistryName": physical_id.rpartition("/")[2]})


def _registry(made: Params) -> Resource:
    return Resource(made["RegistryArn"], {"RegistryArn": made["RegistryArn"], "RegistryName": made["RegistryName"]})


class SchemaType:
    """Ref is the schema's ARN; GetAtt gives SchemaArn, SchemaName and SchemaVersion."""

    name = "AWS::EventSchemas::Schema"
    replace_on = frozenset({"RegistryName", "SchemaName"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _is_there(stack, "DescribeSchema", _chosen(properties, "RegistryName", "SchemaName"))

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = _chosen(properties, "RegistryName", "Content", "Type", "Description")
        params |= {"SchemaName": properties.get("SchemaName") or stack.generated_name(), "Tags": _tags(stack, properties)}
        return _schema(await stack.call("schemas", "CreateSchema", params), properties["RegistryName"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        registry, name = physical_id.split("/")[1:]
        params = {"RegistryName": registry, "SchemaName": name, **_chosen(new, "Content", "Type"), "Description": new.get("Description", "")}
        made = await stack.call("schemas", "UpdateSchema", params)
        await _retag(stack, physical_id, new)
        return _schema(made, registry)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        registry, name = physical_id.split("/")[1:]
        await _gone(stack, "DeleteSchema", {"RegistryName": registry, "SchemaName": name})


def _schema(made: Params, registry: str) -> Resource:
    shown = {name: made[name] for name in ("SchemaArn", "SchemaName", "SchemaVersion")}
    return Resource(made["SchemaArn"], {**shown, "LastModified": made["LastModified"], "RegistryName": registry})


class DiscovererType:
    """Ref is the discoverer's ARN; GetAtt gives DiscovererArn, DiscovererId and State."""

    name = "AWS::EventSchemas::Discoverer"
    replace_on = frozenset({"SourceArn"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {**_chosen(properties, "SourceArn", "Description", "CrossAccount"), "Tags": _tags(stack, properties)}
        return _discoverer(await stack.call("schemas", "CreateDiscoverer", params))

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        params = {
            "DiscovererId": physical_id.rpartition("/")[2],
            "Description": new.get("Description", ""),
            "CrossAccount": new.get("CrossAccount", True),
        }
        made = await stack.call("schemas", "UpdateDiscoverer", params)
        await _retag(stack, physical_id, new)
        return _discoverer(made)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteDiscoverer", {"DiscovererId": physical_id.rpartition("/")[2]})


def _discoverer(made: Params) -> Resource:
    return Resource(made["DiscovererArn"], {name: made[name] for name in ("DiscovererArn", "DiscovererId", "State")})


class RegistryPolicyType:
    """Ref is the registry's name."""

    name = "AWS::EventSchemas::RegistryPolicy"
    replace_on = frozenset({"RegistryName"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        policy = properties["Policy"]
        text = policy if isinstance(policy, str) else orjson.dumps(policy).decode()
        await stack.call("schemas", "PutResourcePolicy", {"RegistryName": properties["RegistryName"], "Policy": text})
        return Resource(properties["RegistryName"], {"Id": properties["RegistryName"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return await self.create(stack, new)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteResourcePolicy", {"RegistryName": physical_id})


RESOURCE_TYPES = (RegistryType(), RegistryPolicyType(), SchemaType(), DiscovererType())
