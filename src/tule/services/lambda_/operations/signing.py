"""Code signing configurations and the functions that use them.  AWS: Lambda API reference, CreateCodeSigningConfig and its kin."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import configuration, errors, signing, state
from tule.services.lambda_.configuration import timestamp
from tule.services.lambda_.names import FunctionRef, function_ref
from tule.services.lambda_.operations.versions import pages
from tule.services.lambda_.signing import Config
from tule.store.store import Tx

_SETTINGS = ("Description", "AllowedPublishers", "CodeSigningPolicies")

Params = dict[str, Any]


def create_code_signing_config(call: Call, tx: Tx, params: Params) -> Params:
    configuration.check_tags(params.get("Tags", {}))
    id = f"csc-{tx.ids.alnum(signing.ID_CHARS).lower()}"
    config: Config = {
        "CodeSigningConfigId": id,
        "CodeSigningConfigArn": arns.arn("lambda", call.region, call.account, f"code-signing-config:{id}"),
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
        "LastModified": timestamp(call.now_ms),
        "tags": dict(params.get("Tags", {})),
    }
    config |= {name: params[name] for name in _SETTINGS if name in params}
    signing.put(tx, call.account, call.region, config)
    return {"CodeSigningConfig": _shown(config)}


@reads
def get_code_signing_config(call: Call, tx: Tx, params: Params) -> Params:
    return {"CodeSigningConfig": _shown(_config(call, tx, params))}


def update_code_signing_config(call: Call, tx: Tx, params: Params) -> Params:
    config = _config(call, tx, params)
    config |= {name: params[name] for name in _SETTINGS if name in params}
    config["LastModified"] = timestamp(call.now_ms)
    signing.put(tx, call.account, call.region, config)
    return {"CodeSigningConfig": _shown(config)}


def delete_code_signing_config(call: Call, tx: Tx, params: Params) -> None:
    arn = _config(call, tx, params)["CodeSigningConfigArn"]
    if signing.users(tx, call.account, call.region, arn):
        raise errors.conflict("The code signing configuration is in use by functions and cannot be deleted.")
    signing.CONFIGS.delete(tx, call.account, call.region, arn)


@reads
def list_code_signing_configs(call: Call, tx: Tx, params: Params) -> Params:
    shown = [_shown(config) for _, config in signing.CONFIGS.page(tx, call.account, call.region)]
    return pages(call, params, f"lambda.ListCodeSigningConfigs.{call.account}.{call.region}", "CodeSigningConfigs", shown)


@reads
def list_functions_by_code_signing_config(call: Call, tx: Tx, params: Params) -> Params:
    arn = _config(call, tx, params)["CodeSigningConfigArn"]
    return pages(call, params, f"lambda.ListFunctionsByCodeSigningConfig.{arn}", "FunctionArns", signing.users(tx, call.account, call.region, arn))


def put_function_code_signing_config(call: Call, tx: Tx, params: Params) -> Params:
    ref, function = _function(call, tx, params)
    signing.check(tx, ref.account, ref.region, params["CodeSigningConfigArn"])
    function["code_signing"] = params["CodeSigningConfigArn"]
    state.put_function(tx, ref, function)
    return {"CodeSigningConfigArn": params["CodeSigningConfigArn"], "FunctionName": ref.name}


@reads
def get_function_code_signing_config(call: Call, tx: Tx, params: Params) -> Params:
    ref, function = _function(call, tx, params)
    arn = function.get("code_signing")
    return ({"CodeSigningConfigArn": arn} if arn else {}) | {"FunctionName": ref.name}


def delete_function_code_signing_config(call: Call, tx: Tx, params: Params) -> None:
    ref, function = _function(call, tx, params)
    function.pop("code_signing", None)
    state.put_function(tx, ref, function)


def _function(call: Call, tx: Tx, params: Params) -> tuple[FunctionRef, Params]:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    return ref, state.function(tx, ref)


def _config(call: Call, tx: Tx, params: Params) -> Config:
    return signing.get(tx, call.account, call.region, params["CodeSigningConfigArn"])


def _shown(config: Config) -> Params:
    return {name: value for name, value in config.items() if name != "tags"}
