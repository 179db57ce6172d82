"""Everything at once.  AWS: IAM API reference, GetAccountAuthorizationDetails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tule.core import tags
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import aws_managed, instance_profiles, listing, policies, shapes, state, usage
from tule.services.iam.policies import ManagedPolicy
from tule.services.iam.state import ATTACHED, BOUNDARY, GROUP, ROLE, USER, Entity
from tule.store.store import Tx

_MEMBERS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


@reads
def get_account_authorization_details(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """One list of users, groups, roles and policies, in that order, is cut into pages; each page sorts its part by kind."""
    wanted = params.get("Filter") or ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"]
    rows = [row for kind in wanted for row in _ROWS[kind](call, tx)]
    rows.sort(key=lambda row: row[0])
    shown = listing.page(call, params, "All", rows, lambda row: row[0], lambda row: row)
    result: dict[str, Any] = {member: [] for member in _MEMBERS}
    for key, show in shown.pop("All"):
        result[_MEMBERS[int(key[0])]].append(show())
    return {**result, **shown}


Row = tuple[str, Callable[[], dict[str, Any]]]


def _users(call: Call, tx: Tx) -> list[Row]:
    return [(f"0{user['name'].lower()}", lambda user=user: _user(call, tx, user)) for user in state.entities(tx, USER, call.account)]


def _groups(call: Call, tx: Tx) -> list[Row]:
    return [(f"1{group['name'].lower()}", lambda group=group: _group(call, tx, group)) for group in state.entities(tx, GROUP, call.account)]


def _roles(call: Call, tx: Tx) -> list[Row]:
    return [(f"2{role['name'].lower()}", lambda role=role: _role(call, tx, role)) for role in state.entities(tx, ROLE, call.account)]


def _local_policies(call: Call, tx: Tx) -> list[Row]:
    return _policies(call, tx, policies.of_account(tx, call.account))


def _aws_policies(call: Call, tx: Tx) -> list[Row]:
    """Those of AWS's policies that the account uses."""
    used = {arn for arn, _ in state.policies_in_use(tx, call.account) if policies.is_aws(arn)}
    found = (aws_managed.find(arn) for arn in used)
    return _policies(call, tx, [policy for policy in found if policy is not None])


def _policies(call: Call, tx: Tx, found: list[ManagedPolicy]) -> list[Row]:
    in_use = state.policies_in_use(tx, call.account)
    rows: list[Row] = []
    for policy in found:
        arn = policies.arn(call.account, policy)
        counts = in_use.get((arn, ATTACHED), 0), in_use.get((arn, BOUNDARY), 0)
        rows.append((f"3{arn}", lambda policy=policy, counts=counts: _policy(call, policy, *counts)))
    return rows


_ROWS: dict[str, Callable[[Call, Tx], list[Row]]] = {
    "User": _users,
    "Group": _groups,
    "Role": _roles,
    "LocalManagedPolicy": _local_policies,
    "AWSManagedPolicy": _aws_policies,
}


def _user(call: Call, tx: Tx, user: Entity) -> dict[str, Any]:
    shape = shapes.user(call.account, user)
    shape["UserPolicyList"] = shapes.inline(user)
    shape["GroupList"] = [group["name"] for group in state.groups_of(tx, call.account, user["id"])]
    shape["AttachedManagedPolicies"] = _attached(call, tx, user)
    return {"Tags": tags.to_list(user.get("tags"))} | shapes.full(tx, call.account, user, shape)


def _group(call: Call, tx: Tx, group: Entity) -> dict[str, Any]:
    shape = shapes.group(call.account, group)
    return {**shape, "GroupPolicyList": shapes.inline(group), "AttachedManagedPolicies": _attached(call, tx, group)}


def _role(call: Call, tx: Tx, role: Entity) -> dict[str, Any]:
    shape = shapes.role(call.account, role)
    for absent in ("Description", "MaxSessionDuration"):
        shape.pop(absent, None)
    shape["InstanceProfileList"] = [
        instance_profiles.shape(tx, call.account, one, listed=True) for one in instance_profiles.with_role(tx, call.account, role)
    ]
    shape["RolePolicyList"] = shapes.inline(role)
    shape["AttachedManagedPolicies"] = _attached(call, tx, role)
    shape["RoleLastUsed"] = usage.role_last_used(tx, role)
    return {"Tags": tags.to_list(role.get("tags"))} | shapes.full(tx, call.account, role, shape)


def _policy(call: Call, policy: ManagedPolicy, attached: int, bounding: int) -> dict[str, Any]:
    shape = policies.shape(call.account, policy, attached, bounding)
    shape.pop("Tags")
    shape["PolicyVersionList"] = [policies.version_shape(policy, one, document=True) for one in reversed(policy["versions"])]
    return shape


def _attached(call: Call, tx: Tx, entity: Entity) -> list[dict[str, str]]:
    return [shapes.attached(arn) for arn in state.attached_policies(tx, call.account, entity["id"])]
