"""Objects and their versions.

`s3_objects` has the current version of each key, so that a listing reads one row a key however many versions there are;
`s3_noncurrent` has what was replaced in buckets with versioning.  `seq` orders the versions of one key, newest greatest.
"""

from __future__ import annotations

from typing import NamedTuple

from tule.services.s3.state.buckets import Bucket
from tule.services.s3.walk import Start
from tule.store.store import Tx

NULL = "null"
VERSION_ID_CHARS = 32
_OF_KEY = ("bucket", "key")
_OF_VERSION = ("seq", "version", "marker", "size", "etag", "modified_ms", "owner", "storage_class", "checksum", "headers", "tags", "acl")
_OF_BYTES = ("manifest", "blob", "data")
_ADDED = ("sealed", "replication", "lock", "restored")
_NAMES = _OF_KEY + _OF_VERSION + _OF_BYTES + _ADDED
_COLUMNS = ", ".join(_NAMES)
_VALUES = ", ".join("?" for _ in _NAMES)
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[2:])
_CURRENT = f"SELECT {_COLUMNS} FROM s3_objects WHERE bucket = ? AND key = ?"
_HEAD = "SELECT seq, version, marker, etag, modified_ms, size, manifest, blob FROM s3_objects WHERE bucket = ? AND key = ?"
_PUT = f"INSERT INTO s3_objects ({_COLUMNS}) VALUES ({_VALUES}) ON CONFLICT (bucket, key) DO UPDATE SET {_CHANGES}"
_ARCHIVE = f"INSERT INTO s3_noncurrent ({_COLUMNS}) SELECT {_COLUMNS} FROM s3_objects WHERE bucket = ? AND key = ?"
_DELETE = "DELETE FROM s3_objects WHERE bucket = ? AND key = ?"
_PROMOTE = f"INSERT INTO s3_objects ({_COLUMNS}) SELECT {_COLUMNS} FROM s3_noncurrent WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1"
_PROMOTED = "DELETE FROM s3_noncurrent WHERE bucket = ? AND key = ? AND seq = (SELECT seq FROM s3_objects WHERE bucket = ? AND key = ?)"
_NONCURRENT = f"SELECT {_COLUMNS} FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?"
_DELETE_NONCURRENT = "DELETE FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ? RETURNING marker, manifest, blob"
_ACCESS = "SELECT tags, acl, owner FROM s3_objects WHERE bucket = ? AND key = ? AND marker = 0"
_ACCESS_OF_VERSION = (
    "SELECT tags, acl, owner FROM s3_objects WHERE bucket = ? AND key = ? AND version = ?"
    " UNION ALL SELECT tags, acl, owner FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?"
)
_SET_ACL = "UPDATE s3_objects SET acl = ? WHERE bucket = ? AND key = ? AND version = ?"
_SET_NONCURRENT_ACL = "UPDATE s3_noncurrent SET acl = ? WHERE bucket = ? AND key = ? AND version = ?"
_SET_TAGS = "UPDATE s3_objects SET tags = ? WHERE bucket = ? AND key = ? AND version = ?"
_SET_NONCURRENT_TAGS = "UPDATE s3_noncurrent SET tags = ? WHERE bucket = ? AND key = ? AND version = ?"
_ANY = "SELECT 1 FROM s3_objects WHERE bucket = ? LIMIT 1"
_ANY_NONCURRENT = "SELECT 1 FROM s3_noncurrent WHERE bucket = ? LIMIT 1"
_LISTED = "key, size, etag, modified_ms, owner, storage_class, checksum, restored"
_LIST_FROM = f"SELECT {_LISTED} FROM s3_objects WHERE bucket = ? AND key >= ? AND key < ? AND marker = 0 ORDER BY key LIMIT ?"
_LIST_AFTER = f"SELECT {_LISTED} FROM s3_objects WHERE bucket = ? AND key > ? AND key < ? AND marker = 0 ORDER BY key LIMIT ?"
_VERSION_LISTED = "key, seq, version, marker, size, etag, modified_ms, owner, storage_class, checksum"
_NEWEST_FIRST = "ORDER BY key, seq DESC LIMIT ?"
_CURRENT_FROM = f"SELECT {_VERSION_LISTED} FROM s3_objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"
_CURRENT_AFTER = f"SELECT {_VERSION_LISTED} FROM s3_objects WHERE bucket = ? AND key > ? AND key < ? ORDER BY key LIMIT ?"
_NONCURRENT_FROM = f"SELECT {_VERSION_LISTED} FROM s3_noncurrent WHERE bucket = ? AND key >= ? AND key < ? {_NEWEST_FIRST}"
_NONCURRENT_AFTER = f"SELECT {_VERSION_LISTED} FROM s3_noncurrent WHERE bucket = ? AND key > ? AND key < ? {_NEWEST_FIRST}"
_OLDER = f"SELECT {_VERSION_LISTED} FROM s3_noncurrent WHERE bucket = ? AND key = ? AND seq < ? {_NEWEST_FIRST}"
_CURRENT_OLDER = f"SELECT {_VERSION_LISTED} FROM s3_objects WHERE bucket = ? AND key = ? AND seq < ?"
_SEQ = (
    "SELECT seq FROM s3_objects WHERE bucket = ? AND key = ? AND version = ?"
    " UNION ALL SELECT seq FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?"
)


