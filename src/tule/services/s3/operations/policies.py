"""Bucket policies, blocking of public access, ownership.

AWS: S3 API reference, PutBucketPolicy, GetBucketPolicyStatus, PutPublicAccessBlock, PutBucketOwnershipControls.
"""

from __future__ import annotations

import orjson

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import access_control, errors, policy_rules, public_access
from tule.services.s3.state import buckets
from tule.store.store import Tx


def put_bucket_policy(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    policy = policy_rules.parsed(params.get("Policy", ""), policy_rules.of_bucket(bucket))
    if public_access.blocks(bucket, "BlockPublicPolicy") and policy_rules.is_public(policy):
        raise errors.public_policy_blocked(call.principal.arn, bucket.arn)
    buckets.configure(tx, bucket, Policy=policy)
    call.status = 204
    return {}


@reads
def get_bucket_policy(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    policy = bucket.config.get("Policy")
    if policy is None:
        raise errors.no_such_configuration("NoSuchBucketPolicy", "The bucket policy does not exist", bucket.name)
    return {"Policy": orjson.dumps(policy).decode()}


def delete_bucket_policy(call: Call, tx: Tx, params: Params) -> Params:
    buckets.configure(tx, buckets.get(tx, params["Bucket"]), Policy=None)
    return {}


@reads
def get_bucket_policy_status(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    policy = bucket.config.get("Policy")
    if policy is None:
        raise errors.no_such_configuration("NoSuchBucketPolicy", "The bucket policy does not exist", bucket.name)
    return {"PolicyStatus": {"IsPublic": policy_rules.is_public(policy)}}


def put_public_access_block(call: Call, tx: Tx, params: Params) -> Params:
    block = public_access.checked(params["PublicAccessBlockConfiguration"])
    buckets.configure(tx, buckets.get(tx, params["Bucket"]), PublicAccessBlock=block)
    return {}


@reads
def get_public_access_block(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    block = bucket.config.get("PublicAccessBlock")
    if block is None:
        message = "The public access block configuration was not found"
        raise errors.no_such_configuration("NoSuchPublicAccessBlockConfiguration", message, bucket.name)
    return {"PublicAccessBlockConfiguration": block}


def delete_public_access_block(call: Call, tx: Tx, params: Params) -> Params:
    buckets.configure(tx, buckets.get(tx, params["Bucket"]), PublicAccessBlock=None)
    return {}


def put_bucket_ownership_controls(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    rules = params["OwnershipControls"].get("Rules") or []
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in access_control.OWNERSHIPS:
        raise errors.malformed_xml()
    ownership = rules[0]["ObjectOwnership"]
    acl = bucket.config.get("Acl")
    if ownership == access_control.ENFORCED and acl is not None and acl != access_control.only_owner(bucket.account):
        raise access_control.not_with_ownership()
    buckets.configure(tx, bucket, Ownership=ownership)
    return {}


@reads
def get_bucket_ownership_controls(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    ownership = bucket.config.get("Ownership")
    if ownership is None:
        message = "The bucket ownership controls were not found"
        raise errors.no_such_configuration("OwnershipControlsNotFoundError", message, bucket.name)
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}


def delete_bucket_ownership_controls(call: Call, tx: Tx, params: Params) -> Params:
    """Without controls, ACLs count and each writer owns what it writes."""
    buckets.configure(tx, buckets.get(tx, params["Bucket"]), Ownership=None)
    return {}
