"""Locks of versions: reading and changing the column."""

from __future__ import annotations

from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_GET = (
    "SELECT lock FROM s3_objects WHERE bucket = ? AND key = ? AND version = ?"
    " UNION ALL SELECT lock FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?"
)
_SET = "UPDATE s3_objects SET lock = ? WHERE bucket = ? AND key = ? AND version = ?"
_SET_NONCURRENT = "UPDATE s3_noncurrent SET lock = ? WHERE bucket = ? AND key = ? AND version = ?"


def get(tx: Tx, bucket: Bucket, key: str, version: str) -> str | None:
    """None for a version that is not locked, or not there."""
    row = tx.one(_GET, bucket.id, key, version, bucket.id, key, version)
    return None if row is None else row[0]


def put(tx: Tx, bucket: Bucket, of: Version, lock: str | None) -> None:
    if not tx.execute(_SET, lock, bucket.id, of.key, of.version):
        tx.execute(_SET_NONCURRENT, lock, bucket.id, of.key, of.version)