def version_id(tx: Tx, seq: int) -> str:
    """Of a new version.  It says where the version stands, so that a listing goes on behind one that is gone by then."""
    return f"{seq:016x}{tx.ids.alnum(VERSION_ID_CHARS - 16)}"


def _seq_of(version_id: str) -> int | None:
    """None for one that does not tell, such as `null`."""
    try:
        return int(version_id[:16], 16) if len(version_id) == VERSION_ID_CHARS else None
    except ValueError:
        return None


def may_have_been(version_id: str) -> bool:
    """Whether this can be the id of a version that is gone, and not just of none."""
    return version_id == NULL or _seq_of(version_id) is not None


class Version(NamedTuple):
    """One version of an object, or a delete marker.  Fields are the columns; see schema.sql for the last four."""

    bucket: int
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
    acl: str | None
    manifest: str | None
    blob: str | None
    data: bytes | None
    sealed: bytes | None = None
    replication: str | None = None
    lock: str | None = None
    restored: str | None = None


class Head(NamedTuple):
    """What a write must know of the version that it replaces."""

    seq: int
    version: str
    marker: int
    etag: str
    modified_ms: int
    size: int
    manifest: str | None
    blob: str | None


class Access(NamedTuple):
    """What decides on access to an object beside the bucket: tags and ACL, as JSON."""

    tags: str | None
    acl: str | None
    owner: str


class Listed(NamedTuple):
    key: str
    size: int
    etag: str
    modified_ms: int
    owner: str
    storage_class: str
    checksum: str
    restored: str | None = None


class ListedVersion(NamedTuple):
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
    latest: bool

    @property
    def mark(self) -> str:
        return self.version


class Dropped(NamedTuple):
    """Where the bytes of a version that is gone are; another version may share them."""

    manifest: str | None
    blob: str | None


def current(tx: Tx, bucket: Bucket, key: str) -> Version | None:
    """The current version, which may be a delete marker."""
    row = tx.one(_CURRENT, bucket.id, key)
    return None if row is None else Version(*row)


def head(tx: Tx, bucket: Bucket, key: str) -> Head | None:
    row = tx.one(_HEAD, bucket.id, key)
    return None if row is None else Head(*row)


def access(tx: Tx, bucket: Bucket, key: str, version_id: str | None) -> Access | None:
    """None when there is no such object, or version."""
    if version_id is None:
        row = tx.one(_ACCESS, bucket.id, key)
    else:
        row = tx.one(_ACCESS_OF_VERSION, bucket.id, key, version_id, bucket.id, key, version_id)
    return None if row is None else Access(*row)


def version(tx: Tx, bucket: Bucket, key: str, version_id: str) -> Version | None:
    now = current(tx, bucket, key)
    if now is not None and now.version == version_id:
        return now
    row = tx.one(_NONCURRENT, bucket.id, key, version_id)
    return None if row is None else Version(*row)


