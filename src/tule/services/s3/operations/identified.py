"""Configurations of a bucket that have ids.  AWS: S3 API reference, PutBucketAnalyticsConfiguration and its kin."""

from __future__ import annotations

from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import errors, identified_rules, inventory
from tule.services.s3.identified_rules import ANALYTICS, INVENTORY, METRICS, TIERING, Kind
from tule.services.s3.state import buckets
from tule.store.store import Tx

_PAGE = 100


def _put(tx: Tx, call: Call, params: Params, kind: Kind) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    configuration = identified_rules.checked(kind, params["Id"], params[kind.member])
    known = bucket.config.get(kind.config) or {}
    if params["Id"] not in known and len(known) >= kind.most:
        raise identified_rules.too_many()
    buckets.configure(tx, bucket, **{kind.config: {**known, params["Id"]: configuration}})
    if kind is INVENTORY:
        inventory.schedule(tx, bucket, configuration)
    call.status = 204
    return {}


def _get(tx: Tx, params: Params, kind: Kind) -> Params:
    known = buckets.get(tx, params["Bucket"]).config.get(kind.config) or {}
    if params["Id"] not in known:
        raise identified_rules.no_such()
    return {kind.member: known[params["Id"]]}


def _delete(tx: Tx, params: Params, kind: Kind) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    known = dict(bucket.config.get(kind.config) or {})
    if known.pop(params["Id"], None) is None:
        raise identified_rules.no_such()
    buckets.configure(tx, bucket, **{kind.config: known or None})
    return {}


def _list(call: Call, tx: Tx, params: Params, kind: Kind) -> Params:
    """By id, a hundred a page."""
    bucket = buckets.get(tx, params["Bucket"])
    scope = f"{kind.member} {bucket.id}"
    token = params.get("ContinuationToken")
    after = call.node.pager.after(scope, token, lambda: errors.bad_continuation_token(token))
    known = bucket.config.get(kind.config) or {}
    found = [known[id] for id in sorted(known) if id > after]
    shown, last = page(found[: _PAGE + 1], _PAGE, lambda each: each["Id"])
    result: Params = {"IsTruncated": last is not None}
    if shown:
        result[f"{kind.member}List"] = shown
    if token:
        result["ContinuationToken"] = token
    if last is not None:
        result["NextContinuationToken"] = call.node.pager.token(scope, last)
    return result


def put_bucket_analytics_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _put(tx, call, params, ANALYTICS)


@reads
def get_bucket_analytics_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _get(tx, params, ANALYTICS)


def delete_bucket_analytics_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _delete(tx, params, ANALYTICS)


@reads
def list_bucket_analytics_configurations(call: Call, tx: Tx, params: Params) -> Params:
    return _list(call, tx, params, ANALYTICS)


def put_bucket_intelligent_tiering_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _put(tx, call, params, TIERING)


@reads
def get_bucket_intelligent_tiering_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _get(tx, params, TIERING)


def delete_bucket_intelligent_tiering_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _delete(tx, params, TIERING)


@reads
def list_bucket_intelligent_tiering_configurations(call: Call, tx: Tx, params: Params) -> Params:
    return _list(call, tx, params, TIERING)


def put_bucket_inventory_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _put(tx, call, params, INVENTORY)


@reads
def get_bucket_inventory_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _get(tx, params, INVENTORY)


def delete_bucket_inventory_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _delete(tx, params, INVENTORY)


@reads
def list_bucket_inventory_configurations(call: Call, tx: Tx, params: Params) -> Params:
    return _list(call, tx, params, INVENTORY)


def put_bucket_metrics_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _put(tx, call, params, METRICS)


@reads
def get_bucket_metrics_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _get(tx, params, METRICS)


def delete_bucket_metrics_configuration(call: Call, tx: Tx, params: Params) -> Params:
    return _delete(tx, params, METRICS)


@reads
def list_bucket_metrics_configurations(call: Call, tx: Tx, params: Params) -> Params:
    return _list(call, tx, params, METRICS)
