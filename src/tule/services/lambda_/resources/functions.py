"""AWS::Lambda::Function.  AWS: CloudFormation template reference."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.lambda_ import inline_code
from tule.services.lambda_.names import LATEST_PUBLISHED
from tule.services.lambda_.resources.existence import gone, is_there

_CONFIGURATION: dict[str, Any] = {  # what UpdateFunctionConfiguration takes, and what takes a setting back when it leaves the template
    "Description": "",
    "DeadLetterConfig": {"TargetArn": ""},
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "Handler": None,
    "ImageConfig": None,
    "KmsKeyArn": "",
    "Layers": [],
    "LoggingConfig": {"LogFormat": "Text"},
    "MemorySize": 128,
    "Role": None,
    "Runtime": None,
    "SnapStart": {"ApplyOn": "None"},
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
_RENAMED = {"KmsKeyArn": "KMSKeyArn"}
_CREATED_WITH = (*_CONFIGURATION, "Architectures", "PackageType", "CodeSigningConfigArn", "CapacityProviderConfig", "DurableConfig", "TenancyConfig")


class FunctionType:
    """Ref is the function's name; GetAtt gives Arn and SnapStartResponse."""

    name = "AWS::Lambda::Function"
    replace_on = frozenset({"FunctionName", "PackageType", "TenancyConfig"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await is_there(stack, "GetFunction", {"FunctionName": properties["FunctionName"]})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {_RENAMED.get(key, key): properties[key] for key in _CREATED_WITH if key in properties}
        params["FunctionName"] = properties.get("FunctionName") or stack.generated_name(64)
        params["Code"] = _code(properties)
        params |= _publishing(properties)
        tags = _tags(stack, properties)
        if tags:
            params["Tags"] = tags
        made = await stack.call("lambda", "CreateFunction", params)
        try:
            await _settle(stack, made["FunctionName"], {}, properties)
        except ServiceError:
            await self.delete(stack, made["FunctionName"], properties)
            raise
        return _function_resource(made)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        name = {"FunctionName": physical_id}
        if any(old.get(key) != new.get(key) for key in ("Code", "Architectures")) or _inline_name(old) != _inline_name(new):
            architectures = {"Architectures": new["Architectures"]} if "Architectures" in new else {"Architectures": ["x86_64"]}
            await stack.call("lambda", "UpdateFunctionCode", name | _code(new) | architectures)
        changed = {key for key in (*_CONFIGURATION, "CapacityProviderConfig", "DurableConfig") if old.get(key) != new.get(key)}
        if changed:
            given = {_RENAMED.get(key, key): new.get(key, _CONFIGURATION.get(key)) for key in changed}
            await stack.call("lambda", "UpdateFunctionConfiguration", name | {key: value for key, value in given.items() if value is not None})
        if _publishing(new):
            await stack.call("lambda", "PublishVersion", name | _publishing(new))
        made = await stack.call("lambda", "GetFunctionConfiguration", name)
        await _settle(stack, physical_id, old, new)
        await _retag(stack, made["FunctionArn"], new)
        return _function_resource(made)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await gone(stack, "DeleteFunction", {"FunctionName": physical_id})

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        return _function_resource(await stack.call("lambda", "GetFunctionConfiguration", {"FunctionName": physical_id}))


def _function_resource(made: dict[str, Any]) -> Resource:
    snap_start = made.get("SnapStart", {})
    attributes = {"Arn": made["FunctionArn"], "SnapStartResponse": snap_start}
    attributes |= {f"SnapStartResponse.{key}": value for key, value in snap_start.items()}
    return Resource(made["FunctionName"], attributes)


def _code(properties: Properties) -> dict[str, Any]:
    code = dict(properties.get("Code", {}))
    if "ZipFile" in code:
        code["ZipFile"] = inline_code.package(code["ZipFile"], properties.get("Runtime", ""))
    return code


def _publishing(properties: Properties) -> dict[str, Any]:
    """Functions on a capacity provider have $LATEST.PUBLISHED in stacks, unless the template says that they do not."""
    wanted = properties.get("PublishToLatestPublished", "CapacityProviderConfig" in properties)
    return {"PublishTo": "LATEST_PUBLISHED"} if wanted else {}


def _inline_name(properties: Properties) -> tuple[bool, bool]:
    """A change of language renames the file of inline code."""
    return "ZipFile" in properties.get("Code", {}), properties.get("Runtime", "").startswith("python")


def _tags(stack: StackContext, properties: Properties) -> dict[str, str]:
    return {**stack.tags, **to_map(properties.get("Tags"))}


async def _retag(stack: StackContext, arn: str, new: Properties) -> None:
    """Bring the function's tags to what the template and the stack say."""
    before = (await stack.call("lambda", "ListTags", {"Resource": arn}))["Tags"]
    wanted = _tags(stack, new)
    gone = [key for key in before if key not in wanted]
    if gone:
        await stack.call("lambda", "UntagResource", {"Resource": arn, "TagKeys": gone})
    if any(before.get(key) != value for key, value in wanted.items()):
        await stack.call("lambda", "TagResource", {"Resource": arn, "Tags": wanted})


async def _settle(stack: StackContext, name: str, old: Properties, new: Properties) -> None:
    """The settings that have operations of their own."""
    function = {"FunctionName": name}
    reserved = new.get("ReservedConcurrentExecutions")
    if reserved != old.get("ReservedConcurrentExecutions"):
        if reserved is None:
            await stack.call("lambda", "DeleteFunctionConcurrency", function)
        else:
            await stack.call("lambda", "PutFunctionConcurrency", function | {"ReservedConcurrentExecutions": reserved})
    if new.get("CodeSigningConfigArn") != old.get("CodeSigningConfigArn") and old:
        if new.get("CodeSigningConfigArn"):
            await stack.call("lambda", "PutFunctionCodeSigningConfig", function | {"CodeSigningConfigArn": new["CodeSigningConfigArn"]})
        else:
            await stack.call("lambda", "DeleteFunctionCodeSigningConfig", function)
    if new.get("FunctionScalingConfig") != old.get("FunctionScalingConfig"):
        scaling = {"Qualifier": LATEST_PUBLISHED, "FunctionScalingConfig": new.get("FunctionScalingConfig", {})}
        await stack.call("lambda", "PutFunctionScalingConfig", function | scaling)
    if new.get("RecursiveLoop") != old.get("RecursiveLoop"):
        await stack.call("lambda", "PutFunctionRecursionConfig", function | {"RecursiveLoop": new.get("RecursiveLoop", "Terminate")})
    if new.get("RuntimeManagementConfig") != old.get("RuntimeManagementConfig"):
        await stack.call("lambda", "PutRuntimeManagementConfig", function | new.get("RuntimeManagementConfig", {"UpdateRuntimeOn": "Auto"}))
