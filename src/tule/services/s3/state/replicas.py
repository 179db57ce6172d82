"""Writing versions that were made elsewhere: they keep their id and their place in the order of versions."""

from __future__ import annotations

from tule.services.s3.state import objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Dropped, Version
from tule.store.store import Tx

_BYTES = "SELECT manifest, blob FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?"
_COLUMNS = ", ".join(Version._fields)
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in Version._fields if name not in ("bucket", "key", "version"))
_PUT_NONCURRENT = (
    f"INSERT INTO s3_noncurrent ({_COLUMNS}) VALUES ({', '.join('?' for _ in Version._fields)})"
    f" ON CONFLICT (bucket, key, version) DO UPDATE SET {_CHANGES}"
)


def put(tx: Tx, bucket: Bucket, replica: Version) -> list[Dropped]:
    """Make the replica the current version if it is the newest, or put it among the others; what it replaces of itself."""
    now = objects.head(tx, bucket, replica.key)
    if now is not None and now.version == replica.version:
        objects.overwrite(tx, replica)
        return _unless_same(Dropped(now.manifest, now.blob), replica)
    row = tx.one(_BYTES, bucket.id, replica.key, replica.version)
    if row is None and (now is None or now.seq < replica.seq):
        return objects.put(tx, bucket, replica, now)
    tx.execute(_PUT_NONCURRENT, *replica)
    return [] if row is None else _unless_same(Dropped(row[0], row[1]), replica)


def _unless_same(old: Dropped, replica: Version) -> list[Dropped]:
    return [] if old == Dropped(replica.manifest, replica.blob) else [old]
