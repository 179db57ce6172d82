"""AWS::Lambda::Url.  AWS: CloudFormation template reference."""

from __future__ import annotations

from typing import Any

from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.lambda_.resources.existence import gone, is_there

_SETTINGS = ("AuthType", "Cors", "InvokeMode")


class UrlType:
    """Ref and GetAtt FunctionArn are the function's ARN, with the alias; GetAtt gives FunctionUrl."""

    name = "AWS::Lambda::Url"
    replace_on = frozenset({"TargetFunctionArn", "Qualifier"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetFunctionUrlConfig", _target(properties))

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        given = {name: properties[name] for name in _SETTINGS if name in properties}
        return _resource(await stack.call("lambda", "CreateFunctionUrlConfig", _target(properties) | given))

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        given = {"AuthType": new["AuthType"], "Cors": new.get("Cors", {}), "InvokeMode": new.get("InvokeMode", "BUFFERED")}
        return _resource(await stack.call("lambda", "UpdateFunctionUrlConfig", _target(new) | given))

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteFunctionUrlConfig", _target(properties))

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        return _resource(await stack.call("lambda", "GetFunctionUrlConfig", {"FunctionName": physical_id}))


def _target(properties: Properties) -> dict[str, Any]:
    qualifier = {"Qualifier": properties["Qualifier"]} if "Qualifier" in properties else {}
    return {"FunctionName": properties["TargetFunctionArn"], **qualifier}


def _resource(made: dict[str, Any]) -> Resource:
    return Resource(made["FunctionArn"], {"FunctionArn": made["FunctionArn"], "FunctionUrl": made["FunctionUrl"]})
