"""Whether a function may be part of a loop.  AWS: Lambda API reference, PutFunctionRecursionConfig, GetFunctionRecursionConfig."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import state
from tule.services.lambda_.names import function_ref
from tule.store.store import Tx

Params = dict[str, Any]


def put_function_recursion_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    function = state.function(tx, ref)
    function["recursive_loop"] = params["RecursiveLoop"]
    state.put_function(tx, ref, function)
    return {"RecursiveLoop": params["RecursiveLoop"]}


@reads
def get_function_recursion_config(call: Call, tx: Tx, params: Params) -> Params:
    function = state.function(tx, function_ref(call, params["FunctionName"])._replace(qualifier=None))
    return {"RecursiveLoop": function.get("recursive_loop", "Terminate")}
