"""Buckets: creating, finding, deleting.  AWS: S3 API reference, CreateBucket, HeadBucket, ListBuckets, DeleteBucket."""

from __future__ import annotations

import re
from typing import Any

from tule.core.errors import not_implemented
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import access_control, errors, names, object_lock, public_access, tag_rules
from tule.services.s3.state import accounts, buckets, objects, uploads
from tule.store.store import Tx

_REGION = re.compile(r"(us|us-gov|eu|ap|sa|ca|me|af|il|mx|cn)-[a-z]+-\d")
_MAX_BUCKETS = 10_000


def create_bucket(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Bucket"]
    names.check_bucket_name(name)
    _check_namespace(call, name, params.get("BucketNamespace", "global"))
    region, location = _placement(call.region, params.get("CreateBucketConfiguration") or {})
    config = _first_configuration(params, location, call.account)
    if (block := accounts.public_access_block(tx, call.account)) is not None:
        config["AccountBlock"] = block
    if not buckets.create(tx, name, call.account, region, config):
        _refuse_second(buckets.get(tx, name), call, region)
    where = f"/{name}" if call.region == "us-east-1" else f"http://{name}.s3.amazonaws.com/"
    return {"Location": where, "BucketArn": names.bucket_arn(region, name)}


def _check_namespace(call: Call, name: str, namespace: str) -> None:
    """Names in an account's own regional namespace say whose they are.  Raises InvalidArgument, InvalidBucketName."""
    if namespace not in ("global", "account-regional"):
        raise errors.invalid_argument("The bucket namespace is not valid", "x-amz-bucket-namespace", namespace)
    if namespace == "account-regional" and not name.endswith(names.regional_suffix(call.account, call.region)):
        raise errors.invalid_bucket_name(name)


def _placement(endpoint: str, configuration: Params) -> tuple[str, str]:
    """The region of the new bucket, and the constraint as GetBucketLocation will repeat it."""
    if configuration.get("Location") or configuration.get("Bucket"):
        raise not_implemented("s3", "CreateBucket of a directory bucket")
    constraint = configuration.get("LocationConstraint")
    if endpoint == "us-east-1":
        if constraint is None:
            return endpoint, ""
        if constraint == "EU":
            return "eu-west-1", "EU"
        if constraint == "us-east-1" or not _REGION.fullmatch(constraint):
            raise errors.invalid_location_constraint(constraint)
        return constraint, constraint
    if constraint == "EU" and endpoint == "eu-west-1":
        return endpoint, "EU"
    if constraint != endpoint:
        raise errors.illegal_location_constraint(constraint)
    return endpoint, endpoint


def _first_configuration(params: Params, location: str, account: str) -> dict[str, Any]:
    ownership = params.get("ObjectOwnership", "BucketOwnerEnforced")
    if ownership not in access_control.OWNERSHIPS:
        raise errors.invalid_argument(f"Invalid x-amz-object-ownership header: {ownership}", "x-amz-object-ownership")
    config: dict[str, Any] = {"Ownership": ownership, "PublicAccessBlock": public_access.ALL}
    if params.get("ObjectLockEnabledForBucket"):
        config |= {"Versioning": "Enabled", "ObjectLock": object_lock.ENABLED}
    if location:
        config["Location"] = location
    grants = access_control.requested(params, account, account, for_bucket=True)
    if grants is not None:
        access_control.check_on_new_bucket(grants, ownership, account)
        config["Acl"] = grants
    tags = (params.get("CreateBucketConfiguration") or {}).get("Tags")
    if tags:
        config["Tags"] = tag_rules.from_list(tags, tag_rules.NEW_BUCKET)
    return config


def _refuse_second(existing: buckets.Bucket, call: Call, region: str) -> None:
    """In us-east-1, creating again what one owns succeeds, for old times' sake."""
    if existing.account != call.account:
        raise errors.bucket_already_exists(existing.name)
    if not (existing.region == region == call.region == "us-east-1"):
        raise errors.bucket_already_owned_by_you(existing.name)


@reads
def head_bucket(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    return {"BucketRegion": bucket.region, "AccessPointAlias": False, "BucketArn": bucket.arn}


@reads
def get_bucket_location(call: Call, tx: Tx, params: Params) -> Params:
    """us-east-1 is answered by an empty element."""
    bucket = buckets.get(tx, params["Bucket"])
    location = bucket.config.get("Location")
    return {"LocationConstraint": location} if location else {}


@reads
def list_buckets(call: Call, tx: Tx, params: Params) -> Params:
    prefix, region, limit = params.get("Prefix", ""), params.get("BucketRegion"), params.get("MaxBuckets", _MAX_BUCKETS)
    scope = f"ListBuckets {call.account} {prefix} {region}"
    token = params.get("ContinuationToken")
    after = call.node.pager.after(scope, token, lambda: errors.bad_continuation_token(token))
    found = buckets.page(tx, call.account, prefix=prefix, after=after, region=region, limit=limit + 1)
    shown, last = page(found, limit, lambda bucket: bucket.name)
    result: Params = {"Buckets": [_listed(bucket) for bucket in shown], "Owner": names.owner(call.account)}
    if "Prefix" in params:
        result["Prefix"] = prefix
    if last is not None:
        result["ContinuationToken"] = call.node.pager.token(scope, last)
    return result


def _listed(bucket: buckets.Bucket) -> Params:
    return {"Name": bucket.name, "CreationDate": bucket.created_ms // 1000, "BucketRegion": bucket.region, "BucketArn": bucket.arn}


def delete_bucket(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    if objects.any_in(tx, bucket):
        raise errors.bucket_not_empty(bucket.name, versioned=bool(bucket.versioning))
    uploads.abandon_all(tx, bucket)
    buckets.delete(tx, bucket)
    return {}
