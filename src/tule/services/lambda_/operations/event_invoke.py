"""How asynchronous invocations of a function are retried.  AWS: Lambda API reference, PutFunctionEventInvokeConfig and its kin."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import errors, state, target_permissions
from tule.services.lambda_.destinations import SERVICES
from tule.services.lambda_.names import LATEST, FunctionRef, function_ref, is_published, of_arn
from tule.store.store import Tx

_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")
_KEPT = (*_SETTINGS, "DestinationConfig")

Params = dict[str, Any]


async def put_function_event_invoke_config(call: Call, params: Params) -> Params:
    await _check_permissions(call, params)
    return await call.node.store.write(lambda tx: _put(call, tx, params))


def _put(call: Call, tx: Tx, params: Params) -> Params:
    ref, function = _target(call, tx, params)
    return _store(call, tx, ref, function, params, {})


async def update_function_event_invoke_config(call: Call, params: Params) -> Params:
    await _check_permissions(call, params)
    return await call.node.store.write(lambda tx: _update(call, tx, params))


async def _check_permissions(call: Call, params: Params) -> None:
    """The role of the version that is named must be allowed to send to the destinations."""
    destinations = params.get("DestinationConfig", {})
    if any(target.get("Destination") for target in destinations.values()):
        ref, role = await call.node.store.read(lambda tx: _role(call, tx, params))
        await target_permissions.check_destinations(call, ref, role, destinations)


def _role(call: Call, tx: Tx, params: Params) -> tuple[FunctionRef, str]:
    ref, _ = _target(call, tx, params)
    return ref, state.resolve(tx, ref)[1]["configuration"]["Role"]


def _update(call: Call, tx: Tx, params: Params) -> Params:
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
        known = state.version(tx, ref, ref.qualifier) if is_published(ref.qualifier) else state.alias(tx, ref, ref.qualifier)
        if known is None:
            raise _no_function()
    _check_destinations(tx, ref, destinations)
    return ref, function


def _check_destinations(tx: Tx, ref: FunctionRef, destinations: Params) -> None:
    for which, target in destinations.items():
        arn: str = target.get("Destination", "")
        if not arn:
            continue
        if not arns.is_arn(arn) or arns.parse(arn).service not in SERVICES:
            raise errors.invalid_parameter(f"The provided destination config {_worded(destinations)} is invalid.")
        if arn.endswith(".fifo"):
            raise errors.invalid_parameter(f"The destination ARN {arn} is invalid.")
        if arns.parse(arn).service == "s3" and which == "OnSuccess":
            raise errors.invalid_parameter("Amazon S3 buckets are only supported as on-failure destinations.")
        if arns.parse(arn).service == "lambda":
            _check_function(tx, ref, arn)


def _check_function(tx: Tx, ref: FunctionRef, arn: str) -> None:
    try:
        other = of_arn(arn)
    except ValueError as error:
        raise errors.invalid_parameter(f"The destination ARN {arn} is invalid.") from error
    if other.arn == ref.arn:
        raise errors.invalid_parameter("You can't specify the function as a destination for itself.")
    if state.find_function(tx, other) is None:
        raise errors.invalid_parameter(f"The destination ARN {arn} is invalid.")


def _worded(destinations: Params) -> str:
    def one(member: str, kind: str) -> str:
        arn = destinations.get(kind, {}).get("Destination")
        return f"{member}={kind}(destination={arn})" if arn else f"{member}=null"

    return f"DestinationConfig({one('onSuccess', 'OnSuccess')}, {one('onFailure', 'OnFailure')})"


def _store(call: Call, tx: Tx, ref: FunctionRef, function: Params, params: Params, before: Params) -> Params:
    config = {name: before[name] for name in _KEPT if name in before} | {name: params[name] for name in _KEPT if name in params}
    config["LastModified"] = call.now_ms / 1000
    function["event_invoke"][ref.qualifier or LATEST] = config
    state.put_function(tx, ref, function)
    return _shown(ref, ref.qualifier or LATEST, config)


def _shown(ref: FunctionRef, qualifier: str, config: Params) -> Params:
    destinations = {"OnSuccess": {}, "OnFailure": {}} | config.get("DestinationConfig", {})
    return {**config, "FunctionArn": f"{ref.arn}:{qualifier}", "DestinationConfig": destinations}


def _absent(ref: FunctionRef) -> Exception:
    return errors.not_found(f"The function {ref.arn}:{ref.qualifier or LATEST} doesn't have an EventInvokeConfig")


def _no_function() -> Exception:
    return errors.not_found("The function doesn't exist.")
