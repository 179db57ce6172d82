"""A function's configuration: what is asked for, checked and completed; and how it is shown.

AWS: Lambda API reference, CreateFunction, UpdateFunctionConfiguration, FunctionConfiguration; Lambda quotas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from tule.compute.reports import init_start
from tule.core.errors import not_implemented
from tule.core.tags import MAX_TAGS
from tule.services.lambda_ import errors
from tule.services.lambda_.names import LATEST, FunctionRef

Config = dict[str, Any]

MAX_ENVIRONMENT_BYTES = 4096
MAX_MEMORY_MB = 10_240
MAX_TMP_MB = 10_240
MANAGED_MEMORY_MB = 2048
MAX_TIMEOUT_S = 900

DEPRECATED = frozenset(
    [
        "nodejs",
        "nodejs4.3",
        "nodejs4.3-edge",
        "nodejs6.10",
        "nodejs8.10",
        "nodejs10.x",
        "nodejs12.x",
        "nodejs14.x",
        "java8",
        "python2.7",
        "python3.6",
        "python3.7",
        "dotnetcore1.0",
        "dotnetcore2.0",
        "dotnetcore2.1",
        "dotnetcore3.1",
        "go1.x",
        "ruby2.5",
        "ruby2.7",
        "provided",
    ]
)
"""Runtimes that AWS no longer lets functions be created or updated with.  AWS: Lambda runtimes, deprecated runtimes."""

RESERVED_VARIABLES = frozenset(
    [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    ]
)

_SNAP_START = re.compile(r"java(?:11|17|21|25)|python3\.(?:1[2-9])|dotnet(?:8|10)")
"""Runtimes that SnapStart can be asked for.  AWS: Lambda developer guide, SnapStart, supported features."""

_CREATING = "The function is being created."
_KEPT = ("Role", "Handler", "Runtime", "KMSKeyArn", "CapacityProviderConfig", "TenancyConfig")  # as given, and absent when not given
_DURABLE = {"RetentionPeriodInDays": 14, "ExecutionTimeout": 86_400}
_SUBSET = frozenset(
    ["State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode", "RuntimeVersionConfig"]
)
"""What listings leave out.  AWS: ListFunctions."""


def refuse_unbuilt(params: Mapping[str, Any]) -> None:
    """What changes how a function runs and is not built is refused, never kept silently.  Raises NotImplemented."""
    for name in ("ImageConfig", "AcceleratorConfig", "RuntimeConfig"):
        if params.get(name):
            raise not_implemented("lambda", name)
    if params.get("PackageType", "Zip") != "Zip":
        raise not_implemented("lambda", "PackageType Image (use a .zip file archive)")


def check(params: Mapping[str, Any], *, managed: bool = False) -> None:
    """The rules that the model does not know.  Raises InvalidParameterValueException or ValidationException.

    `managed`: the function uses a capacity provider, where it may be larger and run for longer.
    """
    if not managed:
        _check_at_most("memorySize", params.get("MemorySize"), MAX_MEMORY_MB)
        _check_at_most("timeout", params.get("Timeout"), MAX_TIMEOUT_S)
    _check_at_most("ephemeralStorage.size", params.get("EphemeralStorage", {}).get("Size"), MAX_TMP_MB)
    runtime = params.get("Runtime")
    if runtime in DEPRECATED:
        raise errors.invalid_parameter(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions."
            " We recommend you use a supported runtime while creating or updating functions."
        )
    if len(params.get("Architectures", ())) > 1:
        raise errors.invalid_parameter("Lambda functions support a single instruction set architecture.")
    if "Environment" in params:
        check_environment(params["Environment"].get("Variables", {}))
    target = params.get("DeadLetterConfig", {}).get("TargetArn")
    if target and (target.split(":")[2:3] not in (["sqs"], ["sns"]) or target.endswith(".fifo")):
        raise errors.invalid_parameter(
            f"The provided dead letter target ARN {target} is invalid: it must be that of a standard SQS queue or SNS topic."
        )
    check_tags(params.get("Tags", {}))


def check_whole(config: Mapping[str, Any]) -> None:
    """The rules of settings that depend on one another.  Raises InvalidParameterValueException."""
    runtime = config.get("Runtime", "")
    if config["SnapStart"]["ApplyOn"] == "PublishedVersions" and not _SNAP_START.match(runtime):
        raise errors.invalid_parameter(f"{runtime} is not supported for SnapStart enabled functions.")
    if config["SnapStart"]["ApplyOn"] == "PublishedVersions" and "TenancyConfig" in config:
        raise errors.invalid_parameter("SnapStart is not supported for functions with tenancy configuration.")
    if config.get("FileSystemConfigs") and not config.get("VpcConfig", {}).get("SubnetIds"):
        raise errors.invalid_parameter("Function must be configured in VPC to reference access points.")


def check_environment(variables: Mapping[str, str]) -> None:
    start = "Lambda was unable to configure your environment variables because the environment variables you have provided"
    reserved = [name for name in variables if name in RESERVED_VARIABLES]
    if reserved:
        raise errors.invalid_parameter(
            f"{start} contains reserved keys that are currently not supported for modification."
            f" Reserved keys used in this request: {', '.join(reserved)}"
        )
    text = orjson.dumps(variables).decode()
    if len(text.encode()) > MAX_ENVIRONMENT_BYTES:
        raise errors.invalid_parameter(f"{start} exceeded the 4KB limit. String measured: {text}")


def check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise errors.invalid_parameter("Number of tags exceeds resource tag limit.")


def _check_at_most(member: str, value: int | None, maximum: int) -> None:
    if value is not None and value > maximum:
        raise errors.constraint(member, value, f"Member must have value less than or equal to {maximum}")


def new(ref: FunctionRef, params: Mapping[str, Any], now_ms: int) -> Config:
    """The configuration of a new function, but for its code and its revision."""
    config: Config = {
        "FunctionName": ref.name,
        "FunctionArn": ref.arn,
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": LATEST,
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "Architectures": params.get("Architectures") or ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{ref.name}"},
    }
    if "CapacityProviderConfig" in params:
        config["MemorySize"] = MANAGED_MEMORY_MB
    apply(config, ref, params, now_ms)
    return config


def apply(config: Config, ref: FunctionRef, params: Mapping[str, Any], now_ms: int) -> None:
    """Change `config` as `params` of CreateFunction or UpdateFunctionConfiguration ask."""
    for name in (*_KEPT, "Description", "Timeout", "MemorySize", "EphemeralStorage"):
        if name in params:
            config[name] = params[name]
    if params.get("TracingConfig", {}).get("Mode"):
        config["TracingConfig"] = {"Mode": params["TracingConfig"]["Mode"]}
    if "Environment" in params:
        config["Environment"] = {"Variables": dict(params["Environment"].get("Variables", {}))}
    if "SnapStart" in params:
        config["SnapStart"] = {"ApplyOn": params["SnapStart"].get("ApplyOn", "None"), "OptimizationStatus": "Off"}
    if "DeadLetterConfig" in params:
        _keep_or_drop(config, "DeadLetterConfig", params["DeadLetterConfig"] if params["DeadLetterConfig"].get("TargetArn") else None)
    if "VpcConfig" in params:
        config["VpcConfig"] = _vpc(params["VpcConfig"])
    if "FileSystemConfigs" in params:
        _keep_or_drop(config, "FileSystemConfigs", params["FileSystemConfigs"])
    if "DurableConfig" in params:
        config["DurableConfig"] = {**config.get("DurableConfig", _DURABLE), **params["DurableConfig"]}
    if "LoggingConfig" in params:
        config["LoggingConfig"] = _logging(ref, config["LoggingConfig"], params["LoggingConfig"])
    if "KMSKeyArn" in params and not params["KMSKeyArn"]:
        del config["KMSKeyArn"]
    check_whole(config)
    config["RuntimeVersionConfig"] = {"RuntimeVersionArn": runtime_version_arn(ref.region, config.get("Runtime", ""))}
    config["LastModified"] = timestamp(now_ms)


def left_out(config: Mapping[str, Any]) -> list[str]:
    """What to say of the file systems that a function names and runs without."""
    return [f"The file system {each['Arn']} is not mounted at {each['LocalMountPath']}." for each in config.get("FileSystemConfigs", ())]


def _keep_or_drop(config: Config, name: str, value: Any) -> None:
    if value:
        config[name] = value
    else:
        config.pop(name, None)


def _vpc(given: Mapping[str, Any]) -> Config:
    """Kept and shown; an instance has no network of its own to join.  Empty lists take the function out of its VPC."""
    return {
        "SubnetIds": given.get("SubnetIds", []),
        "SecurityGroupIds": given.get("SecurityGroupIds", []),
        "VpcId": "",
        "Ipv6AllowedForDualStack": given.get("Ipv6AllowedForDualStack", False),
    }


def _logging(ref: FunctionRef, before: Config, given: Mapping[str, Any]) -> Config:
    merged = {**before, **given}
    merged["LogGroup"] = given.get("LogGroup") or before.get("LogGroup") or f"/aws/lambda/{ref.name}"
    levels = ("ApplicationLogLevel", "SystemLogLevel")
    if merged.get("LogFormat") != "JSON":
        if any(name in given for name in levels):
            raise errors.invalid_parameter(
                "To configure log levels, set the log format to JSON: ApplicationLogLevel and SystemLogLevel cannot be used with the Text log format."
            )
        return {name: value for name, value in merged.items() if name not in levels}
    for name in levels:
        merged.setdefault(name, "INFO")
    return merged


def runtime_version_arn(region: str, runtime: str) -> str:
    """The same that the function's log says in its INIT_START line."""
    return init_start(runtime, region).rpartition("Runtime Version ARN: ")[2].rstrip()


