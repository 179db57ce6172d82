"""Multipart uploads and their parts; the parts of a completed upload are the segments of the object that it became."""

from __future__ import annotations

from typing import NamedTuple

from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx

_ABANDON_PARTS = "DELETE FROM s3_parts WHERE upload IN (SELECT id FROM s3_uploads WHERE bucket = ? AND completed IS NULL)"
_ABANDON = "DELETE FROM s3_uploads WHERE bucket = ? AND completed IS NULL"
_PART_COLUMNS = "number, size, etag, checksum, modified_ms, blob, data"
_PARTS = f"SELECT {_PART_COLUMNS} FROM s3_parts WHERE upload = ? ORDER BY number"


class Part(NamedTuple):
    """`checksum` is base64 in the upload's algorithm, or empty."""

    number: int
    size: int
    etag: str
    checksum: str
    modified_ms: int
    blob: str | None
    data: bytes | None


def parts(tx: Tx, upload_id: str) -> list[Part]:
    return [Part(*row) for row in tx.all(_PARTS, upload_id)]


def abandon_all(tx: Tx, bucket: Bucket) -> None:
    """Forget every upload in progress of a bucket that goes away; the sweeper finds the bytes."""
    tx.execute(_ABANDON_PARTS, bucket.id)
    tx.execute(_ABANDON, bucket.id)
