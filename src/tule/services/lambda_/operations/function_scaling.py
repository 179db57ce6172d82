"""How many execution environments a version on a capacity provider has.  AWS: Lambda API reference, PutFunctionScalingConfig.

The least is kept and shown: instances start when they are needed.  The most bounds how many invocations run at once; none at
all deactivates the version.
"""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import capacity, errors, state
from tule.services.lambda_.names import FunctionRef, function_ref
from tule.store.store import Tx

_LEAST, _MOST = "MinExecutionEnvironments", "MaxExecutionEnvironments"

Params = dict[str, Any]


def put_function_scaling_config(call: Call, tx: Tx, params: Params) -> Params:
    ref, version = _version(call, tx, params)
    scaling: Params = params.get("FunctionScalingConfig", {})
    least, most = scaling.get(_LEAST, 0), scaling.get(_MOST)
    if most is not None and least > most:
        raise errors.invalid_parameter(f"{_LEAST} must be less than or equal to {_MOST}.")
    deactivates = most == 0
    version["scaling"] = scaling
    version["configuration"]["State"] = capacity.DEACTIVATED if deactivates else capacity.INVOCABLE
    state.put_version(tx, ref, ref.qualifier or "", version)
    return {"FunctionState": "Deactivating" if deactivates else capacity.INVOCABLE}


@reads
def get_function_scaling_config(call: Call, tx: Tx, params: Params) -> Params:
    ref, version = _version(call, tx, params)
    scaling = version.get("scaling")
    answer: Params = {"FunctionArn": ref.qualified_arn}
    return answer if scaling is None else {**answer, "AppliedFunctionScalingConfig": scaling, "RequestedFunctionScalingConfig": scaling}


def _version(call: Call, tx: Tx, params: Params) -> tuple[FunctionRef, Params]:
    ref = function_ref(call, params["FunctionName"], params["Qualifier"])
    _, version = state.resolve(tx, ref)
    if capacity.managed(version["configuration"]) is None:
        raise errors.invalid_parameter("A scaling configuration is only supported for functions that use a capacity provider.")
    return ref, version
