"""Restores of archived versions: changing the column."""

from __future__ import annotations

from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_SET = "UPDATE s3_objects SET restored = ? WHERE bucket = ? AND key = ? AND version = ?"
_SET_NONCURRENT = "UPDATE s3_noncurrent SET restored = ? WHERE bucket = ? AND key = ? AND version = ?"


def put(tx: Tx, bucket: Bucket, of: Version, restored: str | None) -> None:
    if not tx.execute(_SET, restored, bucket.id, of.key, of.version):
        tx.execute(_SET_NONCURRENT, restored, bucket.id, of.key, of.version)
