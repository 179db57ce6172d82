"""The bucket's say in whether a request is allowed: its policy, its ACL and the object's, and the blocking of public access.

ACLs reach the policy engine as statements, so that one place decides.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.access.principal import Principal
from tule.services.s3 import access_control, names, policy_rules, public_access
from tule.services.s3.state.access_points import AccessPoint
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Access

_LOG_DELIVERY = "logging.s3.amazonaws.com"
_OF_BUCKET = {
    "s3:ListBucket": "READ",
    "s3:ListBucketVersions": "READ",
    "s3:ListBucketMultipartUploads": "READ",
    "s3:PutObject": "WRITE",
    "s3:GetBucketAcl": "READ_ACP",
    "s3:PutBucketAcl": "WRITE_ACP",
}
_OF_OBJECT = {
    "s3:GetObject": "READ",
    "s3:GetObjectVersion": "READ",
    "s3:GetObjectAcl": "READ_ACP",
    "s3:GetObjectVersionAcl": "READ_ACP",
    "s3:PutObjectAcl": "WRITE_ACP",
    "s3:PutObjectVersionAcl": "WRITE_ACP",
}


def of(caller: Principal, bucket: Bucket, action: str, resource: str, found: Access | None, *, opened: bool = False) -> Mapping[str, Any] | None:
    """The policy that counts for this caller, action and resource; `found` is the object in question, if any.

    `opened`: nothing but a denial keeps the caller from it.
    """
    policy = _unblocked(caller, bucket)
    if policy is not None and found is not None and found.owner != bucket.account and bucket.config.get("Ownership") != access_control.ENFORCED:
        policy = _denials(policy)  # a bucket's policy lets nobody at objects that are another account's
    has_acls = bucket.config.get("Ownership") != access_control.ENFORCED
    if not opened and not (has_acls and _granted(caller, bucket, action, found)):
        return policy
    statement = {"Sid": "ACL", "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [*(policy_rules.statements(policy) if policy else ()), statement]}


def of_point(caller: Principal, point: AccessPoint) -> Mapping[str, Any] | None:
    """An access point's policy, without what lets the public in where the point blocks that."""
    policy: Mapping[str, Any] | None = point.config.get("Policy")
    restricted = point.config["Block"]["RestrictPublicBuckets"] and caller.account != point.account and not caller.service
    if policy is None or not restricted or not policy_rules.is_public(policy):
        return policy
    return _denials(policy)


def _denials(policy: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = [each for each in policy_rules.statements(policy) if each["Effect"] == "Deny"]
    return {**policy, "Statement": found} if found else None


def _unblocked(caller: Principal, bucket: Bucket) -> Mapping[str, Any] | None:
    """RestrictPublicBuckets: of a public policy only what denies reaches callers of other accounts."""
    policy = bucket.config.get("Policy")
    if policy is None or not public_access.blocks(bucket, "RestrictPublicBuckets") or caller.account == bucket.account or caller.service:
        return policy
    if not policy_rules.is_public(policy):
        return policy
    return _denials(policy)


def may_delete_own(caller: Principal, bucket: Bucket, found: Access | None) -> bool:
    """Whoever a bucket's ACL lets write may delete what is its own."""
    return found is not None and found.owner == caller.account and _granted(caller, bucket, "s3:PutObject", None)


def _granted(caller: Principal, bucket: Bucket, action: str, found: Access | None) -> bool:
    grants: Sequence[Mapping[str, Any]] = ()
    if action in _OF_BUCKET:
        grants = bucket.config.get("Acl") or ()
    elif action in _OF_OBJECT and found is not None:
        grants = orjson.loads(found.acl) if found.acl is not None else access_control.only_owner(found.owner)
    permission = _OF_BUCKET.get(action) or _OF_OBJECT.get(action)
    ignored = public_access.blocks(bucket, "IgnorePublicAcls")
    return any(grant["Permission"] in (permission, "FULL_CONTROL") and _is_grantee(caller, grant["Grantee"], ignored) for grant in grants)


def _is_grantee(caller: Principal, grantee: Mapping[str, str], public_ignored: bool) -> bool:
    uri = grantee.get("URI")
    if uri is None:
        return caller.kind != "anonymous" and grantee.get("ID") == names.canonical_id(caller.account)
    if uri == access_control.ALL_USERS:
        return not public_ignored
    if uri == access_control.LOG_DELIVERY:
        return caller.service == _LOG_DELIVERY
    return uri == access_control.AUTHENTICATED_USERS and not public_ignored and caller.kind != "anonymous"
