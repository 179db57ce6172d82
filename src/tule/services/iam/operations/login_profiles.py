"""Console passwords of users.  AWS: IAM API reference, CreateLoginProfile, GetLoginProfile, UpdateLoginProfile, ChangePassword."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import account, errors, passwords, shapes, state
from tule.services.iam.callers import named_or_calling_user
from tule.services.iam.state import USER, Entity
from tule.store.store import Tx

_KEPT_EARLIER = 24


def create_login_profile(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = state.get(tx, USER, call.account, named_or_calling_user(call, params))
    if "login_profile" in user:
        raise errors.already_exists(f"Login Profile for user {user['name']} already exists.")
    if "Password" not in params:
        raise errors.validation_error("Password is required.")
    profile = {"created_ms": tx.now_ms, "reset_required": params.get("PasswordResetRequired", False)}
    user["login_profile"] = _with_password(call, tx, user, profile, params["Password"])
    state.put(tx, USER, call.account, user)
    return {"LoginProfile": _shape(user)}


@reads
def get_login_profile(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"LoginProfile": _shape(_user_with_profile(call, tx, params))}


def update_login_profile(call: Call, tx: Tx, params: Params) -> None:
    user = _user_with_profile(call, tx, params)
    profile = user["login_profile"]
    if "Password" in params:
        profile = _with_password(call, tx, user, profile, params["Password"])
    if "PasswordResetRequired" in params:
        profile = {**profile, "reset_required": params["PasswordResetRequired"]}
    state.put(tx, USER, call.account, {**user, "login_profile": profile})


def delete_login_profile(call: Call, tx: Tx, params: Params) -> None:
    user = _user_with_profile(call, tx, params)
    del user["login_profile"]
    state.put(tx, USER, call.account, user)


def change_password(call: Call, tx: Tx, params: Params) -> None:
    """A user changes the own password."""
    if call.principal.kind != "user":
        raise ServiceError("InvalidUserType", "Only IAM Users can change their own password", 400)
    user = _user_with_profile(call, tx, {})
    if not passwords.matches(params["OldPassword"], user["login_profile"]["hash"]):
        raise ServiceError("AccessDenied", "The old password was incorrect.", 403)
    profile = _with_password(call, tx, user, user["login_profile"], params["NewPassword"])
    state.put(tx, USER, call.account, {**user, "login_profile": {**profile, "reset_required": False}})


def _with_password(call: Call, tx: Tx, user: Entity, profile: dict[str, Any], password: str) -> dict[str, Any]:
    earlier = [*profile.get("earlier", []), *([profile["hash"]] if "hash" in profile else [])][-_KEPT_EARLIER:]
    passwords.check(password, account.password_policy(tx, call.account), user["name"], earlier)
    return {**profile, "hash": passwords.hashed(tx.ids, password), "earlier": earlier, "changed_ms": tx.now_ms}


def _user_with_profile(call: Call, tx: Tx, params: Params) -> Entity:
    user = state.get(tx, USER, call.account, named_or_calling_user(call, params))
    if "login_profile" not in user:
        raise errors.no_such_entity(f"Login Profile for User {user['name']} cannot be found.")
    return user


def _shape(user: Entity) -> dict[str, Any]:
    profile = user["login_profile"]
    return {
        "UserName": user["name"],
        "CreateDate": shapes.seconds(profile["created_ms"]),
        "PasswordResetRequired": profile["reset_required"],
    }
