"""Reserved concurrency and the account's limits.  AWS: Lambda API reference, PutFunctionConcurrency, GetAccountSettings."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import capacity, errors, provisioned, state
from tule.services.lambda_.code import MAX_INLINE_BYTES
from tule.services.lambda_.concurrency import MINIMUM_UNRESERVED
from tule.services.lambda_.names import FunctionRef, function_ref
from tule.services.lambda_.packages import MAX_UNZIPPED_BYTES
from tule.store.store import Tx

TOTAL_CODE_BYTES = 80_530_636_800

Params = dict[str, Any]


def put_function_concurrency(call: Call, tx: Tx, params: Params) -> Params:
    ref = _unqualified(call, params)
    function = state.function(tx, ref)
    if capacity.managed(function["configuration"]) is not None:
        raise capacity.unsupported("Reserved concurrency")
    asked = params["ReservedConcurrentExecutions"]
    reserved = state.reserved_by_function(tx, ref.account, ref.region)
    reserved[ref.name] = asked
    minimum = min(MINIMUM_UNRESERVED, call.node.config.concurrency)
    held = provisioned.requested(tx, ref)
    if asked < held:
        raise ServiceError(
            "InvalidParameterValueException",
            f" ReservedConcurrentExecutions  {asked} should not be lower than function's total provisioned concurrency [{held}].",
        )
    if asked and call.node.config.concurrency - sum(reserved.values()) < minimum:
        raise errors.invalid_parameter(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of"
            f" [{minimum}]."
        )
    function["reserved"] = asked
    state.reserve(tx, ref, asked)
    state.put_function(tx, ref, function)
    return {"ReservedConcurrentExecutions": asked}


@reads
def get_function_concurrency(call: Call, tx: Tx, params: Params) -> Params:
    reserved = state.function(tx, _unqualified(call, params))["reserved"]
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def delete_function_concurrency(call: Call, tx: Tx, params: Params) -> None:
    ref = _unqualified(call, params)
    function = state.function(tx, ref)
    function["reserved"] = None
    state.reserve(tx, ref, None)
    state.put_function(tx, ref, function)


@reads
def get_account_settings(call: Call, tx: Tx, params: Params) -> Params:
    limit = call.node.config.concurrency
    kept = provisioned.kept_from_all(tx, call.account, call.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": TOTAL_CODE_BYTES,
            "CodeSizeUnzipped": MAX_UNZIPPED_BYTES,
            "CodeSizeZipped": MAX_INLINE_BYTES,
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": limit - kept,
        },
        "AccountUsage": {
            "TotalCodeSize": state.total_code_bytes(tx, call.account, call.region),
            "FunctionCount": state.function_count(tx, call.account, call.region),
        },
    }


def _unqualified(call: Call, params: Params) -> FunctionRef:
    ref = function_ref(call, params["FunctionName"])
    if ref.qualifier is not None:
        raise errors.invalid_parameter(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation."
            " Please specify either a function name or an unqualified function ARN."
        )
    return ref