def put(tx: Tx, bucket: Bucket, new: Version, old: Head | None) -> list[Dropped]:
    """Make `new` the current version in place of `old`; what is no longer reachable by this."""
    dropped: list[Dropped] = []
    if old is not None and (new.version != NULL or old.version != NULL):
        tx.execute(_ARCHIVE, bucket.id, new.key)
        if new.version == NULL:
            dropped += _drop_noncurrent(tx, bucket, new.key, NULL)
    elif old is not None:
        dropped.append(Dropped(old.manifest, old.blob))
    tx.execute(_PUT, *new)
    return dropped


def overwrite(tx: Tx, version: Version) -> None:
    """The current version anew, whatever it was."""
    tx.execute(_PUT, *version)


def remove_current(tx: Tx, bucket: Bucket, key: str, old: Head) -> list[Dropped]:
    """Take the current version away for good; in its place comes the newest of the noncurrent ones, if any."""
    tx.execute(_DELETE, bucket.id, key)
    if bucket.versioning and tx.execute(_PROMOTE, bucket.id, key):
        tx.execute(_PROMOTED, bucket.id, key, bucket.id, key)
    return [Dropped(old.manifest, old.blob)]


def remove_noncurrent(tx: Tx, bucket: Bucket, key: str, version_id: str) -> tuple[bool, list[Dropped]] | None:
    """Whether the version that went was a delete marker, and what it held; None when there is none."""
    row = tx.one(_DELETE_NONCURRENT, bucket.id, key, version_id)
    return None if row is None else (bool(row[0]), [Dropped(row[1], row[2])])


def _drop_noncurrent(tx: Tx, bucket: Bucket, key: str, version_id: str) -> list[Dropped]:
    removed = remove_noncurrent(tx, bucket, key, version_id)
    return removed[1] if removed else []


def set_acl(tx: Tx, bucket: Bucket, of: Version, acl: str | None) -> None:
    if not tx.execute(_SET_ACL, acl, bucket.id, of.key, of.version):
        tx.execute(_SET_NONCURRENT_ACL, acl, bucket.id, of.key, of.version)


def set_tags(tx: Tx, bucket: Bucket, of: Version, tags: str | None) -> None:
    if not tx.execute(_SET_TAGS, tags, bucket.id, of.key, of.version):
        tx.execute(_SET_NONCURRENT_TAGS, tags, bucket.id, of.key, of.version)


def any_in(tx: Tx, bucket: Bucket) -> bool:
    return tx.one(_ANY, bucket.id) is not None or tx.one(_ANY_NONCURRENT, bucket.id) is not None


def listed(tx: Tx, bucket: Bucket, start: Start, end: str, limit: int) -> list[Listed]:
    """Objects from `start` on with a key less than `end`, delete markers left out."""
    rows = tx.all(_LIST_FROM if start.inclusive else _LIST_AFTER, bucket.id, start.key, end, limit)
    return [Listed(*row) for row in rows]


class VersionRows(NamedTuple):
    """All versions and delete markers of a bucket, by key and newest first."""

    tx: Tx
    bucket: Bucket

    def listed(self, start: Start, end: str, limit: int) -> list[ListedVersion]:
        now = self.tx.all(_CURRENT_FROM if start.inclusive else _CURRENT_AFTER, self.bucket.id, start.key, end, limit)
        before = self.tx.all(_NONCURRENT_FROM if start.inclusive else _NONCURRENT_AFTER, self.bucket.id, start.key, end, limit)
        found = [ListedVersion(*row, latest=True) for row in now] + [ListedVersion(*row, latest=False) for row in before]
        return sorted(found, key=lambda each: (each.key, -each.seq))[:limit]

    def rest(self, key: str, mark: str, limit: int) -> list[ListedVersion]:
        """Versions older than `mark`, which may be gone by now; then one of them may be the current one."""
        row = self.tx.one(_SEQ, self.bucket.id, key, mark, self.bucket.id, key, mark)
        seq = row[0] if row is not None else _seq_of(mark)
        if seq is None:
            return []
        current = self.tx.all(_CURRENT_OLDER, self.bucket.id, key, seq) if row is None else []
        older = self.tx.all(_OLDER, self.bucket.id, key, seq, limit)
        return [ListedVersion(*each, latest=True) for each in current] + [ListedVersion(*each, latest=False) for each in older]
