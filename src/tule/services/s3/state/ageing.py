"""Versions and uploads as lifecycle rules, inventories and scrubs go through them: in the order of their keys, without their bytes."""

from __future__ import annotations

from typing import NamedTuple

from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Dropped
from tule.store.store import Tx

_NAMES = (
    "key, seq, version, marker, size, etag, modified_ms, owner, storage_class, checksum, headers, tags, lock, replication, manifest, blob, sealed"
)
_CURRENT = f"SELECT {_NAMES} FROM s3_objects WHERE bucket = ? AND key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"
_NONCURRENT = f"SELECT {_NAMES} FROM s3_noncurrent WHERE bucket = ? AND key > ? AND key <= ? AND key >= ? ORDER BY key, seq DESC"
_UPLOADS = (
    "SELECT id, key, initiated_ms FROM s3_uploads WHERE bucket = ? AND completed IS NULL AND (key > ? OR (key = ? AND id > ?))"
    " ORDER BY key, id LIMIT ?"
)
_SET_CLASS = "UPDATE s3_objects SET storage_class = ? WHERE bucket = ? AND key = ? AND version = ?"
_SET_NONCURRENT_CLASS = "UPDATE s3_noncurrent SET storage_class = ? WHERE bucket = ? AND key = ? AND version = ?"
_SET_REPLICATION = "UPDATE s3_objects SET replication = ? WHERE bucket = ? AND key = ? AND version = ?"
_SET_NONCURRENT_REPLICATION = "UPDATE s3_noncurrent SET replication = ? WHERE bucket = ? AND key = ? AND version = ?"


class Aged(NamedTuple):
    """A version or delete marker without its bytes."""

    key: str
    seq: int
    version: str
    marker: int
    size: int
    etag: str
    modified_ms: int
    owner: str
    storage_class: str
    checksum: str
    headers: bytes
    tags: str | None
    lock: str | None
    replication: str | None
    manifest: str | None
    blob: str | None
    sealed: bytes | None

    @property
    def held(self) -> Dropped:
        return Dropped(self.manifest, self.blob)


class AgedUpload(NamedTuple):
    id: str
    key: str
    initiated_ms: int


def current_after(tx: Tx, bucket: Bucket, after: str, prefix: str, end: str, limit: int) -> list[Aged]:
    """Current versions, delete markers among them, with keys greater than `after`, from `prefix` up to `end`."""
    return [Aged(*row) for row in tx.all(_CURRENT, bucket.id, after, prefix, end, limit)]


def noncurrent_between(tx: Tx, bucket: Bucket, after: str, last: str, prefix: str) -> dict[str, list[Aged]]:
    """Noncurrent versions, newest first, by key, of keys greater than `after` and up to `last`."""
    found: dict[str, list[Aged]] = {}
    for row in tx.all(_NONCURRENT, bucket.id, after, last, prefix):
        version = Aged(*row)
        found.setdefault(version.key, []).append(version)
    return found


def uploads_after(tx: Tx, bucket: Bucket, key: str, id: str, limit: int) -> list[AgedUpload]:
    """Uploads in progress, by key and id."""
    return [AgedUpload(*row) for row in tx.all(_UPLOADS, bucket.id, key, key, id, limit)]


def set_storage_class(tx: Tx, bucket: Bucket, key: str, version: str, storage_class: str) -> None:
    if not tx.execute(_SET_CLASS, storage_class, bucket.id, key, version):
        tx.execute(_SET_NONCURRENT_CLASS, storage_class, bucket.id, key, version)


def set_replication(tx: Tx, bucket: Bucket, key: str, version: str, status: str) -> bool:
    """False when that version is gone."""
    return bool(
        tx.execute(_SET_REPLICATION, status, bucket.id, key, version) or tx.execute(_SET_NONCURRENT_REPLICATION, status, bucket.id, key, version)
    )
