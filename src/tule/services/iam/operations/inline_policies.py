"""Inline policies of users, groups and roles.  AWS: IAM API reference, Put/Get/List/Delete{User,Group,Role}Policy."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import documents, errors, listing, rules, shapes, state
from tule.services.iam.operations.roles import modifiable
from tule.services.iam.state import GROUP, ROLE, USER, Entity, Kind
from tule.store.store import Tx


def put_user_policy(call: Call, tx: Tx, params: Params) -> None:
    _put(call, tx, USER, state.get(tx, USER, call.account, params["UserName"]), params)


def put_group_policy(call: Call, tx: Tx, params: Params) -> None:
    _put(call, tx, GROUP, state.get(tx, GROUP, call.account, params["GroupName"]), params)


def put_role_policy(call: Call, tx: Tx, params: Params) -> None:
    _put(call, tx, ROLE, modifiable(tx, call.account, params["RoleName"]), params)


@reads
def get_user_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _get(call, tx, USER, params)


@reads
def get_group_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _get(call, tx, GROUP, params)


@reads
def get_role_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _get(call, tx, ROLE, params)


@reads
def list_user_policies(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, tx, USER, params)


@reads
def list_group_policies(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, tx, GROUP, params)


@reads
def list_role_policies(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, tx, ROLE, params)


def delete_user_policy(call: Call, tx: Tx, params: Params) -> None:
    _delete(call, tx, USER, state.get(tx, USER, call.account, params["UserName"]), params)


def delete_group_policy(call: Call, tx: Tx, params: Params) -> None:
    _delete(call, tx, GROUP, state.get(tx, GROUP, call.account, params["GroupName"]), params)


def delete_role_policy(call: Call, tx: Tx, params: Params) -> None:
    _delete(call, tx, ROLE, modifiable(tx, call.account, params["RoleName"]), params)


def _put(call: Call, tx: Tx, kind: Kind, entity: Entity, params: Params) -> None:
    text = params["PolicyDocument"]
    documents.parsed(text)
    inline = {**entity.get("inline", {}), params["PolicyName"]: text}
    limit = rules.MAX_INLINE_CHARS[kind.noun]
    if sum(rules.chars(one) for one in inline.values()) > limit:
        raise errors.limit_exceeded(f"Maximum policy size of {limit} bytes exceeded for {kind.noun} {entity['name']}")
    state.put(tx, kind, call.account, {**entity, "inline": inline})


def _get(call: Call, tx: Tx, kind: Kind, params: Params) -> dict[str, Any]:
    entity = state.get(tx, kind, call.account, params[kind.member])
    text = entity.get("inline", {}).get(params["PolicyName"])
    if text is None:
        raise errors.inline_policy_not_found(kind.noun, params["PolicyName"])
    return {kind.member: entity["name"], "PolicyName": params["PolicyName"], "PolicyDocument": shapes.encoded(text)}


def _list(call: Call, tx: Tx, kind: Kind, params: Params) -> dict[str, Any]:
    names = sorted(state.get(tx, kind, call.account, params[kind.member]).get("inline", {}))
    return listing.page(call, params, "PolicyNames", names, str, str)


def _delete(call: Call, tx: Tx, kind: Kind, entity: Entity, params: Params) -> None:
    inline = dict(entity.get("inline", {}))
    if inline.pop(params["PolicyName"], None) is None:
        raise errors.inline_policy_not_found(kind.noun, params["PolicyName"])
    state.put(tx, kind, call.account, {**entity, "inline": inline})
