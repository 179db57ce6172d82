"""What IAM allows of names, paths, tags and sizes.  AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

from __future__ import annotations

from typing import Any

from tule.core import tags as core_tags
from tule.services.iam import errors
from tule.services.iam.state import GROUP, ROLE, USER, Entity, Kind
from tule.store.store import Tx

MAX_INLINE_CHARS = {USER.noun: 2048, GROUP.noun: 5120, ROLE.noun: 10_240}
MAX_ATTACHED = {USER.noun: 10, GROUP.noun: 10, ROLE.noun: 10}
ATTACHED_QUOTA = {USER.noun: "PoliciesPerUser", GROUP.noun: "PoliciesPerGroup", ROLE.noun: "PoliciesPerRole"}
MAX_POLICY_CHARS = 6144
MAX_TRUST_CHARS = 2048
MAX_VERSIONS = 5
MAX_ACCESS_KEYS = 2
MAX_GROUPS_PER_USER = 10
DEFAULT_SESSION_S = 3600
SERVICE_ROLE_PATH = "/aws-service-role/"


def chars(document: str) -> int:
    """The length that counts against quotas: white space does not."""
    return sum(1 for char in document if not char.isspace())


def new_entity(tx: Tx, kind: Kind, name: str, path: str) -> Entity:
    return {"name": name, "path": path, "id": tx.ids.unique_id(kind.id_prefix), "created_ms": tx.now_ms}


def checked_tags(tags: list[dict[str, Any]] | None, present: dict[str, str] | None = None) -> dict[str, str]:
    """`present` with `tags` put over it; a key in another case replaces.  Raises InvalidInput, LimitExceeded."""
    given = tags or []
    folded = [tag["Key"].lower() for tag in given]
    if len(set(folded)) != len(folded):
        raise errors.invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.startswith("aws:") for key in folded):
        raise errors.invalid_input("Tag keys beginning with aws: are reserved for system use.")
    merged = {key: value for key, value in (present or {}).items() if key.lower() not in folded}
    merged.update(core_tags.to_map(given))
    if len(merged) > core_tags.MAX_TAGS:
        raise errors.limit_exceeded(f"The number of tags has reached the maximum limit of {core_tags.MAX_TAGS}.")
    return merged


def without_tags(present: dict[str, str], keys: list[str]) -> dict[str, str]:
    gone = {key.lower() for key in keys}
    return {key: value for key, value in present.items() if key.lower() not in gone}
