"""Every version and part with where its bytes are, page by page through the whole installation."""

from __future__ import annotations

from typing import NamedTuple

from tule.store.store import Tx

_NAMES = "key, version, size, etag, sealed, headers, blob, data, manifest"
_CURRENT = (
    f"SELECT o.bucket, b.name, {', '.join('o.' + name for name in _NAMES.split(', '))} FROM s3_objects o JOIN s3_buckets b ON b.id = o.bucket"
    " WHERE o.marker = 0 AND (o.bucket > ? OR (o.bucket = ? AND o.key > ?)) ORDER BY o.bucket, o.key LIMIT ?"
)
_NONCURRENT = (
    f"SELECT o.bucket, b.name, {', '.join('o.' + name for name in _NAMES.split(', '))} FROM s3_noncurrent o JOIN s3_buckets b ON b.id = o.bucket"
    " WHERE o.marker = 0 AND (o.bucket > ? OR (o.bucket = ? AND (o.key > ? OR (o.key = ? AND o.version > ?))))"
    " ORDER BY o.bucket, o.key, o.version LIMIT ?"
)
_PARTS = "SELECT number, size, etag, blob, data FROM s3_parts WHERE upload = ? ORDER BY number"
_HOLDS = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM s3_objects WHERE bucket = ? AND key = ? AND version = ?)"
    " OR EXISTS (SELECT 1 FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?)"
)
_OF_BLOB = (
    "SELECT b.name, o.key, o.version FROM s3_objects o JOIN s3_buckets b ON b.id = o.bucket WHERE o.blob = ?"
    " UNION ALL SELECT b.name, o.key, o.version FROM s3_noncurrent o JOIN s3_buckets b ON b.id = o.bucket WHERE o.blob = ?"
    " UNION ALL SELECT b.name, o.key, o.version FROM s3_parts p JOIN s3_objects o ON o.manifest = p.upload"
    " JOIN s3_buckets b ON b.id = o.bucket WHERE p.blob = ?"
    " UNION ALL SELECT b.name, o.key, o.version FROM s3_parts p JOIN s3_noncurrent o ON o.manifest = p.upload"
    " JOIN s3_buckets b ON b.id = o.bucket WHERE p.blob = ?"
    " UNION ALL SELECT b.name, u.key, 'an upload in progress' FROM s3_parts p JOIN s3_uploads u ON u.id = p.upload"
    " JOIN s3_buckets b ON b.id = u.bucket WHERE p.blob = ? AND u.completed IS NULL"
)


class Kept(NamedTuple):
    """A version, and where its bytes are."""

    bucket: int
    name: str
    key: str
    version: str
    size: int
    etag: str
    sealed: bytes | None
    headers: bytes
    blob: str | None
    data: bytes | None
    manifest: str | None

    @property
    def shown(self) -> str:
        return shown(self.name, self.key, self.version)


class KeptPart(NamedTuple):
    number: int
    size: int
    etag: str
    blob: str | None
    data: bytes | None


def shown(bucket: str, key: str, version: str) -> str:
    return f"s3://{bucket}/{key}" + ("" if version == "null" else f" ({version})")


def current_after(tx: Tx, last: Kept | None, limit: int) -> list[Kept]:
    bucket, key = (-1, "") if last is None else (last.bucket, last.key)
    return [Kept(*row) for row in tx.all(_CURRENT, bucket, bucket, key, limit)]


def noncurrent_after(tx: Tx, last: Kept | None, limit: int) -> list[Kept]:
    bucket, key, version = (-1, "", "") if last is None else (last.bucket, last.key, last.version)
    return [Kept(*row) for row in tx.all(_NONCURRENT, bucket, bucket, key, key, version, limit)]


def parts(tx: Tx, manifest: str) -> list[KeptPart]:
    return [KeptPart(*row) for row in tx.all(_PARTS, manifest)]


def is_there(tx: Tx, of: Kept) -> bool:
    """Whether the version still is."""
    return tx.one(_HOLDS, of.bucket, of.key, of.version, of.bucket, of.key, of.version) is not None


def held_by(tx: Tx, blob: str) -> list[str]:
    """What a blob is part of, for people."""
    return [shown(*row) for row in tx.all(_OF_BLOB, blob, blob, blob, blob, blob)]
