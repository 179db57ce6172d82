"""Managed policies on users, groups and roles.  AWS: IAM API reference, Attach, Detach and ListAttached{User,Group,Role}Policies."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import errors, listing, policies, rules, shapes, state
from tule.services.iam.operations.roles import modifiable
from tule.services.iam.state import GROUP, ROLE, USER, Entity, Kind
from tule.store.store import Tx


def attach_user_policy(call: Call, tx: Tx, params: Params) -> None:
    _attach(call, tx, USER, state.get(tx, USER, call.account, params["UserName"]), params["PolicyArn"])


def attach_group_policy(call: Call, tx: Tx, params: Params) -> None:
    _attach(call, tx, GROUP, state.get(tx, GROUP, call.account, params["GroupName"]), params["PolicyArn"])


def attach_role_policy(call: Call, tx: Tx, params: Params) -> None:
    _attach(call, tx, ROLE, modifiable(tx, call.account, params["RoleName"]), params["PolicyArn"])


def detach_user_policy(call: Call, tx: Tx, params: Params) -> None:
    _detach(call, tx, state.get(tx, USER, call.account, params["UserName"]), params["PolicyArn"])


def detach_group_policy(call: Call, tx: Tx, params: Params) -> None:
    _detach(call, tx, state.get(tx, GROUP, call.account, params["GroupName"]), params["PolicyArn"])


def detach_role_policy(call: Call, tx: Tx, params: Params) -> None:
    _detach(call, tx, modifiable(tx, call.account, params["RoleName"]), params["PolicyArn"])


@reads
def list_attached_user_policies(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, tx, USER, params)


@reads
def list_attached_group_policies(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, tx, GROUP, params)


@reads
def list_attached_role_policies(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return _list(call, tx, ROLE, params)


def _attach(call: Call, tx: Tx, kind: Kind, entity: Entity, policy_arn: str) -> None:
    policies.attachable(tx, call.account, policy_arn)
    attached = state.attached_policies(tx, call.account, entity["id"])
    if policy_arn not in attached and len(attached) >= rules.MAX_ATTACHED[kind.noun]:
        raise errors.quota_exceeded(rules.ATTACHED_QUOTA[kind.noun], rules.MAX_ATTACHED[kind.noun])
    state.attach(tx, call.account, entity["id"], policy_arn)


def _detach(call: Call, tx: Tx, entity: Entity, policy_arn: str) -> None:
    policies.require_arn(policy_arn)
    if not state.detach(tx, call.account, entity["id"], policy_arn):
        raise errors.policy_not_found(policy_arn)


def _list(call: Call, tx: Tx, kind: Kind, params: Params) -> dict[str, Any]:
    entity = state.get(tx, kind, call.account, params[kind.member])
    prefix = params.get("PathPrefix", "/")
    attached = [arn for arn in state.attached_policies(tx, call.account, entity["id"]) if policies.path_of(arn).startswith(prefix)]
    return listing.numbered(call, params, "AttachedPolicies", attached, shapes.attached)
