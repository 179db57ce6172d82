"""What each operation needs to be allowed: actions, resources, condition keys, and the bucket's own policy.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Need, Needs, Params
from tule.services.s3 import errors
from tule.services.s3.state import buckets
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx


def _bucket_of(tx: Tx, params: Params) -> Bucket:
    """The bucket, once the expected owner was compared.  Raises NoSuchBucket, AccessDenied."""
    bucket = buckets.get(tx, params["Bucket"])
    expected = params.get("ExpectedBucketOwner")
    if expected is not None:
        if not (len(expected) == 12 and expected.isdigit()):
            raise errors.invalid_expected_owner(expected)
        if expected != bucket.account:
            raise errors.access_denied()
    return bucket


def _need(bucket: Bucket, action: str, key: str | None = None, context: Mapping[str, Any] | None = None) -> Need:
    resource = bucket.arn if key is None else f"{bucket.arn}/{key}"
    return Need(f"s3:{action}", resource, context or {}, bucket.config.get("Policy"), bucket.account)


def _on_bucket(action: str) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        return [_need(_bucket_of(tx, params), action)]

    return needs


def _on_object(action: str, versioned: str | None = None) -> Needs:
    def needs(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
        bucket = _bucket_of(tx, params)
        return [_need(bucket, versioned if versioned and params.get("VersionId") else action, params["Key"])]

    return needs


def _listing(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    context = {"s3:prefix": params.get("Prefix", "")}
    if "Delimiter" in params:
        context["s3:delimiter"] = params["Delimiter"]
    if "MaxKeys" in params:
        context["s3:max-keys"] = str(params["MaxKeys"])
    return [_need(_bucket_of(tx, params), "ListBucket", context=context)]


def _delete_objects(call: Call, tx: Tx, params: Params) -> Sequence[Need]:
    bucket = _bucket_of(tx, params)
    entries = (params.get("Delete") or {}).get("Objects") or ()
    return [_need(bucket, "DeleteObjectVersion" if "VersionId" in entry else "DeleteObject", entry["Key"]) for entry in entries]


NEEDS: dict[str, Needs] = {
    "HeadBucket": _on_bucket("ListBucket"),
    "DeleteBucket": _on_bucket("DeleteBucket"),
    "GetBucketLocation": _on_bucket("GetBucketLocation"),
    "PutBucketNotificationConfiguration": _on_bucket("PutBucketNotification"),
    "GetBucketNotificationConfiguration": _on_bucket("GetBucketNotification"),
    "ListObjects": _listing,
    "ListObjectsV2": _listing,
    "PutObject": _on_object("PutObject"),
    "GetObject": _on_object("GetObject", "GetObjectVersion"),
    "HeadObject": _on_object("GetObject", "GetObjectVersion"),
    "DeleteObject": _on_object("DeleteObject", "DeleteObjectVersion"),
    "DeleteObjects": _delete_objects,
}
ANONYMOUS = frozenset(NEEDS)
