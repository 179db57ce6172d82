"""Users.  AWS: IAM API reference, CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import boundaries, credentials, errors, listing, rules, shapes, state
from tule.services.iam.callers import named_or_calling_user
from tule.services.iam.state import USER, Entity
from tule.store.store import Tx


def create_user(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = rules.new_entity(tx, USER, params["UserName"], params.get("Path", "/"))
    user["tags"] = rules.checked_tags(params.get("Tags"))
    state.create(tx, USER, call.account, user)
    if "PermissionsBoundary" in params:
        boundaries.put(tx, call.account, user, params["PermissionsBoundary"])
    return {"User": shapes.full(tx, call.account, user, shapes.user(call.account, user))}


@reads
def get_user(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    if "UserName" not in params and call.principal.kind == "root":
        return {"User": _root(call)}
    user = state.get(tx, USER, call.account, named_or_calling_user(call, params))
    return {"User": shapes.full(tx, call.account, user, shapes.user(call.account, user))}


@reads
def list_users(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    users = [user for user in state.entities(tx, USER, call.account) if user["path"].startswith(prefix)]
    return listing.page(call, params, "Users", users, _key, lambda user: shapes.user(call.account, user))


def update_user(call: Call, tx: Tx, params: Params) -> None:
    user = state.get(tx, USER, call.account, params["UserName"])
    user["path"] = params.get("NewPath", user["path"])
    state.rename(tx, USER, call.account, user, params.get("NewUserName", user["name"]))


def delete_user(call: Call, tx: Tx, params: Params) -> None:
    user = state.get(tx, USER, call.account, params["UserName"])
    _refuse_while_in_use(tx, call.account, user)
    state.set_boundary(tx, call.account, user["id"], None)
    state.delete(tx, USER, call.account, user["name"])


def _refuse_while_in_use(tx: Tx, account: str, user: Entity) -> None:
    if state.groups_of(tx, account, user["id"]):
        raise errors.must_first("remove users from group")
    if state.keys_of(tx, account, user["id"]):
        raise errors.must_first("delete access keys")
    if "login_profile" in user:
        raise errors.must_first("delete login profile")
    if user.get("inline"):
        raise errors.must_first("delete policies")
    if state.attached_policies(tx, account, user["id"]):
        raise errors.must_first("detach all policies")
    credentials.refuse_while_in_use(tx, account, user)


def _root(call: Call) -> dict[str, Any]:
    arn = arns.arn("iam", "", call.account, "root")
    return {"Path": "/", "UserId": call.account, "Arn": arn, "CreateDate": 0}


def _key(user: Entity) -> str:
    return user["name"].lower()
