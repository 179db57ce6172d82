"""Making a version the current one: what PutObject, CopyObject, CompleteMultipartUpload and form posts share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.platform.call import Call
from tule.services.s3 import access_control, events, garbage, lifecycle, metadata, object_lock, preconditions, replication, tag_rules, vouching
from tule.services.s3.checksums import Checksum
from tule.services.s3.content import Content
from tule.services.s3.encryption import Protection
from tule.services.s3.events import Change
from tule.services.s3.lifecycle import Subject
from tule.services.s3.state import objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import NULL, Version
from tule.store.store import Tx

VERSION_ID_CHARS = objects.VERSION_ID_CHARS


class Draft:
    """A version in the making: everything about it that does not depend on the bucket's state."""

    __slots__ = ("blob", "checksum", "data", "etag", "headers", "manifest", "params", "sealed", "seq", "size", "storage_class", "tags")

    def __init__(self, params: Mapping[str, Any], seq: int) -> None:
        """Raises the errors of headers, tags, storage class and conditions."""
        preconditions.check_write_headers(params)
        self.params = params
        self.seq = seq
        self.headers = metadata.encoded(metadata.of_request(params))
        self.storage_class = metadata.storage_class(params)
        tags = tag_rules.from_header(params["Tagging"]) if params.get("Tagging") else {}
        self.tags = orjson.dumps(tags).decode() if tags else None
        self.size = 0
        self.etag = ""
        self.checksum = ""
        self.manifest: str | None = None
        self.blob: str | None = None
        self.data: bytes | None = None
        self.sealed: bytes | None = None

    def protect(self, protection: Protection) -> None:
        """What is to be kept of its encryption, once it has its bytes."""
        self.sealed = vouching.vouched(protection.sealed, self.data) if protection.kept else protection.sealed
        if protection.kept:
            self.headers = metadata.encoded(metadata.decoded(self.headers) | dict(protection.kept))

    def take(self, content: Content, checksum: Checksum) -> None:
        """Bytes that were stored."""
        self.hold(content.size, content.etag, checksum)
        self.blob, self.data = content.blob, content.data

    def hold(self, size: int, etag: str, checksum: Checksum | None) -> None:
        self.size, self.etag, self.checksum = size, etag, checksum.text if checksum else ""


def commit(call: Call, tx: Tx, bucket: Bucket, draft: Draft, event: str, reason: str) -> Version:
    """Write the version, let go of what it replaces, and tell who asked.  Raises the errors of conditions and of ACLs."""
    key = draft.params["Key"]
    old = objects.head(tx, bucket, key)
    preconditions.check_write(draft.params, key, None if old is None or old.marker else old.etag)
    owner = bucket.account if bucket.config.get("Ownership") == access_control.ENFORCED else call.account
    grants = access_control.for_new_object(draft.params, bucket.config, owner, bucket.account)
    seq = draft.seq if old is None else max(draft.seq, old.seq + 1)
    new = Version(
        bucket=bucket.id,
        key=key,
        seq=seq,
        version=new_version_id(tx, bucket, seq),
        marker=0,
        size=draft.size,
        etag=draft.etag,
        modified_ms=tx.now_ms,
        owner=owner,
        storage_class=draft.storage_class,
        checksum=draft.checksum,
        headers=draft.headers,
        tags=draft.tags,
        acl=None if grants is None else orjson.dumps(grants).decode(),
        manifest=draft.manifest,
        blob=draft.blob,
        data=draft.data,
        sealed=draft.sealed,
        lock=object_lock.of_write(draft.params, bucket, tx.now_ms),
    )
    if (status := replication.status(bucket, new)) is not None:
        new = new._replace(replication=status)
        replication.begin(tx, bucket, new)
    garbage.let_go(tx, bucket, objects.put(tx, bucket, new, old))
    events.notify(call, tx, bucket, Change(event, reason, key, new.seq, new.size, new.etag, new.version))
    return new


def expiration_member(bucket: Bucket, version: Version) -> dict[str, str]:
    """When lifecycle will expire the version, where it is the current one."""
    if "Lifecycle" not in bucket.config:
        return {}
    subject = Subject(version.key, version.size, version.tags, version.storage_class, version.modified_ms)
    return lifecycle.expiration_member(bucket.config, subject)


def new_version_id(tx: Tx, bucket: Bucket, seq: int) -> str:
    return objects.version_id(tx, seq) if bucket.versioning == "Enabled" else NULL


def new_version_member(version: str) -> dict[str, str]:
    """A write answers with the version that it made, unless that is the null version."""
    return {} if version == NULL else {"VersionId": version}


def version_member(bucket: Bucket, version: str) -> dict[str, str]:
    """Reads name the version only in buckets that have, or had, versioning."""
    return {"VersionId": version} if bucket.versioning else {}
