"""A function's resource policy as one document.  AWS: Lambda API reference, PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import errors, state
from tule.services.lambda_.names import LATEST, FunctionRef, of_arn
from tule.services.lambda_.operations.permissions import check_length, policy_holder
from tule.services.lambda_.runnables import policy_document
from tule.store.store import Tx

Params = dict[str, Any]


def put_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    ref = _ref(params)
    function = policy_holder(tx, ref)
    _check_revision(function, ref, params)
    document = _document(params["Policy"])
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    kept = {"revision": tx.ids.uuid(), "statements": [_with_sid(tx, statement) for statement in statements], "id": document.get("Id", "default")}
    function["policies"][ref.qualifier or ""] = kept
    check_length(function, ref)
    state.put_function(tx, ref, function)
    return _shown(function, ref)


@reads
def get_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    ref = _ref(params)
    function = state.find_function(tx, ref)
    if function is None or policy_document(function, ref.qualifier) is None:
        raise errors.resource_absent()
    return _shown(function, ref)


def delete_resource_policy(call: Call, tx: Tx, params: Params) -> None:
    ref = _ref(params)
    function = policy_holder(tx, ref)
    if policy_document(function, ref.qualifier) is None:
        raise errors.resource_absent()
    _check_revision(function, ref, params)
    del function["policies"][ref.qualifier or ""]
    state.put_function(tx, ref, function)


def _ref(params: Params) -> FunctionRef:
    try:
        ref = of_arn(params["ResourceArn"])
    except ValueError as error:
        raise errors.invalid_parameter(f"The resource ARN {params['ResourceArn']} is not valid.") from error
    return ref._replace(qualifier=None) if ref.qualifier == LATEST else ref


def _check_revision(function: Params, ref: FunctionRef, params: Params) -> None:
    known = function["policies"].get(ref.qualifier or "", {}).get("revision")
    if params.get("RevisionId") not in (None, known):
        raise errors.precondition_failed("GetResourcePolicy")


def _document(text: str) -> Params:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_parameter("The policy is not valid JSON.") from error
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), list | dict):
        raise errors.invalid_parameter("The policy has no statement.")
    return document


def _with_sid(tx: Tx, statement: Any) -> Params:
    """RemovePermission names statements by their ids."""
    if not isinstance(statement, dict) or not {"Effect", "Principal", "Action"} <= statement.keys():
        raise ServiceError("InvalidParameterValueException", "A statement of the policy has no Effect, Principal or Action.", 400)
    return statement if "Sid" in statement else {"Sid": tx.ids.uuid(), **statement}


def _shown(function: Params, ref: FunctionRef) -> Params:
    document = policy_document(function, ref.qualifier)
    return {"Policy": orjson.dumps(document).decode(), "RevisionId": function["policies"][ref.qualifier or ""]["revision"]}
