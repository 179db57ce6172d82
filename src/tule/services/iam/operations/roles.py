"""Roles.  AWS: IAM API reference, CreateRole, GetRole, ListRoles, UpdateRole, UpdateAssumeRolePolicy, DeleteRole."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import boundaries, documents, errors, instance_profiles, listing, rules, shapes, state, trust, usage
from tule.services.iam.state import ROLE, Entity
from tule.store.store import Tx


def create_role(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    path = params.get("Path", "/")
    if path.startswith(rules.SERVICE_ROLE_PATH):
        raise errors.validation_error("Roles with path beginning with /aws-service-role/ can only be created by AWS services.")
    role = rules.new_entity(tx, ROLE, params["RoleName"], path)
    _set_trust(call, tx, role, params["AssumeRolePolicyDocument"])
    role["tags"] = rules.checked_tags(params.get("Tags"))
    if params.get("Description"):
        role["description"] = params["Description"]
    if "MaxSessionDuration" in params:
        role["max_session"] = params["MaxSessionDuration"]
    state.create(tx, ROLE, call.account, role)
    if "PermissionsBoundary" in params:
        boundaries.put(tx, call.account, role, params["PermissionsBoundary"])
    return {"Role": shapes.full(tx, call.account, role, shapes.role(call.account, role))}


@reads
def get_role(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    role = state.get(tx, ROLE, call.account, params["RoleName"])
    shape = shapes.full(tx, call.account, role, shapes.role(call.account, role))
    shape["AssumeRolePolicyDocument"] = shapes.encoded(trust.text(tx, call.account, role))
    shape["MaxSessionDuration"] = role.get("max_session", rules.DEFAULT_SESSION_S)
    shape["RoleLastUsed"] = usage.role_last_used(tx, role)
    return {"Role": shape}


@reads
def list_roles(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    roles = [role for role in state.entities(tx, ROLE, call.account) if role["path"].startswith(prefix)]
    return listing.page(call, params, "Roles", roles, lambda role: role["name"].lower(), lambda role: shapes.role(call.account, role))


def update_role(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    role = _describable(call, tx, params)
    if "Description" in params:
        role["description"] = params["Description"]
    if "MaxSessionDuration" in params:
        role["max_session"] = params["MaxSessionDuration"]
    state.put(tx, ROLE, call.account, role)
    return {}


def update_role_description(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    role = _describable(call, tx, params)
    role["description"] = params["Description"]
    state.put(tx, ROLE, call.account, role)
    return {"Role": shapes.full(tx, call.account, role, shapes.role(call.account, role))}


def update_assume_role_policy(call: Call, tx: Tx, params: Params) -> None:
    role = modifiable(tx, call.account, params["RoleName"])
    _set_trust(call, tx, role, params["PolicyDocument"])
    state.put(tx, ROLE, call.account, role)


def delete_role(call: Call, tx: Tx, params: Params) -> None:
    role = modifiable(tx, call.account, params["RoleName"])
    if instance_profiles.with_role(tx, call.account, role):
        raise errors.must_first("remove roles from instance profile")
    if state.attached_policies(tx, call.account, role["id"]):
        raise errors.must_first("detach all policies")
    if role.get("inline"):
        raise errors.must_first("delete policies")
    state.set_boundary(tx, call.account, role["id"], None)
    state.delete(tx, ROLE, call.account, role["name"])


def modifiable(tx: Tx, account: str, name: str) -> Entity:
    """A role that its account may change.  Raises NoSuchEntity; UnmodifiableEntity for service-linked roles."""
    role = state.get(tx, ROLE, account, name)
    if role["path"].startswith(rules.SERVICE_ROLE_PATH):
        raise errors.protected_role(role["name"])
    return role


def _describable(call: Call, tx: Tx, params: Params) -> Entity:
    """Of a service-linked role only the description may be changed."""
    if "MaxSessionDuration" in params:
        return modifiable(tx, call.account, params["RoleName"])
    return state.get(tx, ROLE, call.account, params["RoleName"])


def _set_trust(call: Call, tx: Tx, role: Entity, text: str) -> None:
    ids = documents.check_trust(tx, call.account, text)
    if rules.chars(text) > rules.MAX_TRUST_CHARS:
        raise errors.quota_exceeded("ACLSizePerRole", rules.MAX_TRUST_CHARS)
    role |= {"trust": text, "trust_ids": ids}
