"""AWS::Lambda::LayerVersion and LayerVersionPermission.  AWS: CloudFormation template reference."""

from __future__ import annotations

from typing import Any

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.lambda_.resources.existence import gone


class LayerVersionType:
    """Ref and GetAtt LayerVersionArn are the version's ARN."""

    name = "AWS::Lambda::LayerVersion"
    replace_on = frozenset({"CompatibleArchitectures", "CompatibleRuntimes", "Content", "Description", "LayerName", "LicenseInfo"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {"LayerName": properties.get("LayerName") or stack.generated_name(64), **properties}
        made = await self._made_before(stack, properties, params["LayerName"]) or await stack.call("lambda", "PublishLayerVersion", params)
        return Resource(made["LayerVersionArn"], {"LayerVersionArn": made["LayerVersionArn"]})

    async def _made_before(self, stack: StackContext, properties: Properties, layer: str) -> dict[str, Any] | None:
        """The version of an interrupted attempt: a layer whose name was generated has no versions but this creation's."""
        if properties.get("LayerName"):
            return None
        versions = (await stack.call("lambda", "ListLayerVersions", {"LayerName": layer}))["LayerVersions"]
        return versions[0] if versions else None

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return Resource(physical_id, {"LayerVersionArn": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        layer, _, number = physical_id.rpartition(":")
        if layer:
            await gone(stack, "DeleteLayerVersion", {"LayerName": layer, "VersionNumber": int(number)})
        elif made := await self._made_before(stack, properties, physical_id):  # the creation was cut before the version was known
            await gone(stack, "DeleteLayerVersion", {"LayerName": physical_id, "VersionNumber": made["Version"]})


class LayerVersionPermissionType:
    """Ref is the version's ARN and the statement's id, joined by `#`."""

    name = "AWS::Lambda::LayerVersionPermission"
    replace_on = frozenset({"Action", "LayerVersionArn", "OrganizationId", "Principal"})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        layer, _, number = properties["LayerVersionArn"].rpartition(":")
        statement = stack.generated_name(100)
        params = {key: properties[key] for key in ("Action", "OrganizationId", "Principal") if key in properties}
        params |= {"LayerName": layer, "VersionNumber": int(number), "StatementId": statement}
        await stack.call("lambda", "AddLayerVersionPermission", params)
        physical_id = f"{properties['LayerVersionArn']}#{statement}"
        return Resource(physical_id, {"Id": physical_id})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return Resource(physical_id, {"Id": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        statement = physical_id.rpartition("#")[2]  # alone, when the creation was cut before the id was known
        layer, _, number = properties["LayerVersionArn"].rpartition(":")
        await gone(stack, "RemoveLayerVersionPermission", {"LayerName": layer, "VersionNumber": int(number), "StatementId": statement})
