"""AWS::Events::Archive."""

from __future__ import annotations

from typing import Any

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.events.resources.calls import chosen, found, gone, text

_KEPT = ("Description", "RetentionDays", "KmsKeyIdentifier")


class ArchiveType:
    """Ref is the archive's name; GetAtt gives Arn."""

    name = "AWS::Events::Archive"
    replace_on = frozenset({"ArchiveName", "SourceArn"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await found(stack, "DescribeArchive", {"ArchiveName": properties["ArchiveName"]}) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("ArchiveName") or stack.generated_name(48)
        params = {"ArchiveName": name, "EventSourceArn": properties["SourceArn"], **_changeable(properties)}
        return Resource(name, {"Arn": (await stack.call("events", "CreateArchive", params))["ArchiveArn"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        made = await stack.call("events", "UpdateArchive", {"ArchiveName": physical_id, "KmsKeyIdentifier": "", **_changeable(new)})
        return Resource(physical_id, {"Arn": made["ArchiveArn"]})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteArchive", {"ArchiveName": physical_id})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        archive = await stack.call("events", "DescribeArchive", {"ArchiveName": physical_id})
        return Resource(physical_id, {"Arn": archive["ArchiveArn"]})


def _changeable(properties: Properties) -> dict[str, Any]:
    params = chosen(properties, _KEPT)
    if properties.get("EventPattern"):
        params["EventPattern"] = text(properties["EventPattern"])
    return params
