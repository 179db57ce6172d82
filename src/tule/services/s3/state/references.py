"""Which rows refer to which bytes."""

from __future__ import annotations

from tule.store.store import Tx

_HOLDS_BLOB = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM s3_objects WHERE blob = ?) OR EXISTS (SELECT 1 FROM s3_noncurrent WHERE blob = ?)"
    " OR EXISTS (SELECT 1 FROM s3_parts WHERE blob = ?)"
)
_HOLDS_MANIFEST = "SELECT 1 WHERE EXISTS (SELECT 1 FROM s3_objects WHERE manifest = ?) OR EXISTS (SELECT 1 FROM s3_noncurrent WHERE manifest = ?)"
_DELETE_PARTS = "DELETE FROM s3_parts WHERE upload = ? RETURNING blob"
_DELETE_UPLOAD = "DELETE FROM s3_uploads WHERE id = ?"


def holders(tx: Tx, names: list[str]) -> set[str]:
    """Which of these blobs an object, a version or a part still refers to."""
    return {name for name in names if tx.one(_HOLDS_BLOB, name, name, name) is not None}


def forget_manifest(tx: Tx, manifest: str) -> list[str]:
    """Delete a completed upload's parts once no version is made of them; the blobs that nothing refers to now."""
    if tx.one(_HOLDS_MANIFEST, manifest, manifest) is not None:
        return []
    names = [row[0] for row in tx.all(_DELETE_PARTS, manifest) if row[0] is not None]
    tx.execute(_DELETE_UPLOAD, manifest)
    return [name for name in names if tx.one(_HOLDS_BLOB, name, name, name) is None]
