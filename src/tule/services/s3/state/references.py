"""Which rows refer to which bytes."""

from __future__ import annotations

from collections.abc import Iterable

from tule.store.store import Tx

_HOLDS_BLOB = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM s3_objects WHERE blob = ?) OR EXISTS (SELECT 1 FROM s3_noncurrent WHERE blob = ?)"
    " OR EXISTS (SELECT 1 FROM s3_parts WHERE blob = ?)"
)
_HOLDS_MANIFEST = "SELECT 1 WHERE EXISTS (SELECT 1 FROM s3_objects WHERE manifest = ?) OR EXISTS (SELECT 1 FROM s3_noncurrent WHERE manifest = ?)"
_BLOBS_OF = "SELECT blob FROM s3_parts WHERE upload = ? AND blob IS NOT NULL"
_DELETE_PARTS = "DELETE FROM s3_parts WHERE upload = ?"
_DELETE_UPLOAD = "DELETE FROM s3_uploads WHERE id = ?"
_IS_RELEASED = "SELECT 1 FROM s3_released WHERE blob = ?"
_RELEASE = "INSERT INTO s3_released (blob, since_ms) VALUES (?, ?) ON CONFLICT DO NOTHING"
_FORGET = "DELETE FROM s3_released WHERE blob = ?"


def _is_held(tx: Tx, blob: str) -> bool:
    return tx.one(_HOLDS_BLOB, blob, blob, blob) is not None


def holders(tx: Tx, names: list[str]) -> set[str]:
    """Which of these blobs are objects, versions or parts, or were a moment ago.  For the sweeper."""
    return {name for name in names if _is_held(tx, name) or tx.one(_IS_RELEASED, name) is not None}


def release(tx: Tx, blobs: Iterable[str]) -> None:
    """Keep these from the sweeper until `forget`."""
    for blob in blobs:
        tx.execute(_RELEASE, blob, tx.now_ms)


def blobs_of(tx: Tx, manifest: str) -> list[str]:
    """The blobs of a completed upload's parts."""
    return [row[0] for row in tx.all(_BLOBS_OF, manifest)]


def forget(tx: Tx, manifest: str | None, blobs: list[str]) -> list[str]:
    """Delete what was kept of released bytes, a manifest's parts among it, once no version is made of them; the blobs that may go."""
    names = list(blobs)
    for blob in blobs:
        tx.execute(_FORGET, blob)
    if manifest is not None and tx.one(_HOLDS_MANIFEST, manifest, manifest) is None:
        names += blobs_of(tx, manifest)
        tx.execute(_DELETE_PARTS, manifest)
        tx.execute(_DELETE_UPLOAD, manifest)
    return [name for name in names if not _is_held(tx, name)]
