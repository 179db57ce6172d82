"""How asynchronous invocations of a function are retried.  AWS: Lambda API reference, PutFunctionEventInvokeConfig and its kin.

Destinations are not built: a configuration that names one is refused.
"""

from __future__ import annotations

from typing import Any

from tule.core.errors import not_implemented
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import errors, state
from tule.services.lambda_.names import LATEST, FunctionRef, function_ref
from tule.store.store import Tx

_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")

Params = dict[str, Any]


def put_function_event_invoke_config(call: Call, tx: Tx, params: Params) -> Params:
    ref, function = _target(call, tx, params)
    return _store(call, tx, ref, function, params, {})


def update_function_event_invoke_config(call: Call, tx: Tx, params: Params) -> Params:
    ref, function = _target(call, tx, params)
    before = function["event_invoke"].get(ref.qualifier or LATEST)
    if before is None:
        raise _absent(ref)
    return _store(call, tx, ref, function, params, before)


@reads
def get_function_event_invoke_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    function = state.find_function(tx, ref)
    found = function["event_invoke"].get(ref.qualifier or LATEST) if function is not None else None
    if found is None:
        raise _absent(ref)
    return _shown(ref, ref.qualifier or LATEST, found)


def delete_function_event_invoke_config(call: Call, tx: Tx, params: Params) -> None:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    function = state.find_function(tx, ref)
    if function is None or function["event_invoke"].pop(ref.qualifier or LATEST, None) is None:
        raise _absent(ref)
    state.put_function(tx, ref, function)


@reads
def list_function_event_invoke_configs(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    function = state.find_function(tx, ref)
    if function is None:
        raise _no_function()
    configs = sorted(function["event_invoke"].items())
    return {"FunctionEventInvokeConfigs": [_shown(ref, qualifier, config) for qualifier, config in configs]}


def _target(call: Call, tx: Tx, params: Params) -> tuple[FunctionRef, Params]:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    destinations = params.get("DestinationConfig", {})
    if not any(name in params for name in _SETTINGS) and not destinations:
        raise errors.invalid_parameter("You must specify at least one of error handling or destination setting.")
    function = state.find_function(tx, ref)
    if function is None:
        raise _no_function()
    if ref.qualifier not in (None, LATEST):
        known = state.version(tx, ref, ref.qualifier) if ref.qualifier.isdecimal() else state.alias(tx, ref, ref.qualifier)
        if known is None:
            raise _no_function()
    if any(target.get("Destination") for target in destinations.values()):
        raise not_implemented("lambda", "destinations of asynchronous invocations")
    return ref, function


def _store(call: Call, tx: Tx, ref: FunctionRef, function: Params, params: Params, before: Params) -> Params:
    config = {name: before[name] for name in _SETTINGS if name in before} | {name: params[name] for name in _SETTINGS if name in params}
    config["LastModified"] = call.now_ms / 1000
    function["event_invoke"][ref.qualifier or LATEST] = config
    state.put_function(tx, ref, function)
    return _shown(ref, ref.qualifier or LATEST, config)


def _shown(ref: FunctionRef, qualifier: str, config: Params) -> Params:
    return {**config, "FunctionArn": f"{ref.arn}:{qualifier}", "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}}


def _absent(ref: FunctionRef) -> Exception:
    return errors.not_found(f"The function {ref.arn}:{ref.qualifier or LATEST} doesn't have an EventInvokeConfig")


def _no_function() -> Exception:
    return errors.not_found("The function doesn't exist.")
