"""Permissions of STS's operations.  AWS: Service Authorization Reference, AWS Security Token Service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Need, Needs, Params
from tule.store.store import Tx

_NOBODY: Mapping[str, Any] = {"Version": "2012-10-17", "Statement": []}


def _assume_role(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """The role's trust policy decides; a role that does not exist trusts nobody, and the caller cannot tell the difference."""
    arn = params["RoleArn"]
    role = call.node.identities.role(tx, arn)
    trust, owner = (_NOBODY, call.account) if role is None else (role.trust, role.account)
    context = _context(call, tx, params)
    return tuple(Need(action, arn, context, policy=trust, owner=owner, policy_decides=True) for action in _actions(params))


def _get_federation_token(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    arn = arns.arn("sts", "", call.account, f"federated-user/{params['Name']}")
    actions = ["sts:GetFederationToken", *(["sts:TagSession"] if params.get("Tags") else [])]
    return tuple(Need(action, arn, _tag_context(params)) for action in actions)


def _nothing(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    """The token, not the caller, is checked, in the operation."""
    return ()


def _actions(params: Params) -> list[str]:
    actions = ["sts:AssumeRole"]
    if params.get("Tags") or params.get("TransitiveTagKeys"):
        actions.append("sts:TagSession")
    if "SourceIdentity" in params:
        actions.append("sts:SetSourceIdentity")
    return actions


def _context(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    context = _tag_context(params)
    for member in ("RoleSessionName", "ExternalId", "SourceIdentity"):
        if member in params:
            context[f"sts:{member}"] = params[member]
    if "TokenCode" in params and _mfa_matches(call, tx, params):
        context |= {"aws:MultiFactorAuthPresent": True, "aws:MultiFactorAuthAge": 0}
    return context


def _mfa_matches(call: Call, tx: Tx, params: Params) -> bool:
    serial = params.get("SerialNumber", "")
    return call.node.identities.mfa_matches(tx, call.principal, serial, params["TokenCode"], call.now_ms)


def _tag_context(params: Params) -> dict[str, Any]:
    tags = params.get("Tags", [])
    context: dict[str, Any] = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
    if tags:
        context["aws:TagKeys"] = [tag["Key"] for tag in tags]
    if params.get("TransitiveTagKeys"):
        context["sts:TransitiveTagKeys"] = params["TransitiveTagKeys"]
    return context


NEEDS: Mapping[str, Needs] = {
    "AssumeRole": _assume_role,
    "AssumeRoleWithWebIdentity": _nothing,
    "GetFederationToken": _get_federation_token,
}
