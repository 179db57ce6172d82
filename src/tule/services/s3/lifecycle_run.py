"""Doing what lifecycle rules ask for: once a day, at midnight UTC, through a bucket page by page, a job and a transaction each.

A page and the job of the next one are one transaction, so that a node that dies goes on where it was, and does nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.platform.node import Node
from tule.services.s3 import events, garbage, lifecycle, object_lock, sequence, writing
from tule.services.s3.events import Change
from tule.services.s3.lifecycle import Subject
from tule.services.s3.names import after_all_with
from tule.services.s3.state import ageing, buckets, objects, uploads
from tule.services.s3.state.ageing import Aged
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Head, Version
from tule.store.store import Tx

KIND = "s3-lifecycle"
_PAGE = 200
_EXPIRED = "Lifecycle Expiration"
_EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
_PENDING = ("PENDING", "FAILED")  # what was not replicated yet stays


def schedule(tx: Tx, bucket: Bucket) -> None:
    """The next run, when the bucket's rules were set."""
    _enqueue(tx, bucket, lifecycle.midnight_after(tx.now_ms), {"walk": "objects", "after": ""})


def _enqueue(tx: Tx, bucket: Bucket, due_ms: int, where: Mapping[str, Any]) -> None:
    payload = {"bucket": bucket.name, "id": bucket.id, **where}
    enqueue(tx, Job(KIND, bucket.arn, bucket.account, bucket.region, payload, due_ms=due_ms, max_attempts=1_000, name=f"{KIND}:{bucket.id}"))


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    seq = sequence.draw(node, node.clock.now_ms())
    await node.store.write(lambda tx: _Run(tx, seq).page(delivery.payload))
    return Done()


class _Run:
    """One page in one transaction."""

    def __init__(self, tx: Tx, seq: int) -> None:
        self._tx = tx
        self._seq = seq

    def page(self, where: Mapping[str, Any]) -> None:
        bucket = buckets.find(self._tx, where["bucket"])
        if bucket is None or bucket.id != where["id"] or "Lifecycle" not in bucket.config:
            return
        self._bucket = bucket
        self._rules = lifecycle.rules_of(bucket.config)
        self._smallest = bucket.config["Lifecycle"].get("TransitionDefaultMinimumObjectSize", "")
        following = self._objects(where["after"]) if where["walk"] == "objects" else self._uploads(where["after"], where["upload"])
        due_ms = self._tx.now_ms if following else lifecycle.midnight_after(self._tx.now_ms)
        _enqueue(self._tx, bucket, due_ms, following or {"walk": "objects", "after": ""})

    def _objects(self, after: str) -> dict[str, str]:
        """Where to go on; after the last object come the uploads."""
        found = ageing.current_after(self._tx, self._bucket, after, "", after_all_with(""), _PAGE)
        if not found:
            return {"walk": "uploads", "after": "", "upload": ""}
        older = ageing.noncurrent_between(self._tx, self._bucket, after, found[-1].key, "") if self._bucket.versioning else {}
        for version in found:
            self._noncurrent(version, older.get(version.key, []))
        return {"walk": "objects", "after": found[-1].key}

    def _uploads(self, key: str, id: str) -> dict[str, str] | None:
        found = ageing.uploads_after(self._tx, self._bucket, key, id, _PAGE)
        for upload in found:
            due = lifecycle.abort(self._rules, upload.key, upload.initiated_ms)
            if due is not None and due.at_ms <= self._tx.now_ms:
                garbage.let_go_blobs(self._tx, self._bucket, uploads.abort(self._tx, upload.id))
        return {"walk": "uploads", "after": found[-1].key, "upload": found[-1].id} if len(found) == _PAGE else None

    def _noncurrent(self, now: Aged, older: list[Aged]) -> None:
        """The noncurrent versions of a key, newest first, then the current one: it may be a marker that is left alone."""
        left, since_ms = 0, now.modified_ms
        for newer, version in enumerate(older):
            subject = Subject(version.key, version.size, version.tags, version.storage_class, since_ms, newer)
            since_ms = version.modified_ms
            if self._is_kept(version) or not lifecycle.noncurrent_goes(self._rules, subject, self._tx.now_ms):
                left += 1
                if not version.marker:
                    self._move(version, lifecycle.noncurrent_transition(self._rules, subject, self._tx.now_ms, self._smallest))
                continue
            removed = objects.remove_noncurrent(self._tx, self._bucket, version.key, version.version)
            garbage.let_go(self._tx, self._bucket, removed[1] if removed else ())
            self._tell(Change("LifecycleExpiration:Delete", _EXPIRED, version.key, self._seq, version=version.version))
        self._current(now, left)

    def _is_kept(self, version: Aged) -> bool:
        if version.replication in _PENDING:
            return True
        lock = object_lock.parse(version.lock)
        return lock.hold == "ON" or lock.until_ms > self._tx.now_ms

    def _current(self, now: Aged, noncurrent: int) -> None:
        subject = Subject(now.key, now.size, now.tags, now.storage_class, now.modified_ms)
        if now.marker:
            if not noncurrent and lifecycle.marker_goes(self._rules, subject, self._tx.now_ms):
                self._remove(now)
            return
        due = lifecycle.expiration(self._rules, subject)
        if due is None or due.at_ms > self._tx.now_ms or now.replication in _PENDING:
            self._move(now, lifecycle.transition(self._rules, subject, self._tx.now_ms, self._smallest))
        elif self._bucket.versioning:
            self._mark(now)
        else:
            self._remove(now)

    def _remove(self, now: Aged) -> None:
        garbage.let_go(self._tx, self._bucket, objects.remove_current(self._tx, self._bucket, now.key, _head(now)))
        self._tell(Change("LifecycleExpiration:Delete", _EXPIRED, now.key, max(self._seq, now.seq + 1), version=now.version))

    def _mark(self, now: Aged) -> None:
        bucket, seq = self._bucket, max(self._seq, now.seq + 1)
        version = writing.new_version_id(self._tx, bucket, seq)
        marker = Version(bucket.id, now.key, seq, version, 1, 0, "", self._tx.now_ms, bucket.account, "", "", b"{}", None, None, None, None, None)
        garbage.let_go(self._tx, bucket, objects.put(self._tx, bucket, marker, _head(now)))
        self._tell(Change("LifecycleExpiration:DeleteMarkerCreated", _EXPIRED, now.key, seq, etag=_EMPTY_ETAG, version=version))

    def _move(self, version: Aged, storage_class: str | None) -> None:
        if storage_class is None:
            return
        ageing.set_storage_class(self._tx, self._bucket, version.key, version.version, storage_class)
        self._tell(
            Change(
                "LifecycleTransition",
                "Lifecycle Transition",
                version.key,
                version.seq,
                version.size,
                version.etag,
                version.version,
                storage_class=storage_class,
            )
        )

    def _tell(self, change: Change) -> None:
        events.notify_by_itself(self._tx, self._bucket, change)


def _head(of: Aged) -> Head:
    return Head(of.seq, of.version, of.marker, of.etag, of.modified_ms, of.size, of.manifest, of.blob)
