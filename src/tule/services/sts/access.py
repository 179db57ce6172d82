"""Permissions of STS's operations.  AWS: Service Authorization Reference, AWS Security Token Service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Need, Needs, Params
from tule.store.store import Tx


def _nothing(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """Operations that need no permission at all."""
    return ()


def _assume_role(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """The role's trust policy is the resource's policy; the role's account owns it."""
    arn = params["RoleArn"]
    role = call.node.identities.role(tx, arn)
    context = _context(params)
    if role is None:
        return (Need("sts:AssumeRole", arn, context),)
    return tuple(Need(action, arn, context, policy=role.trust, owner=role.account) for action in _actions(params))


def _actions(params: Params) -> list[str]:
    actions = ["sts:AssumeRole"]
    if params.get("Tags") or params.get("TransitiveTagKeys"):
        actions.append("sts:TagSession")
    if "SourceIdentity" in params:
        actions.append("sts:SetSourceIdentity")
    return actions


def _context(params: Params) -> dict[str, Any]:
    context: dict[str, Any] = {"sts:RoleSessionName": params["RoleSessionName"]}
    for member, key in (("ExternalId", "sts:ExternalId"), ("SourceIdentity", "sts:SourceIdentity")):
        if member in params:
            context[key] = params[member]
    tags = params.get("Tags", [])
    if tags:
        context["aws:TagKeys"] = [tag["Key"] for tag in tags]
        context.update({f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags})
    if params.get("TransitiveTagKeys"):
        context["sts:TransitiveTagKeys"] = params["TransitiveTagKeys"]
    return context


NEEDS: Mapping[str, Needs] = {
    "GetCallerIdentity": _nothing,
    "GetSessionToken": _nothing,
    "AssumeRole": _assume_role,
}
