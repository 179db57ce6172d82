"""Instance profiles.  AWS: IAM API reference, CreateInstanceProfile, AddRoleToInstanceProfile and neighbours."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import errors, instance_profiles, listing, rules, state
from tule.services.iam.instance_profiles import InstanceProfile
from tule.services.iam.operations.roles import modifiable
from tule.services.iam.state import ROLE
from tule.store.store import Tx


def create_instance_profile(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    profile: InstanceProfile = {
        "name": params["InstanceProfileName"],
        "path": params.get("Path", "/"),
        "id": tx.ids.unique_id("AIPA"),
        "created_ms": tx.now_ms,
        "tags": rules.checked_tags(params.get("Tags")),
    }
    instance_profiles.create(tx, call.account, profile)
    return {"InstanceProfile": instance_profiles.shape(tx, call.account, profile)}


@reads
def get_instance_profile(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    profile = instance_profiles.get(tx, call.account, params["InstanceProfileName"])
    return {"InstanceProfile": instance_profiles.shape(tx, call.account, profile)}


@reads
def list_instance_profiles(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    prefix = params.get("PathPrefix", "/")
    profiles = [one for one in instance_profiles.every(tx, call.account) if one["path"].startswith(prefix)]
    return _page(call, tx, params, profiles)


@reads
def list_instance_profiles_for_role(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    role = state.get(tx, ROLE, call.account, params["RoleName"])
    return _page(call, tx, params, instance_profiles.with_role(tx, call.account, role))


def add_role_to_instance_profile(call: Call, tx: Tx, params: Params) -> None:
    profile = instance_profiles.get(tx, call.account, params["InstanceProfileName"])
    role = modifiable(tx, call.account, params["RoleName"])
    if profile.get("role"):
        raise errors.quota_exceeded("InstanceSessionsPerInstanceProfile", 1)
    instance_profiles.put(tx, call.account, {**profile, "role": role["id"]})


def remove_role_from_instance_profile(call: Call, tx: Tx, params: Params) -> None:
    profile = instance_profiles.get(tx, call.account, params["InstanceProfileName"])
    role = modifiable(tx, call.account, params["RoleName"])
    if profile.get("role") != role["id"]:
        raise errors.entity_not_found("role", params["RoleName"])
    instance_profiles.put(tx, call.account, {**profile, "role": ""})


def delete_instance_profile(call: Call, tx: Tx, params: Params) -> None:
    profile = instance_profiles.get(tx, call.account, params["InstanceProfileName"])
    if profile.get("role"):
        raise errors.must_first("remove roles from instance profile")
    instance_profiles.delete(tx, call.account, profile)


def _page(call: Call, tx: Tx, params: Params, profiles: list[InstanceProfile]) -> dict[str, Any]:
    def show(profile: InstanceProfile) -> dict[str, Any]:
        return instance_profiles.shape(tx, call.account, profile, listed=True)

    return listing.page(call, params, "InstanceProfiles", profiles, lambda profile: profile["name"].lower(), show)
