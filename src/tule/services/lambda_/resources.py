"""Lambda's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::Lambda."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError, not_implemented
from tule.core.tags import to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.lambda_ import inline_code
from tule.services.lambda_.names import LATEST

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


def _refuse(type_name: str, properties: Properties, *unbuilt: str) -> None:
    """A property that would be without effect is refused, not forgotten."""
    for name in unbuilt:
        if properties.get(name):
            raise not_implemented(type_name, name)


class FunctionType:
    """Ref is the function's name; GetAtt gives Arn and SnapStartResponse."""

    name = "AWS::Lambda::Function"
    replace_on = frozenset({"FunctionName", "PackageType", "TenancyConfig"})

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for what would be without effect."""
        _refuse(self.name, properties, "FunctionScalingConfig", "PublishToLatestPublished")

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _is_there(stack, "GetFunction", {"FunctionName": properties["FunctionName"]})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        self.check(properties)
        params = {_RENAMED.get(key, key): properties[key] for key in _CREATED_WITH if key in properties}
        params["FunctionName"] = properties.get("FunctionName") or stack.generated_name(64)
        params["Code"] = _code(properties)
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
        self.check(new)
        name = {"FunctionName": physical_id}
        if any(old.get(key) != new.get(key) for key in ("Code", "Architectures")) or _inline_name(old) != _inline_name(new):
            architectures = {"Architectures": new["Architectures"]} if "Architectures" in new else {"Architectures": ["x86_64"]}
            await stack.call("lambda", "UpdateFunctionCode", name | _code(new) | architectures)
        changed = {key for key in _CONFIGURATION if old.get(key) != new.get(key)}
        if changed:
            given = {_RENAMED.get(key, key): new.get(key, _CONFIGURATION[key]) for key in changed}
            await stack.call("lambda", "UpdateFunctionConfiguration", name | {key: value for key, value in given.items() if value is not None})
        made = await stack.call("lambda", "GetFunctionConfiguration", name)
        await _settle(stack, physical_id, old, new)
        await _retag(stack, made["FunctionArn"], new)
        return _function_resource(made)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteFunction", {"FunctionName": physical_id})

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
    if new.get("RecursiveLoop") != old.get("RecursiveLoop"):
        await stack.call("lambda", "PutFunctionRecursionConfig", function | {"RecursiveLoop": new.get("RecursiveLoop", "Terminate")})
    if new.get("RuntimeManagementConfig") != old.get("RuntimeManagementConfig"):
        await stack.call("lambda", "PutRuntimeManagementConfig", function | new.get("RuntimeManagementConfig", {"UpdateRuntimeOn": "Auto"}))


async def _is_there(stack: StackContext, operation: str, params: dict[str, Any]) -> bool:
    try:
        await stack.call("lambda", operation, params)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return False
    return True


async def _gone(stack: StackContext, operation: str, params: dict[str, Any]) -> None:
    """Delete what may be gone already."""
    try:
        await stack.call("lambda", operation, params)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise


class PermissionType:
    """Ref is the statement's id."""

    name = "AWS::Lambda::Permission"
    replace_on = frozenset(
        [
            "Action",
            "EventSourceToken",
            "FunctionName",
            "FunctionUrlAuthType",
            "InvokedViaFunctionUrl",
            "Principal",
            "PrincipalOrgID",
            "SourceAccount",
            "SourceArn",
        ]
    )

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        params = {key: value for key, value in properties.items() if key in self.replace_on}
        params["StatementId"] = stack.generated_name(100)
        await stack.call("lambda", "AddPermission", params)
        return Resource(params["StatementId"], {"Id": params["StatementId"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        return Resource(physical_id, {"Id": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "RemovePermission", {"FunctionName": properties["FunctionName"], "StatementId": physical_id})


class VersionType:
    """Ref is the version's ARN; GetAtt gives Version and FunctionArn."""

    name = "AWS::Lambda::Version"
    replace_on = frozenset({"FunctionName", "CodeSha256", "Description", "RuntimePolicy", "ProvisionedConcurrencyConfig"})

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for what would be without effect."""
        _refuse(self.name, properties, "RuntimePolicy", "FunctionScalingConfig")

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        self.check(properties)
        params = {key: properties[key] for key in ("FunctionName", "CodeSha256", "Description") if key in properties}
        made = await stack.call("lambda", "PublishVersion", params)
        await _provision(stack, properties, made["Version"])
        return Resource(made["FunctionArn"], {"Version": made["Version"], "FunctionArn": made["FunctionArn"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        number = physical_id.rpartition(":")[2]
        return Resource(physical_id, {"Version": number, "FunctionArn": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteFunction", {"FunctionName": physical_id})


class AliasType:
    """Ref and GetAtt AliasArn are the alias's ARN."""

    name = "AWS::Lambda::Alias"
    replace_on = frozenset({"FunctionName", "Name"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _is_there(stack, "GetAlias", {key: properties[key] for key in ("FunctionName", "Name")})

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        made = await stack.call("lambda", "CreateAlias", _alias_params(properties))
        await _provision(stack, properties, made["Name"])
        return Resource(made["AliasArn"], {"AliasArn": made["AliasArn"]})

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        params = {"Description": "", "RoutingConfig": {}, **_alias_params(new)}
        made = await stack.call("lambda", "UpdateAlias", params)
        await _provision(stack, new, made["Name"])
        return Resource(physical_id, {"AliasArn": physical_id})

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await _gone(stack, "DeleteAlias", {"FunctionName": properties["FunctionName"], "Name": physical_id.rpartition(":")[2]})


def _alias_params(properties: Properties) -> dict[str, Any]:
    params = {key: properties[key] for key in ("FunctionName", "Name", "FunctionVersion", "Description") if key in properties}
    weights = properties.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    if weights:
        named = {item["FunctionVersion"]: item["FunctionWeight"] for item in weights}
        params["RoutingConfig"] = {"AdditionalVersionWeights": named}
    return params


async def _provision(stack: StackContext, properties: Properties, qualifier: str) -> None:
    wanted = properties.get("ProvisionedConcurrencyConfig")
    if wanted:
        params = {"FunctionName": properties["FunctionName"], "Qualifier": qualifier, **wanted}
        await stack.call("lambda", "PutProvisionedConcurrencyConfig", params)


class EventInvokeConfigType:
    """Ref is the function's name and the qualifier, joined by `|`."""

    name = "AWS::Lambda::EventInvokeConfig"
    replace_on = frozenset({"FunctionName", "Qualifier"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        params = {key: properties[key] for key in ("FunctionName", "Qualifier")}
        return await _is_there(stack, "GetFunctionEventInvokeConfig", params)

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
        await _gone(stack, "DeleteFunctionEventInvokeConfig", params)


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
            await _gone(stack, "DeleteLayerVersion", {"LayerName": layer, "VersionNumber": int(number)})
        elif made := await self._made_before(stack, properties, physical_id):  # the creation was cut before the version was known
            await _gone(stack, "DeleteLayerVersion", {"LayerName": physical_id, "VersionNumber": made["Version"]})


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
        await _gone(stack, "RemoveLayerVersionPermission", {"LayerName": layer, "VersionNumber": int(number), "StatementId": statement})


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    FunctionType(),
    PermissionType(),
    VersionType(),
    AliasType(),
    EventInvokeConfigType(),
    LayerVersionType(),
    LayerVersionPermissionType(),
)
