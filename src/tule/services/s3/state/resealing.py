"""Other keys for bytes that stay where they are."""

from __future__ import annotations

from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_SET = "UPDATE s3_objects SET sealed = ?, headers = ? WHERE bucket = ? AND key = ? AND version = ? AND seq = ?"
_SET_NONCURRENT = "UPDATE s3_noncurrent SET sealed = ?, headers = ? WHERE bucket = ? AND key = ? AND version = ? AND seq = ?"


def put(tx: Tx, bucket: Bucket, of: Version, sealed: bytes | None, headers: bytes) -> bool:
    """False when that version is no longer what it was."""
    where = (bucket.id, of.key, of.version, of.seq)
    return bool(tx.execute(_SET, sealed, headers, *where) or tx.execute(_SET_NONCURRENT, sealed, headers, *where))
