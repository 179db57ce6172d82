"""Tags of buckets and objects.  AWS: S3 API reference, PutBucketTagging, PutObjectTagging and their kin."""

from __future__ import annotations

import orjson

from tule.core import tags as tag_forms
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import errors, events, reading, replication, tag_rules, writing
from tule.services.s3.events import Change
from tule.services.s3.state import buckets, objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx


def put_bucket_tagging(call: Call, tx: Tx, params: Params) -> Params:
    """Tags of the system are put by calls between services (CloudFormation's), and stay when a client puts others."""
    bucket = buckets.get(tx, params["Bucket"])
    given = params["Tagging"].get("TagSet") or ()
    kept = {} if _is_internal(call) else tag_rules.system_tags(bucket.config.get("Tags") or {})
    tags = tag_rules.from_list(given, tag_rules.BUCKET, allowed=None if _is_internal(call) else kept)
    if any(key not in tags for key in kept):
        raise tag_rules.system_tags_stay()
    buckets.configure(tx, bucket, Tags=tags or None)
    call.status = 204
    return {}


def _is_internal(call: Call) -> bool:
    return not call.headers


@reads
def get_bucket_tagging(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    tags = bucket.config.get("Tags")
    if not tags:
        raise errors.no_such_configuration("NoSuchTagSet", "The TagSet does not exist", bucket.name)
    return {"TagSet": tag_forms.to_list(tags)}


def delete_bucket_tagging(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    if not _is_internal(call) and tag_rules.system_tags(bucket.config.get("Tags") or {}):
        raise tag_rules.system_tags_stay()
    buckets.configure(tx, bucket, Tags=None)
    return {}


def put_object_tagging(call: Call, tx: Tx, params: Params) -> Params:
    tags = tag_rules.from_list(params["Tagging"].get("TagSet") or (), tag_rules.OBJECT)
    return _set(call, tx, params, tags, "PUT", "ObjectTagging:Put")


def delete_object_tagging(call: Call, tx: Tx, params: Params) -> Params:
    return _set(call, tx, params, {}, "DELETE", "ObjectTagging:Delete")


def _set(call: Call, tx: Tx, params: Params, tags: dict[str, str], method: str, event: str) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    version = reading.find(tx, bucket, params["Key"], params.get("VersionId"), method, marker_is_405=True)
    objects.set_tags(tx, bucket, version, orjson.dumps(tags).decode() if tags else None)
    replication.changed(tx, bucket, version)
    change = Change(event, event.replace(":", ""), version.key, version.seq, etag=version.etag, version=version.version)
    events.notify(call, tx, bucket, change)
    return writing.version_member(bucket, version.version)


@reads
def get_object_tagging(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    version = _tagged(tx, bucket, params)
    tags = orjson.loads(version.tags) if version.tags else {}
    return {"TagSet": tag_forms.to_list(dict(sorted(tags.items()))), **writing.version_member(bucket, version.version)}


def _tagged(tx: Tx, bucket: Bucket, params: Params) -> Version:
    """This operation alone names the bucket too, in front of a key that is not there."""
    try:
        return reading.find(tx, bucket, params["Key"], params.get("VersionId"), "GET", marker_is_405=True)
    except ServiceError as error:
        if error.code == "NoSuchKey":
            error.fields["Key"] = f"{bucket.name}/{params['Key']}"
        raise
