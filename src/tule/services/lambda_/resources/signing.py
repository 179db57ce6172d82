"""AWS::Lambda::CodeSigningConfig.  AWS: CloudFormation template reference."""

from __future__ import annotations

from typing import Any

from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.lambda_.resources.existence import gone

_SETTINGS = ("AllowedPublishers", "CodeSigningPolicies", "Description")


class CodeSigningConfigType:
    """Ref and GetAtt CodeSigningConfigArn are the ARN; GetAtt gives CodeSigningConfigId."""

    name = "AWS::Lambda::CodeSigningConfig"
    replace_on = frozenset[str]()

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        tags = {**stack.tags, **to_map(properties.get("Tags"))}
        given = {name: properties[name] for name in _SETTINGS if name in properties}
        made = await stack.call("lambda", "CreateCodeSigningConfig", given | ({"Tags": tags} if tags else {}))
        return _resource(made["CodeSigningConfig"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        defaults = {"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"}, "Description": ""}
        given = {name: new[name] for name in _SETTINGS if name in new}
        made = await stack.call("lambda", "UpdateCodeSigningConfig", {"CodeSigningConfigArn": physical_id, **defaults, **given})
        return _resource(made["CodeSigningConfig"])

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        if physical_id.startswith("arn:"):  # else the creation was cut before its ARN was known
            await gone(stack, "DeleteCodeSigningConfig", {"CodeSigningConfigArn": physical_id})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        made = await stack.call("lambda", "GetCodeSigningConfig", {"CodeSigningConfigArn": physical_id})
        return _resource(made["CodeSigningConfig"])


def _resource(made: dict[str, Any]) -> Resource:
    return Resource(made["CodeSigningConfigArn"], {name: made[name] for name in ("CodeSigningConfigArn", "CodeSigningConfigId")})
