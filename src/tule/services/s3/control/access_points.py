"""Access points.  AWS: S3 Control API reference, CreateAccessPoint and its kin."""

from __future__ import annotations

import re

import orjson

from tule.core import arn
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import errors as s3_errors
from tule.services.s3 import policy_rules, public_access
from tule.services.s3.control import access, errors
from tule.services.s3.state import access_points, buckets
from tule.services.s3.state.access_points import AccessPoint
from tule.store.store import Tx

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]")
_RESERVED = ("-s3alias", "--ol-s3", "--xa-s3")
_ALIAS_CHARS = 63
_MOST = 1000


def create_access_point(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    if not _NAME.fullmatch(name) or name.startswith("xn--") or name.endswith(_RESERVED):
        raise errors.invalid_access_point_name(name)
    if "Scope" in params:
        raise s3_errors.invalid_request("Access point scopes are for directory buckets.")
    bucket = buckets.get(tx, params["Bucket"])
    if params.get("BucketAccountId", bucket.account) != bucket.account:
        raise s3_errors.access_denied()
    block = params.get("PublicAccessBlockConfiguration")
    config: Params = {
        "Bucket": bucket.name,
        "BucketAccount": bucket.account,
        "Alias": _alias(tx, name),
        "Created": tx.now_ms,
        "Block": public_access.ALL if block is None else public_access.checked(block),
    }
    if params.get("VpcConfiguration"):
        config["Vpc"] = params["VpcConfiguration"]
    if params.get("Tags"):
        config["Tags"] = access.tags(call, params["Tags"])
    point = AccessPoint(call.account, call.region, name, config)
    if not access_points.create(tx, point):
        raise errors.access_point_already_owned()
    return {"AccessPointArn": point.arn, "Alias": config["Alias"]}


def _alias(tx: Tx, name: str) -> str:
    """A name for the access point that may stand wherever a bucket's may."""
    unique = tx.ids.alnum(34).lower()
    return f"{name[: _ALIAS_CHARS - len(unique) - len('--s3alias')]}-{unique}-s3alias"


def find(call: Call, tx: Tx, params: Params) -> AccessPoint:
    """By name or ARN.  Raises NoSuchAccessPoint."""
    name = params["Name"]
    point = access_points.find(tx, call.account, call.region, name.rpartition("/")[2] if arn.is_arn(name) else name)
    if point is None:
        raise errors.no_such_access_point(name)
    return point


@reads
def get_access_point(call: Call, tx: Tx, params: Params) -> Params:
    point = find(call, tx, params)
    end = f"{call.region}.amazonaws.com" + (".cn" if arn.partition_of(call.region) == "aws-cn" else "")
    return {
        **_listed(point),
        "PublicAccessBlockConfiguration": point.config["Block"],
        "CreationDate": point.config["Created"] // 1000,
        "Endpoints": {
            "dualstack": f"s3-accesspoint.dualstack.{end}",
            "fips": f"s3-accesspoint-fips.{end}",
            "fips_dualstack": f"s3-accesspoint-fips.dualstack.{end}",
            "ipv4": f"s3-accesspoint.{end}",
        },
    }


def _listed(point: AccessPoint) -> Params:
    found: Params = {
        "Name": point.name,
        "NetworkOrigin": point.origin,
        "Bucket": point.config["Bucket"],
        "AccessPointArn": point.arn,
        "Alias": point.config["Alias"],
        "BucketAccountId": point.config["BucketAccount"],
    }
    if "Vpc" in point.config:
        found["VpcConfiguration"] = point.config["Vpc"]
    return found


@reads
def list_access_points(call: Call, tx: Tx, params: Params) -> Params:
    limit = min(params.get("MaxResults", _MOST), _MOST)
    scope = f"ListAccessPoints {call.account} {params.get('Bucket')}"
    token = params.get("NextToken")
    after = call.node.pager.after(scope, token, lambda: s3_errors.invalid_argument("The token provided is invalid", "NextToken", token))
    found = [
        point
        for point in access_points.page(tx, call.account, call.region, after, 1_000_000)
        if params.get("Bucket") in (None, point.config["Bucket"])
    ]
    shown, last = page(found[: limit + 1], limit, lambda point: point.name)
    result: Params = {"AccessPointList": [_listed(point) for point in shown]}
    if last is not None:
        result["NextToken"] = call.node.pager.token(scope, last)
    return result


def delete_access_point(call: Call, tx: Tx, params: Params) -> Params:
    access_points.delete(tx, find(call, tx, params))
    call.status = 204
    return {}


def put_access_point_policy(call: Call, tx: Tx, params: Params) -> Params:
    point = find(call, tx, params)
    policy = policy_rules.parsed(params["Policy"], policy_rules.of_point(point))
    if policy_rules.is_public(policy) and point.config["Block"]["BlockPublicPolicy"]:
        raise s3_errors.access_denied()
    access_points.configure(tx, point, Policy=policy)
    return {}


@reads
def get_access_point_policy(call: Call, tx: Tx, params: Params) -> Params:
    return {"Policy": orjson.dumps(_policy(call, tx, params)).decode()}


@reads
def get_access_point_policy_status(call: Call, tx: Tx, params: Params) -> Params:
    return {"PolicyStatus": {"IsPublic": policy_rules.is_public(_policy(call, tx, params))}}


def _policy(call: Call, tx: Tx, params: Params) -> Params:
    point = find(call, tx, params)
    if "Policy" not in point.config:
        raise errors.no_such_access_point_policy(point.name)
    return point.config["Policy"]


def delete_access_point_policy(call: Call, tx: Tx, params: Params) -> Params:
    access_points.configure(tx, find(call, tx, params), Policy=None)
    call.status = 204
    return {}
