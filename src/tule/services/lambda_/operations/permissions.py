"""A function's resource policy, statement by statement.  AWS: Lambda API reference, AddPermission, RemovePermission, GetPolicy."""

from __future__ import annotations

import re
from typing import Any

import orjson

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import errors, state
from tule.services.lambda_.names import LATEST, FunctionRef, function_ref
from tule.services.lambda_.runnables import policy_document
from tule.store.store import Tx

MAX_POLICY_BYTES = 20_480
_SERVICE = re.compile(r"[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)|[a-z0-9-]+\.alexa\.com")
_ACCOUNT = re.compile(r"\d{12}")
_ENTITY = re.compile(r"arn:aws[a-zA-Z-]*:(?:iam|sts)::\d{12}:.+")

Params = dict[str, Any]


def add_permission(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    function = policy_holder(tx, ref)
    policy = function["policies"].setdefault(ref.qualifier or "", {"revision": "", "statements": []})
    _check_revision(policy, params)
    if any(statement["Sid"] == params["StatementId"] for statement in policy["statements"]):
        raise errors.conflict(
            f"The statement id ({params['StatementId']}) provided already exists."
            " Please provide a new statement id, or remove the existing statement."
        )
    statement = _statement(ref, params)
    policy["statements"].append(statement)
    policy["revision"] = tx.ids.uuid()
    check_length(function, ref)
    state.put_function(tx, ref, function)
    return {"Statement": orjson.dumps(statement).decode()}


def remove_permission(call: Call, tx: Tx, params: Params) -> None:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    if state.find_function(tx, ref) is None:
        raise errors.not_found(f"No policy found for: {ref.arn}")
    function = policy_holder(tx, ref)
    policy = function["policies"].get(ref.qualifier or "")
    if policy is None or not policy["statements"]:
        raise errors.not_found("No policy is associated with the given resource.")
    kept = [statement for statement in policy["statements"] if statement["Sid"] != params["StatementId"]]
    if len(kept) == len(policy["statements"]):
        raise errors.not_found(f"Statement {params['StatementId']} is not found in resource policy.")
    _check_revision(policy, params)
    policy["statements"], policy["revision"] = kept, tx.ids.uuid()
    state.put_function(tx, ref, function)


@reads
def get_policy(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    function = state.find_function(tx, ref)
    document = policy_document(function, ref.qualifier) if function is not None else None
    if function is None or document is None:
        raise errors.resource_absent()
    key = "" if ref.qualifier in (None, LATEST) else ref.qualifier
    return {"Policy": orjson.dumps(document).decode(), "RevisionId": function["policies"][key]["revision"]}


def policy_holder(tx: Tx, ref: FunctionRef) -> Params:
    """The function, once the qualifier names a version or an alias that it has."""
    if ref.qualifier == LATEST:
        raise errors.invalid_parameter("We currently do not support adding policies for $LATEST.")
    function = state.find_function(tx, ref)
    if function is None:
        raise errors.function_not_found(ref.arn)
    if ref.qualifier is None:
        return function
    if ref.qualifier.isdecimal() or "$" in ref.qualifier:
        if state.version(tx, ref, ref.qualifier) is None:
            raise errors.function_not_found(ref.qualified_arn)
    elif state.alias(tx, ref, ref.qualifier) is None:
        raise errors.not_found(f"Cannot find alias arn: {ref.qualified_arn}")
    return function


def _check_revision(policy: Params, params: Params) -> None:
    if params.get("RevisionId") not in (None, policy["revision"]):
        raise errors.precondition_failed("GetPolicy")


def check_length(function: Params, ref: FunctionRef) -> None:
    size = len(orjson.dumps(policy_document(function, ref.qualifier)))
    if size > MAX_POLICY_BYTES:
        message = f"The final policy size ({size}) is bigger than the limit ({MAX_POLICY_BYTES})."
        raise ServiceError("PolicyLengthExceededException", message, 400, fields={"Type": "User"})


def _statement(ref: FunctionRef, params: Params) -> Params:
    statement: Params = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(ref, params["Principal"]),
        "Action": params["Action"],
        "Resource": ref.qualified_arn,
    }
    condition = _condition(params)
    return statement | {"Condition": condition} if condition else statement


def _principal(ref: FunctionRef, given: str) -> Any:
    if given == "*":
        return "*"
    if _SERVICE.fullmatch(given):
        return {"Service": given}
    if _ACCOUNT.fullmatch(given):
        return {"AWS": f"arn:{arns.partition_of(ref.region)}:iam::{given}:root"}
    if _ENTITY.fullmatch(given):
        return {"AWS": given}
    raise errors.invalid_parameter("The provided principal was invalid. Please check the principal and try again.")


def _condition(params: Params) -> Params:
    equals = {
        key: params[name]
        for key, name in (
            ("AWS:SourceAccount", "SourceAccount"),
            ("lambda:EventSourceToken", "EventSourceToken"),
            ("lambda:FunctionUrlAuthType", "FunctionUrlAuthType"),
            ("aws:PrincipalOrgID", "PrincipalOrgID"),
        )
        if name in params
    }
    condition: Params = {"StringEquals": equals} if equals else {}
    if "InvokedViaFunctionUrl" in params:
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": str(params["InvokedViaFunctionUrl"]).lower()}
    if "SourceArn" in params:
        condition["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    return condition
