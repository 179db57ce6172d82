"""Access control lists.  AWS: S3 API reference, GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import access_control, errors, events, names, public_access, reading, replication
from tule.services.s3.access_control import Grants
from tule.services.s3.events import Change
from tule.services.s3.state import buckets, objects
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx


def put_bucket_acl(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    grants = _asked(params, bucket.account, bucket, for_bucket=True)
    if bucket.config.get("Ownership") == access_control.ENFORCED and grants != access_control.only_owner(bucket.account):
        raise access_control.not_supported()
    _check_block(bucket, grants)
    buckets.configure(tx, bucket, Acl=grants)
    return {}


@reads
def get_bucket_acl(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    return {"Owner": names.owner(bucket.account), "Grants": bucket.config.get("Acl", access_control.only_owner(bucket.account))}


def put_object_acl(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    version = reading.find(tx, bucket, params["Key"], params.get("VersionId"), "PUT", marker_is_405=True)
    grants = _asked(params, version.owner, bucket, for_bucket=False)
    if bucket.config.get("Ownership") == access_control.ENFORCED:
        if params.get("ACL") != "bucket-owner-full-control" and grants != access_control.only_owner(version.owner):
            raise access_control.not_supported()
        grants = access_control.only_owner(version.owner)
    _check_block(bucket, grants)
    stored = None if grants == access_control.only_owner(version.owner) else orjson.dumps(grants).decode()
    objects.set_acl(tx, bucket, version, stored)
    replication.changed(tx, bucket, version)
    change = Change("ObjectAcl:Put", "PutObjectAcl", version.key, version.seq, etag=version.etag, version=version.version)
    events.notify(call, tx, bucket, change)
    return {}


@reads
def get_object_acl(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    version = reading.find(tx, bucket, params["Key"], params.get("VersionId"), "GET")
    grants = access_control.only_owner(version.owner) if version.acl is None else orjson.loads(version.acl)
    if bucket.versioning:
        call.response_headers["x-amz-version-id"] = version.version
    return {"Owner": names.owner(version.owner), "Grants": grants}


def _asked(params: Mapping[str, Any], owner: str, bucket: Bucket, *, for_bucket: bool) -> Grants:
    """Exactly one of canned ACL, grant headers, or a body."""
    grants = access_control.requested(params, owner, bucket.account, for_bucket=for_bucket)
    policy = params.get("AccessControlPolicy")
    if grants is not None and policy:
        raise errors.unexpected_content()
    if grants is not None:
        return grants
    if not policy:
        raise errors.missing_security_header("x-amz-acl")
    return access_control.from_policy(policy, owner)


def _check_block(bucket: Bucket, grants: Grants) -> None:
    if access_control.is_public(grants) and public_access.blocks(bucket, "BlockPublicAcls"):
        raise errors.access_denied()
