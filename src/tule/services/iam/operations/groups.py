"""Groups and their members.  AWS: IAM API reference, CreateGroup, GetGroup, AddUserToGroup, ListGroupsForUser and neighbours."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import errors, listing, rules, shapes, state
from tule.services.iam.state import GROUP, USER, Entity
from tule.store.store import Tx


def create_group(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    group = rules.new_entity(tx, GROUP, params["GroupName"], params.get("Path", "/"))
    state.create(tx, GROUP, call.account, group)
    return {"Group": shapes.group(call.account, group)}


@reads
def get_group(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    group = state.get(tx, GROUP, call.account, params["GroupName"])
    users = state.members(tx, call.account, group["id"])
    shown = listing.page(call, params, "Users", users, _key, lambda user: shapes.user(call.account, user))
    return {"Group": shapes.group(call.account, group), **shown}


@reads
def list_groups(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    groups = [group for group in state.entities(tx, GROUP, call.account) if group["path"].startswith(prefix)]
    return listing.page(call, params, "Groups", groups, _key, lambda group: shapes.group(call.account, group))


@reads
def list_groups_for_user(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    user = state.get(tx, USER, call.account, params["UserName"])
    groups = state.groups_of(tx, call.account, user["id"])
    return listing.page(call, params, "Groups", groups, _key, lambda group: shapes.group(call.account, group))


def update_group(call: Call, tx: Tx, params: Params) -> None:
    group = state.get(tx, GROUP, call.account, params["GroupName"])
    group["path"] = params.get("NewPath", group["path"])
    state.rename(tx, GROUP, call.account, group, params.get("NewGroupName", group["name"]))


def delete_group(call: Call, tx: Tx, params: Params) -> None:
    group = state.get(tx, GROUP, call.account, params["GroupName"])
    if state.members(tx, call.account, group["id"]):
        raise errors.must_first("remove users from group")
    if state.attached_policies(tx, call.account, group["id"]):
        raise errors.must_first("detach all policies")
    if group.get("inline"):
        raise errors.must_first("delete policies")
    state.delete(tx, GROUP, call.account, group["name"])


def add_user_to_group(call: Call, tx: Tx, params: Params) -> None:
    group, user = _both(call, tx, params)
    joined = [one["id"] for one in state.groups_of(tx, call.account, user["id"])]
    if group["id"] not in joined and len(joined) >= rules.MAX_GROUPS_PER_USER:
        raise errors.quota_exceeded("GroupsPerUser", rules.MAX_GROUPS_PER_USER)
    state.join(tx, call.account, group["id"], user["id"])


def remove_user_from_group(call: Call, tx: Tx, params: Params) -> None:
    group, user = _both(call, tx, params)
    state.leave(tx, call.account, group["id"], user["id"])


def _both(call: Call, tx: Tx, params: Params) -> tuple[Entity, Entity]:
    group = state.get(tx, GROUP, call.account, params["GroupName"])
    return group, state.get(tx, USER, call.account, params["UserName"])


def _key(entity: Entity) -> str:
    return entity["name"].lower()
