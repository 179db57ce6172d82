"""Multipart uploads and their parts; the parts of a completed upload are the segments of the object that it became."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from tule.services.s3.state.buckets import Bucket
from tule.services.s3.walk import Start
from tule.store.store import Row, Tx

_COLUMNS = "id, key, initiated_ms, initiator, request, completed"
_CREATE = "INSERT INTO s3_uploads (bucket, id, key, initiated_ms, initiator, request, completed) VALUES (?, ?, ?, ?, ?, ?, NULL)"
_GET = f"SELECT {_COLUMNS} FROM s3_uploads WHERE id = ? AND bucket = ? AND key = ?"
_COMPLETE = "UPDATE s3_uploads SET completed = ? WHERE id = ?"
_DELETE = "DELETE FROM s3_uploads WHERE id = ?"
_LIST_FROM = f"SELECT {_COLUMNS} FROM s3_uploads WHERE bucket = ? AND key >= ? AND key < ? AND completed IS NULL ORDER BY key, id LIMIT ?"
_LIST_AFTER = f"SELECT {_COLUMNS} FROM s3_uploads WHERE bucket = ? AND key > ? AND key < ? AND completed IS NULL ORDER BY key, id LIMIT ?"
_LIST_REST = f"SELECT {_COLUMNS} FROM s3_uploads WHERE bucket = ? AND key = ? AND id > ? AND completed IS NULL ORDER BY id LIMIT ?"
_ABANDON_PARTS = "DELETE FROM s3_parts WHERE upload IN (SELECT id FROM s3_uploads WHERE bucket = ? AND completed IS NULL)"
_ABANDON = "DELETE FROM s3_uploads WHERE bucket = ? AND completed IS NULL"
_PART_COLUMNS = "number, size, etag, checksum, modified_ms, blob, data"
_PARTS = f"SELECT {_PART_COLUMNS} FROM s3_parts WHERE upload = ? ORDER BY number"
_PARTS_AFTER = "SELECT number, size, etag, checksum, modified_ms FROM s3_parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?"
_OLD_BLOB = "SELECT blob FROM s3_parts WHERE upload = ? AND number = ?"
_PUT_PART = (
    f"INSERT INTO s3_parts (upload, {_PART_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (upload, number) DO UPDATE SET"
    " size = excluded.size, etag = excluded.etag, checksum = excluded.checksum, modified_ms = excluded.modified_ms,"
    " blob = excluded.blob, data = excluded.data"
)
_DELETE_PART = "DELETE FROM s3_parts WHERE upload = ? AND number = ?"
_DELETE_PARTS = "DELETE FROM s3_parts WHERE upload = ? RETURNING blob"


class Upload(NamedTuple):
    """`request` is what CreateMultipartUpload was given; `completed` the answer of CompleteMultipartUpload, None before."""

    id: str
    key: str
    initiated_ms: int
    initiator: str
    request: dict[str, Any]
    completed: dict[str, Any] | None

    @property
    def mark(self) -> str:
        return self.id


class Part(NamedTuple):
    """`checksum` is base64, in the upload's algorithm, or S3's own default when the upload has none."""

    number: int
    size: int
    etag: str
    checksum: str
    modified_ms: int
    blob: str | None = None
    data: bytes | None = None


def _upload(row: Row) -> Upload:
    return Upload(row[0], row[1], row[2], row[3], orjson.loads(row[4]), None if row[5] is None else orjson.loads(row[5]))


def create(tx: Tx, bucket: Bucket, upload_id: str, key: str, initiator: str, request: Mapping[str, Any]) -> None:
    tx.execute(_CREATE, bucket.id, upload_id, key, tx.now_ms, initiator, orjson.dumps(request))


def find(tx: Tx, bucket: Bucket, key: str, upload_id: str) -> Upload | None:
    """In progress or completed."""
    row = tx.one(_GET, upload_id, bucket.id, key)
    return None if row is None else _upload(row)


def complete(tx: Tx, upload_id: str, keep: Iterable[Part], found: Iterable[Part], answer: Mapping[str, Any]) -> list[str]:
    """Keep only the parts that became the object; the blobs of the others."""
    kept = {part.number for part in keep}
    others = [part for part in found if part.number not in kept]
    for part in others:
        tx.execute(_DELETE_PART, upload_id, part.number)
    tx.execute(_COMPLETE, orjson.dumps(answer), upload_id)
    return [part.blob for part in others if part.blob is not None]


def abort(tx: Tx, upload_id: str) -> list[str]:
    """Forget the upload; the blobs of its parts."""
    tx.execute(_DELETE, upload_id)
    return [row[0] for row in tx.all(_DELETE_PARTS, upload_id) if row[0] is not None]


def abandon_all(tx: Tx, bucket: Bucket) -> None:
    """Forget every upload in progress of a bucket that goes away; the sweeper finds the bytes."""
    tx.execute(_ABANDON_PARTS, bucket.id)
    tx.execute(_ABANDON, bucket.id)


def put_part(tx: Tx, upload_id: str, part: Part) -> str | None:
    """The blob of the part that this one replaces."""
    old = tx.one(_OLD_BLOB, upload_id, part.number)
    tx.execute(_PUT_PART, upload_id, *part)
    return None if old is None else old[0]


def parts(tx: Tx, upload_id: str) -> list[Part]:
    return [Part(*row) for row in tx.all(_PARTS, upload_id)]


def parts_after(tx: Tx, upload_id: str, number: int, limit: int) -> list[Part]:
    """Without their bytes."""
    return [Part(*row) for row in tx.all(_PARTS_AFTER, upload_id, number, limit)]


class UploadRows(NamedTuple):
    """The uploads in progress of a bucket, by key and oldest first."""

    tx: Tx
    bucket: Bucket

    def listed(self, start: Start, end: str, limit: int) -> list[Upload]:
        rows = self.tx.all(_LIST_FROM if start.inclusive else _LIST_AFTER, self.bucket.id, start.key, end, limit)
        return [_upload(row) for row in rows]

    def rest(self, key: str, mark: str, limit: int) -> list[Upload]:
        return [_upload(row) for row in self.tx.all(_LIST_REST, self.bucket.id, key, mark, limit)]
