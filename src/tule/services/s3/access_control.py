"""Access control lists: canned ones, grants in headers and in XML, ownership, and what of them is public.

An ACL in state is a list of grants in the model's shape; none means that the owner alone has full control.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html and about-object-ownership.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import ServiceError
from tule.services.s3 import errors, names, public_access

Grants = list[dict[str, Any]]
ENFORCED = "BucketOwnerEnforced"
OWNERSHIPS = (ENFORCED, "BucketOwnerPreferred", "ObjectWriter")
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
_GROUPS = (ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY)
_PERMISSIONS = ("FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP")
_HEADERS = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
_CANNED = {
    "private": (),
    "public-read": ((ALL_USERS, "READ"),),
    "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED_USERS, "READ"),),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
}
_EC2 = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"  # who fetches machine images from buckets
_OBJECTS_ONLY = ("bucket-owner-read", "bucket-owner-full-control")
_GRANTEE = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]*)"?\s*', re.IGNORECASE)


def _full_control(account: str) -> dict[str, Any]:
    return _to_account(names.canonical_id(account), "FULL_CONTROL")


def _to_account(canonical_id: str, permission: str) -> dict[str, Any]:
    return {"Grantee": {"Type": "CanonicalUser", "ID": canonical_id}, "Permission": permission}


def _to_group(uri: str, permission: str) -> dict[str, Any]:
    return {"Grantee": {"Type": "Group", "URI": uri}, "Permission": permission}


def only_owner(account: str) -> Grants:
    return [_full_control(account)]


def canned(name: str, owner: str, bucket_owner: str, *, for_bucket: bool) -> Grants:
    """The grants that a canned ACL stands for.  Raises InvalidArgument for a name that S3 does not know."""
    own = only_owner(owner)
    if name in _OBJECTS_ONLY and not for_bucket:
        permission = "READ" if name == "bucket-owner-read" else "FULL_CONTROL"
        return own if owner == bucket_owner else [*own, _to_account(names.canonical_id(bucket_owner), permission)]
    if name == "aws-exec-read":
        return [*own, _to_account(_EC2, "READ")]
    if name not in _CANNED or (name == "log-delivery-write" and not for_bucket):
        raise errors.invalid_argument("", "x-amz-acl", name)
    return own + [_to_group(uri, permission) for uri, permission in _CANNED[name]]


def requested(params: Mapping[str, Any], owner: str, bucket_owner: str, *, for_bucket: bool) -> Grants | None:
    """What the ACL headers of a request ask for; None without any."""
    granted = [(permission, params[member]) for member, permission in _HEADERS.items() if params.get(member) is not None]
    name = params.get("ACL")
    if name is not None and granted:
        raise errors.invalid_request("Specifying both Canned ACLs and Header Grants is not allowed")
    if name is not None:
        return canned(name, owner, bucket_owner, for_bucket=for_bucket)
    if not granted:
        return None
    return [grant for permission, text in granted for grant in _from_header(permission, text)]


def _from_header(permission: str, text: str) -> Grants:
    grants: Grants = []
    for part in text.split(","):
        match = _GRANTEE.fullmatch(part)
        if match is None:
            raise errors.invalid_argument("Argument format not recognized", f"x-amz-grant-{permission.lower().replace('_', '-')}", text)
        kind, value = match[1].lower(), match[2]
        if kind == "emailaddress":
            raise _email_refused()
        grants.append(_to_account(_check_id(value), permission) if kind == "id" else _to_group(_check_group(value), permission))
    return grants


def from_policy(policy: Mapping[str, Any], owner: str) -> Grants:
    """The grants of an AccessControlPolicy in a request's body.  Raises MalformedACLError and its kin."""
    given = (policy.get("Owner") or {}).get("ID")
    if given is None or "Grants" not in policy:
        raise malformed_acl()
    if given != names.canonical_id(owner):
        raise errors.access_denied()
    return [_checked(grant) for grant in policy["Grants"] or ()]


def _checked(grant: Mapping[str, Any]) -> dict[str, Any]:
    grantee, permission = grant.get("Grantee") or {}, grant.get("Permission")
    if permission not in _PERMISSIONS:
        raise malformed_acl()
    match grantee.get("Type"):
        case "CanonicalUser" if grantee.get("ID"):
            return _to_account(_check_id(grantee["ID"]), permission)
        case "Group" if grantee.get("URI"):
            return _to_group(_check_group(grantee["URI"]), permission)
        case "AmazonCustomerByEmail":
            raise _email_refused()
        case _:
            raise malformed_acl()


def _check_id(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise errors.invalid_argument("Invalid id", "CanonicalUser/ID", value)
    return value


def _check_group(uri: str) -> str:
    if uri not in _GROUPS:
        raise errors.invalid_argument("Invalid group uri", "Group/URI", uri)
    return uri


def is_public(grants: Sequence[Mapping[str, Any]]) -> bool:
    return any(grant["Grantee"].get("URI") in (ALL_USERS, AUTHENTICATED_USERS) for grant in grants)


def malformed_acl() -> ServiceError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceError("MalformedACLError", message, 400)


def not_supported() -> ServiceError:
    return ServiceError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


def not_with_ownership() -> ServiceError:
    message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
    return ServiceError("InvalidBucketAclWithObjectOwnership", message, 400)


def public_block() -> ServiceError:
    message = "Bucket cannot have public ACLs set with BlockPublicAccess enabled"
    return ServiceError("InvalidBucketAclWithBlockPublicAccessError", message, 400)


def _email_refused() -> ServiceError:
    """AWS itself no longer takes e-mail grantees."""
    message = "The email address you provided does not match any account on record."
    return ServiceError("UnresolvableGrantByEmailAddress", message, 400)


def check_on_new_bucket(grants: Grants, ownership: str, owner: str) -> None:
    """Every new bucket blocks public ACLs, so only private ones can come with it."""
    if ownership == ENFORCED and grants != only_owner(owner):
        raise not_with_ownership()
    if is_public(grants):
        raise public_block()


def for_new_object(params: Mapping[str, Any], config: Mapping[str, Any], owner: str, bucket_owner: str) -> Grants | None:
    """The ACL that a write asks for, when the bucket takes ACLs; None is the owner's full control."""
    grants = requested(params, owner, bucket_owner, for_bucket=False)
    if grants is None:
        return None
    if config.get("Ownership") == ENFORCED:
        if params.get("ACL") != "bucket-owner-full-control":
            raise not_supported()
        return None
    if is_public(grants) and public_access.in_config(config, "BlockPublicAcls"):
        raise errors.access_denied()
    return None if grants == only_owner(owner) else grants
