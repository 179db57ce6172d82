"""Restoring archived objects: how long it takes, for how long the copy stays, and what happens when both end.

A restore is kept with its version as JSON: `ongoing`, `days`, `until` (milliseconds; 0 while it is under way).
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, NamedTuple

import orjson

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.s3 import errors, events
from tule.services.s3.events import Change
from tule.services.s3.state import buckets, objects, restores
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

KIND = "s3-restore"
ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
# The middle of what AWS documents, for each class and tier.
_DURATIONS_MS = {
    ("GLACIER", "Expedited"): 5 * _MINUTE_MS,
    ("GLACIER", "Standard"): 4 * _HOUR_MS,
    ("GLACIER", "Bulk"): 8 * _HOUR_MS,
    ("DEEP_ARCHIVE", "Standard"): 12 * _HOUR_MS,
    ("DEEP_ARCHIVE", "Bulk"): 48 * _HOUR_MS,
}
_TIERS = ("Expedited", "Standard", "Bulk")


class Restore(NamedTuple):
    ongoing: bool
    days: int
    until_ms: int

    @property
    def text(self) -> str:
        return orjson.dumps({"ongoing": self.ongoing, "days": self.days, "until": self.until_ms}).decode()


def parse(text: str | None) -> Restore | None:
    if text is None:
        return None
    found = orjson.loads(text)
    return Restore(found["ongoing"], found["days"], found["until"])


def told(text: str | None) -> dict[str, str]:
    """The header of an object that is, or was, restored."""
    found = parse(text)
    if found is None:
        return {}
    if found.ongoing:
        return {"Restore": 'ongoing-request="true"'}
    return {"Restore": f'ongoing-request="false", expiry-date="{formatdate(found.until_ms // 1000, usegmt=True)}"'}


def is_readable(version: Version) -> bool:
    """Whether the bytes can be had: not archived, or restored."""
    if version.storage_class not in ARCHIVED:
        return True
    found = parse(version.restored)
    return found is not None and not found.ongoing


def listed(storage_class: str, text: str | None) -> dict[str, Any]:
    """What listings tell who asks for RestoreStatus."""
    found = parse(text) if storage_class in ARCHIVED else None
    if found is None:
        return {}
    if found.ongoing:
        return {"RestoreStatus": {"IsRestoreInProgress": True}}
    return {"RestoreStatus": {"IsRestoreInProgress": False, "RestoreExpiryDate": found.until_ms // 1000}}


def until(now_ms: int, days: int) -> int:
    """Copies go at a midnight."""
    return (now_ms + (days + 1) * _DAY_MS) // _DAY_MS * _DAY_MS


def duration_ms(version: Version, request: Mapping[str, Any]) -> int:
    """How long the restore takes.  Raises MalformedXML, InvalidArgument, InvalidObjectState."""
    if version.storage_class not in ARCHIVED:
        message = "Restore is not allowed for the object's current storage class"
        raise ServiceError("InvalidObjectState", message, 403, fields={"StorageClass": version.storage_class})
    if request.get("Days", 0) < 1:
        raise errors.malformed_xml()
    tier = (request.get("GlacierJobParameters") or {}).get("Tier") or request.get("Tier") or "Standard"
    if tier not in _TIERS:
        raise errors.malformed_xml()
    found = _DURATIONS_MS.get((version.storage_class, tier))
    if found is None:
        raise errors.invalid_argument("Retrieval option is not supported by this storage class", "Tier", tier)
    return found


def begin(tx: Tx, bucket: Bucket, version: Version, days: int, lasts_ms: int) -> None:
    restores.put(tx, bucket, version, Restore(True, days, 0).text)
    _later(tx, bucket, version, tx.now_ms + lasts_ms)


def extend(tx: Tx, bucket: Bucket, version: Version, days: int) -> None:
    """Of a restored object: from now on."""
    found = Restore(False, days, until(tx.now_ms, days))
    restores.put(tx, bucket, version, found.text)
    _later(tx, bucket, version, found.until_ms)


def _later(tx: Tx, bucket: Bucket, version: Version, due_ms: int) -> None:
    payload = {"bucket": bucket.name, "id": bucket.id, "key": version.key, "version": version.version, "seq": version.seq}
    name = f"{KIND}:{bucket.id}:{version.version}:{version.key}"
    enqueue(tx, Job(KIND, bucket.arn, bucket.account, bucket.region, payload, due_ms=due_ms, max_attempts=1_000, name=name))


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """A restore is complete, or its copy goes."""
    await node.store.write(lambda tx: _advance(tx, delivery.payload))
    return Done()


def _advance(tx: Tx, where: Mapping[str, Any]) -> None:
    bucket = buckets.find(tx, where["bucket"])
    version = None if bucket is None or bucket.id != where["id"] else objects.version(tx, bucket, where["key"], where["version"])
    found = None if version is None or version.seq != where["seq"] else parse(version.restored)
    if bucket is None or version is None or found is None:
        return
    if found.ongoing:
        extend(tx, bucket, version, found.days)
        events.notify_by_itself(tx, bucket, change("ObjectRestore:Completed", version, until(tx.now_ms, found.days)))
    elif found.until_ms <= tx.now_ms:
        restores.put(tx, bucket, version, None)
        events.notify_by_itself(tx, bucket, change("ObjectRestore:Delete", version, 0))


def change(name: str, version: Version, until_ms: int) -> Change:
    return Change(
        name,
        "RestoreObject",
        version.key,
        version.seq,
        version.size,
        version.etag,
        version.version,
        storage_class=version.storage_class,
        until_ms=until_ms,
    )
