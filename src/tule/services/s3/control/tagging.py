"""Tags by ARN: of buckets, access points and Storage Lens groups.  AWS: S3 Control API reference, TagResource."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from tule.core import arn
from tule.core import tags as tag_forms
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import errors as s3_errors
from tule.services.s3 import tag_rules
from tule.services.s3.control import access, errors
from tule.services.s3.state import access_points, buckets
from tule.services.s3.state.accounts import LENS_GROUPS
from tule.store.store import Tx


class _Tagged(NamedTuple):
    """The tags of a resource, and how they are put in its place."""

    tags: Mapping[str, str]
    put: Callable[[dict[str, str]], None]


def tag_resource(call: Call, tx: Tx, params: Params) -> Params:
    found = _find(call, tx, params)
    added = access.tags(call, params.get("Tags") or ())
    found.put(tag_rules.check({**found.tags, **added}, tag_rules.BUCKET, allowed=None))
    return {}


def untag_resource(call: Call, tx: Tx, params: Params) -> Params:
    found = _find(call, tx, params)
    found.put({key: value for key, value in found.tags.items() if key not in params["TagKeys"]})
    return {}


@reads
def list_tags_for_resource(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": tag_forms.to_list(_find(call, tx, params).tags)}


def _find(call: Call, tx: Tx, params: Params) -> _Tagged:
    """Raises InvalidRequest, NoSuchBucket, NoSuchResource."""
    text = unquote(params["ResourceArn"])
    if not arn.is_arn(text) or arn.parse(text).service != "s3":
        raise s3_errors.invalid_request("The ARN provided is not valid.")
    parsed = arn.parse(text)
    kind, _, name = parsed.resource.partition("/")
    if kind == "accesspoint":
        return _access_point(tx, parsed.account, parsed.region, name)
    if kind == "storage-lens-group":
        return _lens_group(tx, parsed.account, parsed.region, name)
    if name or parsed.account:
        raise errors.no_such_resource()
    return _bucket(call, tx, kind)


def _bucket(call: Call, tx: Tx, name: str) -> _Tagged:
    bucket = buckets.get(tx, name)
    if bucket.account != call.account:
        raise s3_errors.access_denied()
    return _Tagged(bucket.config.get("Tags") or {}, lambda tags: buckets.configure(tx, bucket, Tags=tags or None))


def _access_point(tx: Tx, account: str, region: str, name: str) -> _Tagged:
    point = access_points.find(tx, account, region, name)
    if point is None:
        raise errors.no_such_resource()
    return _Tagged(point.config.get("Tags") or {}, lambda tags: access_points.configure(tx, point, Tags=tags or None))


def _lens_group(tx: Tx, account: str, region: str, name: str) -> _Tagged:
    group = LENS_GROUPS.get(tx, account, region, name)
    if group is None:
        raise errors.no_such_resource()
    return _Tagged(group["Tags"], lambda tags: LENS_GROUPS.put(tx, account, region, name, {**group, "Tags": tags}))
