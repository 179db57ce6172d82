"""When the runtime of a version is updated; kept, since runtimes here are what the host has.

AWS: Lambda API reference, PutRuntimeManagementConfig, GetRuntimeManagementConfig.
"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import errors, state
from tule.services.lambda_.names import LATEST, FunctionRef, function_ref, is_published
from tule.store.store import Tx

Params = dict[str, Any]


def put_runtime_management_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = _version(call, params)
    mode, arn = params["UpdateRuntimeOn"], params.get("RuntimeVersionArn")
    if mode == "Manual" and not arn:
        raise errors.invalid_parameter("You must specify a runtime version ARN when the runtime update mode is Manual.")
    if mode != "Manual" and arn:
        raise errors.invalid_parameter("You can specify a runtime version ARN only when the runtime update mode is Manual.")
    function, _ = state.resolve(tx, ref)
    function.setdefault("runtime_management", {})[ref.qualifier or LATEST] = {"UpdateRuntimeOn": mode} | ({"RuntimeVersionArn": arn} if arn else {})
    state.put_function(tx, ref, function)
    return _shown(ref, function)


@reads
def get_runtime_management_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = _version(call, params)
    return _shown(ref, state.resolve(tx, ref)[0])


def _version(call: Call, params: Params) -> FunctionRef:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    if ref.qualifier is not None and ref.qualifier != LATEST and not is_published(ref.qualifier):
        raise errors.invalid_parameter("Aliases are not supported for runtime management; specify $LATEST or a version.")
    return ref


def _shown(ref: FunctionRef, function: Params) -> Params:
    kept = function.get("runtime_management", {}).get(ref.qualifier or LATEST, {"UpdateRuntimeOn": "Auto"})
    return {**kept, "FunctionArn": ref._replace(qualifier=ref.qualifier or LATEST).qualified_arn}
