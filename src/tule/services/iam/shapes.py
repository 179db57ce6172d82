"""How entities look in answers.  Documents of policies are URL-encoded (RFC 3986), as IAM sends them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tule.core import tags
from tule.services.iam import state
from tule.services.iam.state import GROUP, ROLE, USER, Entity
from tule.store.store import Tx


def encoded(document: str) -> str:
    return quote(document, safe="")


def seconds(at_ms: int) -> int:
    """IAM's times have no fractions."""
    return at_ms // 1000


def role(account: str, entity: Entity) -> dict[str, Any]:
    """As CreateRole and ListRoles say it: without tags, boundary and last use."""
    shape = {
        "Path": entity["path"],
        "RoleName": entity["name"],
        "RoleId": entity["id"],
        "Arn": ROLE.arn(account, entity),
        "CreateDate": seconds(entity["created_ms"]),
        "AssumeRolePolicyDocument": encoded(entity["trust"]),
    }
    if entity.get("description"):
        shape["Description"] = entity["description"]
    if "max_session" in entity:
        shape["MaxSessionDuration"] = entity["max_session"]
    return shape


def user(account: str, entity: Entity) -> dict[str, Any]:
    shape = {
        "Path": entity["path"],
        "UserName": entity["name"],
        "UserId": entity["id"],
        "Arn": USER.arn(account, entity),
        "CreateDate": seconds(entity["created_ms"]),
    }
    if "password_used_ms" in entity:
        shape["PasswordLastUsed"] = seconds(entity["password_used_ms"])
    return shape


def group(account: str, entity: Entity) -> dict[str, Any]:
    return {
        "Path": entity["path"],
        "GroupName": entity["name"],
        "GroupId": entity["id"],
        "Arn": GROUP.arn(account, entity),
        "CreateDate": seconds(entity["created_ms"]),
    }


def full(tx: Tx, account: str, entity: Entity, shape: dict[str, Any]) -> dict[str, Any]:
    """`shape` with the boundary and the tags of its role or user."""
    boundary = state.boundary(tx, account, entity["id"])
    if boundary is not None:
        shape["PermissionsBoundary"] = boundary_shape(boundary)
    if entity.get("tags"):
        shape["Tags"] = tags.to_list(entity["tags"])
    return shape


def boundary_shape(policy_arn: str) -> dict[str, str]:
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy_arn}


def attached(policy_arn: str) -> dict[str, str]:
    return {"PolicyName": policy_arn.rpartition("/")[2], "PolicyArn": policy_arn}


def inline(entity: Entity) -> list[dict[str, str]]:
    return [{"PolicyName": name, "PolicyDocument": encoded(text)} for name, text in sorted(entity.get("inline", {}).items())]
