"""Instance profiles: the wrapper through which EC2 takes a role.  They hold at most one role, by its unique id."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core import tags
from tule.services.iam import errors, shapes, state
from tule.services.iam.state import GLOBAL, Entity
from tule.store.documents import Documents
from tule.store.store import Tx

PROFILES = Documents("iam.instance-profile")
InstanceProfile = dict[str, Any]


def create(tx: Tx, account: str, profile: InstanceProfile) -> None:
    """Raises EntityAlreadyExists."""
    if not PROFILES.create(tx, account, GLOBAL, profile["name"].lower(), profile):
        raise errors.already_exists(f"Instance Profile {profile['name']} already exists.")
    state.changed(tx)


def get(tx: Tx, account: str, name: str) -> InstanceProfile:
    """Raises NoSuchEntity."""
    profile = PROFILES.get(tx, account, GLOBAL, name.lower())
    if profile is None:
        raise errors.instance_profile_not_found(name)
    return profile


def put(tx: Tx, account: str, profile: InstanceProfile) -> None:
    PROFILES.put(tx, account, GLOBAL, profile["name"].lower(), profile)
    state.changed(tx)


def delete(tx: Tx, account: str, profile: InstanceProfile) -> None:
    PROFILES.delete(tx, account, GLOBAL, profile["name"].lower())
    state.changed(tx)


def every(tx: Tx, account: str) -> list[InstanceProfile]:
    return [profile for _, profile in PROFILES.page(tx, account, GLOBAL)]


def with_role(tx: Tx, account: str, role: Entity) -> list[InstanceProfile]:
    return [profile for profile in every(tx, account) if profile.get("role") == role["id"]]


def shape(tx: Tx, account: str, profile: InstanceProfile, *, listed: bool = False) -> dict[str, Any]:
    """As GetInstanceProfile says it; lists leave out the tags."""
    found = state.by_id(tx, profile["role"]) if profile.get("role") else None
    result = {
        "Path": profile["path"],
        "InstanceProfileName": profile["name"],
        "InstanceProfileId": profile["id"],
        "Arn": arns.arn("iam", "", account, f"instance-profile{profile['path']}{profile['name']}"),
        "CreateDate": shapes.seconds(profile["created_ms"]),
        "Roles": [] if found is None else [shapes.role(account, found[2])],
    }
    if not listed and profile.get("tags"):
        result["Tags"] = tags.to_list(profile["tags"])
    return result
