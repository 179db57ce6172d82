"""Permissions of IAM's operations on entities: on the ARN that the entity really has (its path is no parameter), with IAM's condition keys.

Operations that are not here need what the generated table says.
AWS: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access Management".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core import arn as arns
from tule.core import tags
from tule.platform.call import Call
from tule.platform.service import Need, Needs, Params
from tule.services.iam import instance_profiles, state
from tule.services.iam.callers import named_or_calling_user
from tule.services.iam.state import GROUP, ROLE, USER, Entity, Kind
from tule.store.store import Tx

_ON_ROLES = (
    "AttachRolePolicy", "DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy", "DeleteServiceLinkedRole", "DetachRolePolicy", "GetRole",
    "GetRolePolicy", "ListAttachedRolePolicies", "ListInstanceProfilesForRole", "ListRolePolicies", "ListRoleTags", "PutRolePermissionsBoundary",
    "PutRolePolicy", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription",
)  # fmt: skip
_ON_USERS = (
    "AttachUserPolicy", "ChangePassword", "CreateAccessKey", "CreateLoginProfile", "CreateServiceSpecificCredential", "DeactivateMFADevice",
    "DeleteAccessKey", "DeleteLoginProfile", "DeleteSSHPublicKey", "DeleteServiceSpecificCredential", "DeleteSigningCertificate", "DeleteUser",
    "DeleteUserPermissionsBoundary", "DeleteUserPolicy", "DetachUserPolicy", "EnableMFADevice", "GetLoginProfile", "GetSSHPublicKey", "GetUser",
    "GetUserPolicy", "ListAccessKeys", "ListAttachedUserPolicies", "ListGroupsForUser", "ListMFADevices", "ListSSHPublicKeys",
    "ListServiceSpecificCredentials", "ListSigningCertificates", "ListUserPolicies", "ListUserTags", "PutUserPermissionsBoundary", "PutUserPolicy",
    "ResetServiceSpecificCredential", "ResyncMFADevice", "TagUser", "UntagUser", "UpdateAccessKey", "UpdateLoginProfile", "UpdateSSHPublicKey",
    "UpdateServiceSpecificCredential", "UpdateSigningCertificate", "UpdateUser", "UploadSSHPublicKey", "UploadSigningCertificate",
)  # fmt: skip
_ON_GROUPS = (
    "AddUserToGroup", "AttachGroupPolicy", "DeleteGroup", "DeleteGroupPolicy", "DetachGroupPolicy", "GetGroup", "GetGroupPolicy",
    "ListAttachedGroupPolicies", "ListGroupPolicies", "PutGroupPolicy", "RemoveUserFromGroup", "UpdateGroup",
)  # fmt: skip
_ON_PROFILES = (
    "DeleteInstanceProfile", "GetInstanceProfile", "ListInstanceProfileTags", "RemoveRoleFromInstanceProfile", "TagInstanceProfile",
    "UntagInstanceProfile",
)  # fmt: skip
_CREATIONS = {"CreateRole": ROLE, "CreateUser": USER, "CreateGroup": GROUP}
# The boundary that counts for these is the one being put; for the other changes, the one that the entity has.
_PUTS_BOUNDARY = ("PutRolePermissionsBoundary", "PutUserPermissionsBoundary")


def _on_entity(kind: Kind) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        if kind is USER and "UserName" not in params and call.principal.kind != "user":
            return _on_own_root(call)
        name = named_or_calling_user(call, params) if kind is USER else params[kind.member]
        entity = state.find(tx, kind, call.account, name)
        resource = kind.arn(call.account, entity or {"path": "/", "name": name})
        context = _context(call, tx, params, entity)
        return (Need(f"iam:{call.operation}", resource, context, shown=f"{kind.noun} {entity['name'] if entity else name}"),)

    return needs


def _on_own_root(call: Call) -> Sequence[Need]:
    """The root's own keys and the like; a role asking for its own gets a refusal of its parameters, if it may ask at all."""
    return (Need(f"iam:{call.operation}", arns.arn("iam", "", call.account, "user/*")),)


def _creation(kind: Kind) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        resource = kind.arn(call.account, {"path": params.get("Path", "/"), "name": params[kind.member]})
        return (Need(f"iam:{call.operation}", resource, _context(call, tx, params, None)),)

    return needs


def _on_profile(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    name = params["InstanceProfileName"]
    profile = instance_profiles.PROFILES.get(tx, call.account, state.GLOBAL, name.lower()) or {"path": "/", "name": name}
    resource = arns.arn("iam", "", call.account, f"instance-profile{profile['path']}{profile['name']}")
    context = {**_tag_context(params), **_resource_tags(profile)}
    return (Need(f"iam:{call.operation}", resource, context, shown=f"instance profile {name}"),)


def _add_role_to_profile(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    role = state.find(tx, ROLE, call.account, params["RoleName"]) or {"path": "/", "name": params["RoleName"]}
    passing = Need("iam:PassRole", ROLE.arn(call.account, role), {"iam:PassedToService": "ec2.amazonaws.com"})
    return (*_on_profile(call, tx, params), passing)


def _create_service_linked_role(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    service = params["AWSServiceName"]
    resource = arns.arn("iam", "", call.account, f"role/aws-service-role/{service}/*")
    return (Need("iam:CreateServiceLinkedRole", resource, {"iam:AWSServiceName": service}),)


def _context(call: Call, tx: Tx, params: Params, entity: Entity | None) -> dict[str, Any]:
    context = {**_tag_context(params), **_resource_tags(entity)}
    if "PolicyArn" in params:
        context["iam:PolicyARN"] = params["PolicyArn"]
    if "PermissionsBoundary" in params:
        context["iam:PermissionsBoundary"] = params["PermissionsBoundary"]
    elif entity is not None and call.operation not in _PUTS_BOUNDARY:
        boundary = state.boundary(tx, call.account, entity["id"])
        if boundary is not None:
            context["iam:PermissionsBoundary"] = boundary
    return context


def _tag_context(params: Params) -> dict[str, Any]:
    given = tags.to_map(params.get("Tags"))
    keys = [*given, *params.get("TagKeys", [])]
    context: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in given.items()}
    return {**context, "aws:TagKeys": keys} if keys else context


def _resource_tags(thing: Mapping[str, Any] | None) -> dict[str, Any]:
    present = (thing or {}).get("tags", {})
    return {f"{prefix}:ResourceTag/{key}": value for key, value in present.items() for prefix in ("aws", "iam")}


NEEDS: Mapping[str, Needs] = {
    **dict.fromkeys(_ON_ROLES, _on_entity(ROLE)),
    **dict.fromkeys(_ON_USERS, _on_entity(USER)),
    **dict.fromkeys(_ON_GROUPS, _on_entity(GROUP)),
    **dict.fromkeys(_ON_PROFILES, _on_profile),
    **{operation: _creation(kind) for operation, kind in _CREATIONS.items()},
    "AddRoleToInstanceProfile": _add_role_to_profile,
    "CreateServiceLinkedRole": _create_service_linked_role,
}
