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
from tule.core import arn as arns
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
_SETTINGS = {"sns": {"Subject": "Amazon S3 Notification"}}
# Configuration member, the member with the destination's ARN.
DESTINATIONS = (
    ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ("QueueConfigurations", "QueueArn"),
    ("TopicConfigurations", "TopicArn"),
)


class Change(NamedTuple):
    """`name` is the event without `s3:`, such as `ObjectCreated:Put`; `reason` is the API's operation, or `Lifecycle Expiration`.

    `storage_class` is where a transition went, or from where a restore comes; `until_ms` when what was restored goes again.
    """

    name: str
    reason: str
    key: str
    seq: int
    size: int | None = None
    etag: str | None = None
    version: str = NULL
    storage_class: str = ""
    until_ms: int = 0
    told: Mapping[str, Any] = {}


class Origin(NamedTuple):
    """Who made a change, and by which request."""

    caller: str  # as records name who it was: `AWS:AIDA...`, an account
    requester: str
    request_id: str
    source_ip: str
    trace: str | None


class _Shape(NamedTuple):
    """What differs between kinds of event; those without a detail type are not told to EventBridge."""

    record_version: str
    detail_type: str
    sequenced: bool
    reasoned: bool = False


_CREATED = _Shape("2.1", "Object Created", True, True)
_SHAPES: Mapping[str, _Shape] = {
    "ObjectCreated": _CREATED,
    "ObjectRemoved": _Shape("2.1", "Object Deleted", True, True),
    "ObjectTagging": _Shape("2.3", "Object Tags Added", False),
    "ObjectAcl": _Shape("2.3", "Object ACL Updated", False),
    "ObjectRestore": _Shape("2.1", "Object Restore Initiated", True),
    "LifecycleExpiration": _Shape("2.3", "Object Deleted", True, True),
    "LifecycleTransition": _Shape("2.3", "Object Storage Class Changed", False),
    "IntelligentTiering": _Shape("2.3", "Object Access Tier Changed", False),
    "Replication": _Shape("2.2", "", False),
}
_DETAIL_TYPES = {
    "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectRestore:Completed": "Object Restore Completed",
    "ObjectRestore:Delete": "Object Restore Expired",
}


def notify(call: Call, tx: Tx, bucket: Bucket, change: Change) -> None:
    """Enqueue one job for each destination that asked for this."""
    if "Notification" in bucket.config:
        _notify(tx, bucket, change, _origin(call))


def notify_by_itself(tx: Tx, bucket: Bucket, change: Change) -> None:
    """The same for what S3 does by itself: lifecycle, restores, replication."""
    if "Notification" in bucket.config:
        is_restore = change.name.startswith("ObjectRestore:")
        who = f"AmazonCustomer:{names.principal_id(bucket.account)}" if is_restore else _SOURCE
        _notify(tx, bucket, change, Origin(who, _SOURCE, tx.ids.uuid(), _SOURCE, None))


def _origin(call: Call) -> Origin:
    requester = call.principal.account or call.principal.service
    return Origin(_caller(call), requester, call.id, call.source_ip, call.trace)


def _notify(tx: Tx, bucket: Bucket, change: Change, origin: Origin) -> None:
    configuration: Mapping[str, Any] = bucket.config["Notification"]
    for config_id, target in _interested(configuration, change):
        _enqueue(tx, bucket, target, {"Records": [_record(tx, bucket, change, config_id, origin)]}, origin)
    if "EventBridgeConfiguration" in configuration:
        _tell_eventbridge(tx, bucket, change, origin)


def _enqueue(tx: Tx, bucket: Bucket, target: str, payload: dict[str, Any], origin: Origin) -> None:
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
        settings=_SETTINGS.get(arns.parse(target).service),
        trace=origin.trace,
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


def _record(tx: Tx, bucket: Bucket, change: Change, config_id: str, origin: Origin) -> dict[str, Any]:
    shape = _SHAPES[change.name.partition(":")[0]]
    return {
        "eventVersion": shape.record_version,
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": iso8601(tx.now_ms),
        "eventName": change.name,
        "userIdentity": {"principalId": origin.caller},
        "requestParameters": {"sourceIPAddress": origin.source_ip},
        "responseElements": {"x-amz-request-id": origin.request_id, "x-amz-id-2": names.host_id(origin.request_id)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": config_id,
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": names.principal_id(bucket.account)}, "arn": bucket.arn},
            "object": _object(bucket, change, shape, quote_plus(change.key, safe="/-_.*"), "eTag", "versionId"),
        },
        **_extra(change),
    }


def _extra(change: Change) -> dict[str, Any]:
    """What only some kinds of record carry."""
    if change.name == "ObjectRestore:Completed":
        until = {"lifecycleRestorationExpiryTime": iso8601(change.until_ms), "lifecycleRestoreStorageClass": change.storage_class}
        return {"glacierEventData": {"restoreEventData": until}}
    if change.told:
        return {"replicationEventData": dict(change.told)}
    if change.name == "LifecycleTransition":
        return {"lifecycleEventData": {"transitionEventData": {"destinationStorageClass": change.storage_class}}}
    if change.name == "IntelligentTiering":
        return {"intelligentTieringEventData": {"destinationAccessTier": change.storage_class}}
    return {}


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


def _tell_eventbridge(tx: Tx, bucket: Bucket, change: Change, origin: Origin) -> None:
    kind, _, what = change.name.partition(":")
    shape = _SHAPES[kind]
    if not shape.detail_type:
        return
    is_restore = kind == "ObjectRestore"
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": _object(bucket, change, shape._replace(sequenced=shape.sequenced and not is_restore), change.key, "etag", "version-id"),
        "request-id": origin.request_id,
        "requester": origin.requester,
        **_told_of_storage(change, kind),
    }
    if origin.source_ip != _SOURCE:
        detail["source-ip-address"] = origin.source_ip
    if shape.reasoned:
        detail["reason"] = change.reason
    if kind in ("ObjectRemoved", "LifecycleExpiration"):
        detail["deletion-type"] = "Delete Marker Created" if what == "DeleteMarkerCreated" else "Permanently Deleted"
    emit(
        tx,
        account=bucket.account,
        region=bucket.region,
        source="aws.s3",
        detail_type=_DETAIL_TYPES.get(change.name, shape.detail_type),
        resources=[bucket.arn],
        detail=detail,
        trace=origin.trace,
    )


def _told_of_storage(change: Change, kind: str) -> dict[str, str]:
    if kind == "LifecycleTransition":
        return {"destination-storage-class": change.storage_class}
    if kind == "IntelligentTiering":
        return {"destination-access-tier": change.storage_class}
    if change.name == "ObjectRestore:Post":
        return {"source-storage-class": change.storage_class}
    if change.name == "ObjectRestore:Completed":
        return {"restore-expiry-time": iso8601(change.until_ms), "source-storage-class": change.storage_class}
    return {}
