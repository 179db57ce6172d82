"""Versions and aliases.  AWS: Lambda API reference, PublishVersion, ListVersionsByFunction, CreateAlias and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import errors, provisioned, publishing, state
from tule.services.lambda_.environments import shows_environment
from tule.services.lambda_.names import LATEST, LATEST_PUBLISHED, FunctionRef, function_ref
from tule.services.lambda_.runnables import instances_key
from tule.services.lambda_.urls import configs as urls
from tule.store.store import Tx

MAX_ITEMS = 50

Params = dict[str, Any]


@shows_environment
def publish_version(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    function = state.function(tx, ref)
    config = function["configuration"]
    if params.get("RevisionId") not in (None, config["RevisionId"]):
        raise errors.precondition_failed("GetFunctionConfiguration")
    if params.get("CodeSha256") not in (None, "", config["CodeSha256"]):
        raise errors.invalid_parameter(
            f"CodeSHA256 ({params['CodeSha256']}) is different from current CodeSHA256 in $LATEST ({config['CodeSha256']})."
            " Please try again with the CodeSHA256 in $LATEST."
        )
    published = publishing.publish(tx, ref, function, params.get("Description"), params.get("PublishTo"))
    tx.after_commit(lambda: _retire_before(call, ref, published))
    state.put_function(tx, ref, function)
    return published["configuration"]


def _retire_before(call: Call, ref: FunctionRef, published: Params) -> None:
    """What $LATEST.PUBLISHED was until now runs no more."""
    if published["configuration"]["Version"] == LATEST_PUBLISHED:
        call.node.compute.retire(instances_key(ref, LATEST_PUBLISHED))


@shows_environment
@reads
def list_versions_by_function(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    shown = publishing.listed_versions(tx, ref, state.function(tx, ref))
    return pages(call, params, f"lambda.ListVersionsByFunction.{ref.arn}", "Versions", shown)


def create_alias(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    state.function(tx, ref)
    name = params["Name"]
    if name.isdecimal():
        raise errors.constraint("name", name, "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")
    alias: Params = {
        "AliasArn": f"{ref.arn}:{name}",
        "Name": name,
        "FunctionVersion": params["FunctionVersion"],
        "Description": params.get("Description", ""),
        "RevisionId": tx.ids.uuid(),
    }
    _route(tx, ref, alias, params)
    if not state.create_alias(tx, ref, name, alias):
        raise errors.conflict(f"Alias already exists: {ref.arn}:{name}")
    return alias


@reads
def get_alias(call: Call, tx: Tx, params: Params) -> Params:
    return _alias(call, tx, params)[1]


def update_alias(call: Call, tx: Tx, params: Params) -> Params:
    ref, alias = _alias(call, tx, params)
    if params.get("RevisionId") not in (None, alias["RevisionId"]):
        raise errors.precondition_failed("GetAlias")
    alias |= {name: params[name] for name in ("FunctionVersion", "Description") if name in params}
    _route(tx, ref, alias, params)
    alias["RevisionId"] = tx.ids.uuid()
    state.put_alias(tx, ref, alias["Name"], alias)
    return alias


def delete_alias(call: Call, tx: Tx, params: Params) -> None:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    function = state.function(tx, ref)
    if not state.delete_alias(tx, ref, params["Name"]):
        return
    function["policies"].pop(params["Name"], None)
    function["event_invoke"].pop(params["Name"], None)
    named = ref._replace(qualifier=params["Name"])
    urls.delete(tx, named)
    provisioned.delete(tx, named)
    state.put_function(tx, ref, function)


@reads
def list_aliases(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    state.function(tx, ref)
    wanted = params.get("FunctionVersion")
    shown = [alias for alias in state.aliases(tx, ref) if wanted in (None, alias["FunctionVersion"])]
    return pages(call, params, f"lambda.ListAliases.{ref.arn}.{wanted}", "Aliases", shown)


def _alias(call: Call, tx: Tx, params: Params) -> tuple[FunctionRef, Params]:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    alias = state.alias(tx, ref, params["Name"])
    if alias is None:
        raise errors.alias_not_found(f"{ref.arn}:{params['Name']}")
    return ref, alias


def _route(tx: Tx, ref: FunctionRef, alias: Params, params: Params) -> None:
    """Check the versions that the alias points at, and keep its routing."""
    weights: dict[str, float] = params.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    for number in (alias["FunctionVersion"], *weights):
        if number != LATEST and state.version(tx, ref, number) is None:
            raise errors.function_not_found(f"{ref.arn}:{number}")
    if weights and (LATEST in (alias["FunctionVersion"], *weights)):
        raise errors.invalid_parameter("$LATEST is not supported for an alias pointing to more than 1 version")
    if alias["FunctionVersion"] in weights:
        number = alias["FunctionVersion"]
        raise errors.invalid_parameter(f"Invalid function version {number}. Function version {number} is already included in routing configuration.")
    if len(weights) > 1:
        raise errors.invalid_parameter("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if weights:
        alias["RoutingConfig"] = {"AdditionalVersionWeights": weights}
    elif "RoutingConfig" in params:
        alias.pop("RoutingConfig", None)


def pages(call: Call, params: Params, scope: str, member: str, shown: Sequence[Any], limit: int | None = None) -> Params:
    """The part of a complete listing that was asked for."""
    start = 0
    if params.get("Marker"):
        try:
            start = call.node.pager.position(scope, params["Marker"])
        except InvalidToken as error:
            raise errors.invalid_parameter("The Marker provided is invalid.") from error
    end = start + (limit or min(params.get("MaxItems", MAX_ITEMS), MAX_ITEMS))
    answer: Params = {member: list(shown[start:end])}
    if end < len(shown):
        answer["NextMarker"] = call.node.pager.token(scope, end)
    return answer
