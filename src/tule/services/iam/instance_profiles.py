"""Rows of instance profiles."""

from __future__ import annotations

from typing import Any

from tule.services.iam.state import GLOBAL, Entity
from tule.store.documents import Documents
from tule.store.store import Tx

PROFILES = Documents("iam.instance-profile")
InstanceProfile = dict[str, Any]


def every(tx: Tx, account: str) -> list[InstanceProfile]:
    return [profile for _, profile in PROFILES.page(tx, account, GLOBAL)]


def with_role(tx: Tx, account: str, role: Entity) -> list[InstanceProfile]:
    return [profile for profile in every(tx, account) if profile.get("role") == role["id"]]
