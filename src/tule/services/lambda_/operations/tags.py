"""Tags of functions.  AWS: Lambda API reference, TagResource, UntagResource, ListTags."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import configuration, errors, state
from tule.services.lambda_.names import FunctionRef, of_arn
from tule.store.store import Tx

Params = dict[str, Any]


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    ref, function = _tagged(tx, params["Resource"])
    if not params["Tags"]:
        raise errors.invalid_parameter("An error occurred and the request cannot be processed.")
    function["tags"] |= params["Tags"]
    configuration.check_tags(function["tags"])
    state.put_function(tx, ref, function)


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    ref, function = _tagged(tx, params["Resource"])
    function["tags"] = {key: value for key, value in function["tags"].items() if key not in params["TagKeys"]}
    state.put_function(tx, ref, function)


@reads
def list_tags(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": _tagged(tx, params["Resource"])[1]["tags"]}


def _tagged(tx: Tx, arn: str) -> tuple[FunctionRef, Params]:
    try:
        ref = of_arn(arn)
    except ValueError as error:
        raise errors.resource_absent() from error
    if ref.qualifier is not None:
        raise errors.invalid_parameter("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    return ref, state.function(tx, ref)
