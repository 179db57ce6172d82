"""AWS::Lambda::Version, Alias and EventInvokeConfig.  AWS: CloudFormation template reference."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.lambda_.names import LATEST
from tule.services.lambda_.resources.existence import gone, is_there, refuse
from tule.services.lambda_.running import functions


class VersionType:
    """Ref is the version's ARN; GetAtt gives Version and FunctionArn."""

    name = "AWS::Lambda::Version"
    replace_on = frozenset({"FunctionName", "CodeSha256", "Description", "RuntimePolicy", "ProvisionedConcurrencyConfig"})

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for what would be without effect."""
        refuse(self.name, properties, "RuntimePolicy")

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        self.check(properties)
        params = {key: properties[key] for key in ("FunctionName", "CodeSha256", "Description") if key in properties}
        made = await stack.call("lambda", "PublishVersion", params)
        await _provision(stack, {}, properties, made["Version"])
        await _scale(stack, properties, made["Version"])
        return Resource(made["FunctionArn"], {"Version": made["Version"], "FunctionArn": made["FunctionArn"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        number = physical_id.rpartition(":")[2]
        if old.get("FunctionScalingConfig") != new.get("FunctionScalingConfig"):
            await _scale(stack, {"FunctionScalingConfig": {}, **new}, number)
        return Resource(physical_id, {"Version": number, "FunctionArn": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteFunction", {"FunctionName": physical_id})


async def _scale(stack: StackContext, properties: Properties, number: str) -> None:
    if "FunctionScalingConfig" in properties:
        function = {"FunctionName": properties["FunctionName"], "Qualifier": number}
        await stack.call("lambda", "PutFunctionScalingConfig", function | {"FunctionScalingConfig": properties["FunctionScalingConfig"]})


class AliasType:
    """Ref and GetAtt AliasArn are the alias's ARN."""

    name = "AWS::Lambda::Alias"
    replace_on = frozenset({"FunctionName", "Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetAlias", {key: properties[key] for key in ("FunctionName", "Name")})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        made = await stack.call("lambda", "CreateAlias", _alias_params(properties))
        await _provision(stack, {}, properties, made["Name"])
        return Resource(made["AliasArn"], {"AliasArn": made["AliasArn"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        params = {"Description": "", "RoutingConfig": {}, **_alias_params(new)}
        made = await stack.call("lambda", "UpdateAlias", params)
        await _provision(stack, old, new, made["Name"])
        return Resource(physical_id, {"AliasArn": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteAlias", {"FunctionName": properties["FunctionName"], "Name": physical_id.rpartition(":")[2]})


def _alias_params(properties: Properties) -> dict[str, Any]:
    params = {key: properties[key] for key in ("FunctionName", "Name", "FunctionVersion", "Description") if key in properties}
    weights = properties.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    if weights:
        named = {item["FunctionVersion"]: item["FunctionWeight"] for item in weights}
        params["RoutingConfig"] = {"AdditionalVersionWeights": named}
    return params


async def _provision(stack: StackContext, old: Properties, new: Properties, qualifier: str) -> None:
    """Returns when the instances are there.  Raises ServiceError when the function cannot be initialised."""
    wanted, before = new.get("ProvisionedConcurrencyConfig"), old.get("ProvisionedConcurrencyConfig")
    target = {"FunctionName": new["FunctionName"], "Qualifier": qualifier}
    if not wanted:
        if before:
            await stack.call("lambda", "DeleteProvisionedConcurrencyConfig", target)
        return
    if wanted != before:
        await stack.call("lambda", "PutProvisionedConcurrencyConfig", target | wanted)
    await functions(stack.node).provisioning.settle()
    found = await stack.call("lambda", "GetProvisionedConcurrencyConfig", target)
    if found["Status"] == "FAILED":
        raise ServiceError("NotStabilized", found["StatusReason"])


class EventInvokeConfigType:
    """Ref is the function's name and the qualifier, joined by `|`."""

    name = "AWS::Lambda::EventInvokeConfig"
    replace_on = frozenset({"FunctionName", "Qualifier"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        params = {key: properties[key] for key in ("FunctionName", "Qualifier")}
        return await is_there(stack, "GetFunctionEventInvokeConfig", params)

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        await stack.call("lambda", "PutFunctionEventInvokeConfig", dict(properties))
        name = properties["FunctionName"]
        if arns.is_arn(name):
            name = arns.parse(name).resource_id
        return Resource(f"{name}|{properties.get('Qualifier', LATEST)}")

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await stack.call("lambda", "PutFunctionEventInvokeConfig", dict(new))
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        params = {key: properties[key] for key in ("FunctionName", "Qualifier") if key in properties}
        await gone(stack, "DeleteFunctionEventInvokeConfig", params)
