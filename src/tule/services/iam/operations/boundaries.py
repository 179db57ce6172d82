"""Permissions boundaries of users and roles.  AWS: IAM API reference, Put and Delete{User,Role}PermissionsBoundary."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.iam import boundaries, errors, state
from tule.services.iam.operations.roles import modifiable
from tule.services.iam.state import USER
from tule.store.store import Tx


def put_user_permissions_boundary(call: Call, tx: Tx, params: Params) -> None:
    user = state.get(tx, USER, call.account, params["UserName"])
    boundaries.put(tx, call.account, user, params["PermissionsBoundary"])


def put_role_permissions_boundary(call: Call, tx: Tx, params: Params) -> None:
    role = modifiable(tx, call.account, params["RoleName"])
    boundaries.put(tx, call.account, role, params["PermissionsBoundary"])


def delete_user_permissions_boundary(call: Call, tx: Tx, params: Params) -> None:
    user = state.get(tx, USER, call.account, params["UserName"])
    if not state.set_boundary(tx, call.account, user["id"], None):
        raise errors.no_such_entity(f"User {user['name']} does not have a permissions boundary.")


def delete_role_permissions_boundary(call: Call, tx: Tx, params: Params) -> None:
    role = modifiable(tx, call.account, params["RoleName"])
    if not state.set_boundary(tx, call.account, role["id"], None):
        raise errors.no_such_entity(f"Role {role['name']} does not have a permissions boundary.")