def timestamp(at_ms: int) -> str:
    """`2024-05-01T12:00:00.123+0000`, as LastModified is written."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}+0000"


def shown(config: Mapping[str, Any], arn: str, warning: str = "") -> Config:
    """As GetFunctionConfiguration answers, under the ARN that was asked for.

    `warning` is told as the reason of the state: an interpreter of another version stands in for the runtime's, a layer is left out.
    """
    return {**config, "FunctionArn": arn} | ({"StateReason": warning} if warning else {})


def listed(config: Mapping[str, Any], arn: str) -> Config:
    """As ListFunctions and ListVersionsByFunction answer: without the states."""
    return {**{name: value for name, value in config.items() if name not in _SUBSET}, "FunctionArn": arn}


def just_created(config: Mapping[str, Any], revision: str) -> Config:
    """What the answer to CreateFunction says: the function is active only after it."""
    answer = {name: value for name, value in config.items() if name != "LastUpdateStatus"}
    return {**answer, "RevisionId": revision, "State": "Pending", "StateReason": _CREATING, "StateReasonCode": "Creating"}


def just_updated(config: Mapping[str, Any], revision: str) -> Config:
    return {
        **config,
        "RevisionId": revision,
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": _CREATING,
        "LastUpdateStatusReasonCode": "Creating",
    }
