"""What happened to an object, told to whom the bucket's notification configuration names.

The jobs are part of the transaction that changes the object.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html and ev-events.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import orjson

from tule.backbone.jobs import enqueue
from tule.core.clock import iso8601
from tule.platform import targets
from tule.platform.call import Call
from tule.platform.service_events import emit
from tule.services.s3 import names
from tule.services.s3.sequence import sequencer
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import NULL
from tule.store.store import Tx

_SOURCE = "s3.amazonaws.com"
_EXPIRES_MS = 24 * 3_600_000
_MAX_ATTEMPTS = 500
_BACKOFF_CAP_MS = 300_000
# Configuration member, the member with the destination's ARN.
DESTINATIONS = (
    ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ("QueueConfigurations", "QueueArn"),
    ("TopicConfigurations", "TopicArn"),
)


class Change(NamedTuple):
    """`name` is the event without `s3:`, such as `ObjectCreated:Put`; `reason` is the API's operation."""

    name: str
    reason: str
    key: str
    seq: int
    size: int | None = None
    etag: str | None = None
    version: str = NULL


class _Shape(NamedTuple):
    """What differs between kinds of event."""

    record_version: str
    detail_type: str
    sequenced: bool


_CREATED = _Shape("2.1", "Object Created", True)
_SHAPES: Mapping[str, _Shape] = {
    "ObjectCreated": _CREATED,
    "ObjectRemoved": _Shape("2.1", "Object Deleted", True),
    "ObjectTagging": _Shape("2.3", "Object Tags Added", False),
    "ObjectAcl": _Shape("2.3", "Object ACL Updated", False),
}


def notify(call: Call, tx: Tx, bucket: Bucket, change: Change) -> None:
    """Enqueue one job for each destination that asked for this."""
    configuration: Mapping[str, Any] | None = bucket.config.get("Notification")
    if configuration is None:
        return
    for config_id, target in _interested(configuration, change):
        _enqueue(call, tx, bucket, target, {"Records": [_record(call, tx, bucket, change, config_id)]})
    if "EventBridgeConfiguration" in configuration:
        _tell_eventbridge(call, tx, bucket, change)


def _enqueue(call: Call, tx: Tx, bucket: Bucket, target: str, payload: dict[str, Any]) -> None:
    job = targets.job(
        target,
        orjson.dumps(payload).decode(),
        account=bucket.account,
        region=bucket.region,
        max_attempts=_MAX_ATTEMPTS,
        backoff_cap_ms=_BACKOFF_CAP_MS,
        expires_ms=tx.now_ms + _EXPIRES_MS,
        source_service=_SOURCE,
        source_arn=bucket.arn,
        trace=call.trace,
    )
    enqueue(tx, job)


def _interested(configuration: Mapping[str, Any], change: Change) -> Iterator[tuple[str, str]]:
    for member, destination in DESTINATIONS:
        for rule in configuration.get(member, ()):
            if any(matches(event, change.name) for event in rule["Events"]) and _passes(rule, change.key):
                yield rule["Id"], rule[destination]


def matches(asked: str, name: str) -> bool:
    """Whether `s3:ObjectCreated:*` or `s3:ObjectCreated:Put` asks for `ObjectCreated:Put`."""
    asked = asked.removeprefix("s3:")
    return asked == name or (asked.endswith(":*") and name.startswith(asked[:-1]))


def _passes(rule: Mapping[str, Any], key: str) -> bool:
    prefix, suffix = affixes(rule)
    return key.startswith(prefix) and key.endswith(suffix)


def affixes(rule: Mapping[str, Any]) -> tuple[str, str]:
    """The prefix and suffix that a rule filters by; empty where it does not."""
    rules: Iterable[Mapping[str, str]] = ((rule.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
    found = {entry["Name"].lower(): entry.get("Value", "") for entry in rules}
    return found.get("prefix", ""), found.get("suffix", "")


def _record(call: Call, tx: Tx, bucket: Bucket, change: Change, config_id: str) -> dict[str, Any]:
    shape = _SHAPES[change.name.partition(":")[0]]
    return {
        "eventVersion": shape.record_version,
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": iso8601(tx.now_ms),
        "eventName": change.name,
        "userIdentity": {"principalId": _caller(call)},
        "requestParameters": {"sourceIPAddress": call.source_ip},
        "responseElements": {"x-amz-request-id": call.id, "x-amz-id-2": names.host_id(call.id)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": config_id,
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": names.principal_id(bucket.account)}, "arn": bucket.arn},
            "object": _object(bucket, change, shape, quote_plus(change.key, safe="/-_.*"), "eTag", "versionId"),
        },
    }


def _object(bucket: Bucket, change: Change, shape: _Shape, key: str, etag: str, version: str) -> dict[str, Any]:
    found: dict[str, Any] = {"key": key}
    if change.size is not None:
        found["size"] = change.size
    if change.etag is not None:
        found[etag] = change.etag
    if bucket.versioning and change.version != NULL:
        found[version] = change.version
    if shape.sequenced:
        found["sequencer"] = sequencer(change.seq)
    return found


def _caller(call: Call) -> str:
    principal = call.principal
    if principal.kind in ("user", "role", "federated"):
        return f"AWS:{principal.user_id}"
    return principal.user_id or principal.service


def _tell_eventbridge(call: Call, tx: Tx, bucket: Bucket, change: Change) -> None:
    kind, _, what = change.name.partition(":")
    shape = _SHAPES[kind]
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": _object(bucket, change, shape, change.key, "etag", "version-id"),
        "request-id": call.id,
        "requester": call.principal.account or call.principal.service,
        "source-ip-address": call.source_ip,
    }
    if shape.sequenced:
        detail["reason"] = change.reason
    detail_type = shape.detail_type
    if kind == "ObjectRemoved":
        detail["deletion-type"] = "Delete Marker Created" if what == "DeleteMarkerCreated" else "Permanently Deleted"
    if change.name == "ObjectTagging:Delete":
        detail_type = "Object Tags Deleted"
    emit(
        tx,
        account=bucket.account,
        region=bucket.region,
        source="aws.s3",
        detail_type=detail_type,
        resources=[bucket.arn],
        detail=detail,
        trace=call.trace,
    )
