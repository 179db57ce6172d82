"""What S3 counts for CloudWatch of requests to buckets that have metrics configurations, by each whose filter a request meets.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson

from tule.platform.call import Call
from tule.services.s3 import tag_rules
from tule.services.s3.state import objects
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx
from tule.wire.http import Request, Response

NAMESPACE = "AWS/S3"
_LISTS = ("ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads", "ListParts")
_BY_METHOD = {"GET": "GetRequests", "PUT": "PutRequests", "DELETE": "DeleteRequests", "HEAD": "HeadRequests", "POST": "PostRequests"}

Answered = Callable[[Request, Response, float], None]


def watch(call: Call, tx: Tx, bucket: Bucket, params: Mapping[str, Any]) -> None:
    """Count this call once it is answered, if the bucket wants it."""
    known: Mapping[str, Mapping[str, Any]] | None = bucket.config.get("Metrics")
    if known and (ids := [id for id, given in known.items() if _meets(given.get("Filter"), tx, bucket, params)]):
        others = call.answered if "Logging" in bucket.config else None  # not its own, from when the transaction ran before
        call.answered = partial(_count, call, bucket, ids, others)


def _meets(wanted: Mapping[str, Any] | None, tx: Tx, bucket: Bucket, params: Mapping[str, Any]) -> bool:
    if not wanted:
        return True
    every = wanted.get("And") or wanted
    key: str = params.get("Key", "")
    if not key.startswith(every.get("Prefix", "")):
        return False
    point = every.get("AccessPointArn")
    if point and (bucket.point is None or bucket.point.arn != point):
        return False
    tags: list[dict[str, str]] = every.get("Tags") or ([every["Tag"]] if "Tag" in every else [])
    if not tags:
        return True
    found = _tags(tx, bucket, key, params) if key else {}
    return all(found.get(tag["Key"]) == tag["Value"] for tag in tags)


def _tags(tx: Tx, bucket: Bucket, key: str, params: Mapping[str, Any]) -> Mapping[str, str]:
    """Those that come with an object, or that it has."""
    if "Tagging" in params and isinstance(params["Tagging"], str):
        return tag_rules.from_header(params["Tagging"])
    found = objects.access(tx, bucket, key, params.get("VersionId"))
    return orjson.loads(found.tags) if found is not None and found.tags else {}


def _count(call: Call, bucket: Bucket, ids: list[str], others: Answered | None, request: Request, response: Response, elapsed_s: float) -> None:
    for id in ids:
        dimensions = (("BucketName", bucket.name), ("FilterId", id))
        for name, value, unit in _counts(call, request, response, elapsed_s * 1000):
            call.node.meter.add(bucket.account, bucket.region, NAMESPACE, name, dimensions, value, unit)
    if others is not None:
        others(request, response, elapsed_s)


def _counts(call: Call, request: Request, response: Response, took_ms: float) -> list[tuple[str, float, str]]:
    is_of_object = "Bucket" not in call.operation
    counts = [
        ("AllRequests", 1.0, "Count"),
        ("4xxErrors", float(400 <= response.status < 500), "Count"),
        ("5xxErrors", float(response.status >= 500), "Count"),
        ("FirstByteLatency", took_ms, "Milliseconds"),
        ("TotalRequestLatency", took_ms, "Milliseconds"),
    ]
    if call.operation in _LISTS:
        counts.append(("ListRequests", 1.0, "Count"))
    elif call.operation == "SelectObjectContent":
        counts.append(("SelectRequests", 1.0, "Count"))
    elif is_of_object and request.method in _BY_METHOD:
        counts.append((_BY_METHOD[request.method], 1.0, "Count"))
    if is_of_object and request.method in ("PUT", "POST"):
        sent = request.headers.get("x-amz-decoded-content-length") or request.headers.get("content-length", "0")
        counts.append(("BytesUploaded", float(sent), "Bytes"))
    elif request.method == "GET" and response.status < 400:
        counts.append(("BytesDownloaded", float(_length(response)), "Bytes"))
    return counts


def _length(response: Response) -> int:
    return len(response.body) if isinstance(response.body, bytes) else int(response.headers.get("content-length", "0"))
