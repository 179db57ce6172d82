"""Function URLs.  AWS: Lambda API reference, CreateFunctionUrlConfig and its kin."""

from __future__ import annotations

from typing import Any

from tule.core.clock import iso8601
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import errors, state, tenancy
from tule.services.lambda_.names import FunctionRef, function_ref
from tule.services.lambda_.operations.versions import pages
from tule.services.lambda_.running import functions
from tule.services.lambda_.urls import configs
from tule.services.lambda_.urls.configs import Config
from tule.store.store import Tx

_SETTINGS = ("AuthType", "Cors", "InvokeMode")

Params = dict[str, Any]


def create_function_url_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = _target(call, tx, params)
    if tenancy.is_isolated(state.function(tx, ref)["configuration"]):
        raise tenancy.unsupported("A function URL")
    if configs.find(tx, ref) is not None:
        raise errors.conflict(
            f"Failed to create function url config for [functionArn = {ref.qualified_arn}]. Error message:  FunctionUrlConfig exists for this"
            " Lambda function"
        )
    at = iso8601(call.now_ms)
    config: Config = {"id": configs.new_id(tx), "qualifier": ref.qualifier, "CreationTime": at, "LastModifiedTime": at, "InvokeMode": "BUFFERED"}
    config |= {name: params[name] for name in _SETTINGS if name in params}
    configs.put(tx, ref, config)
    return _as_asked(_shown(call, ref, config), params, without="LastModifiedTime")


def update_function_url_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = _target(call, tx, params)
    config = configs.find(tx, ref)
    if config is None:
        raise errors.resource_absent()
    config |= {name: params[name] for name in _SETTINGS if name in params}
    if not config.get("Cors"):
        config.pop("Cors", None)
    config["LastModifiedTime"] = iso8601(call.now_ms)
    configs.put(tx, ref, config)
    return _as_asked(_shown(call, ref, config), params)


@reads
def get_function_url_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    config = configs.find(tx, ref)
    if config is None:
        raise errors.resource_absent()
    return _shown(call, ref, config)


def delete_function_url_config(call: Call, tx: Tx, params: Params) -> None:
    if not configs.delete(tx, function_ref(call, params["FunctionName"], params.get("Qualifier"))):
        raise errors.resource_absent()


@reads
def list_function_url_configs(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    if state.find_function(tx, ref) is None:
        raise _no_function()
    shown = [_shown(call, ref._replace(qualifier=config["qualifier"]), config) for config in configs.of_function(tx, ref)]
    return pages(call, params, f"lambda.ListFunctionUrlConfigs.{ref.arn}", "FunctionUrlConfigs", shown)


def _target(call: Call, tx: Tx, params: Params) -> FunctionRef:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    if state.find_function(tx, ref) is None or (ref.qualifier is not None and state.alias(tx, ref, ref.qualifier) is None):
        raise _no_function()
    return ref


def _no_function() -> Exception:
    return errors.not_found("Function does not exist")


def _shown(call: Call, ref: FunctionRef, config: Config) -> Params:
    members = {name: value for name, value in config.items() if name not in ("id", "qualifier")}
    named = functions(call.node).urls.below_localhost
    url = configs.address(call.endpoint, ref.region, config["id"], below_localhost=named)
    return members | {"FunctionUrl": url, "FunctionArn": ref.qualified_arn}


def _as_asked(shown: Params, params: Params, without: str = "") -> Params:
    """The answers to changes name the mode only where the request did."""
    return {name: value for name, value in shown.items() if name != without and (name != "InvokeMode" or name in params)}
