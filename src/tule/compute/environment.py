"""The variables that a function's process has.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""

from __future__ import annotations

from collections.abc import Mapping

from tule.compute.compute import Credentials, FunctionSpec, InitializationType

XRAY_HOST, XRAY_PORT = "127.0.0.1", 2000  # where the SDKs send segments, by UDP; they do not mind when nobody listens


def function_environment(
    function: FunctionSpec,
    log_stream: str,
    task_root: str,
    family: Mapping[str, str],
    network: Mapping[str, str],
    credentials: Credentials | None = None,
    initialization: InitializationType = "on-demand",
) -> dict[str, str]:
    """AWS's reserved names win over the user's; what the user may set, such as TZ or AWS_ENDPOINT_URL, the user's win."""
    reserved = {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group or f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": f"{XRAY_HOST}:{XRAY_PORT}",
        "_AWS_XRAY_DAEMON_ADDRESS": XRAY_HOST,
        "_AWS_XRAY_DAEMON_PORT": str(XRAY_PORT),
        "LAMBDA_TASK_ROOT": task_root,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }
    if function.log_format == "JSON":
        reserved |= {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": function.application_log_level or "INFO"}
    if credentials is not None:
        reserved |= credential_variables(credentials)
    defaults = {
        "AWS_DEFAULT_REGION": function.region,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    }
    return {**defaults, **network, **family, **function.environment, **reserved}


_HIDDEN_FROM_EXTENSIONS = {
    "_HANDLER", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
    "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT",
}  # fmt: skip


def extension_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """AWS: Extensions API, environment variables that extensions have no access to."""
    return {name: value for name, value in environment.items() if name not in _HIDDEN_FROM_EXTENSIONS}


def credential_variables(credentials: Credentials) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
    }
