"""Reading one version of an object: which one, under which conditions, which bytes of it, and what the answer says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from email.utils import formatdate
from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.s3 import (
    checksums,
    customer_keys,
    encryption,
    errors,
    known_buckets,
    metadata,
    object_lock,
    preconditions,
    ranges,
    restoring,
    writing,
)
from tule.services.s3.checksums import Checksum
from tule.services.s3.encryption import Unlock
from tule.services.s3.ranges import Span
from tule.services.s3.sealing import Seal
from tule.services.s3.segments import Segment, pieces, segments_of
from tule.services.s3.state import buckets, objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}
_OVERRIDDEN = frozenset(_OVERRIDES)


_CONDITIONS = frozenset(("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince"))


def http_date(at_ms: int) -> str:
    return formatdate(at_ms // 1000, usegmt=True)


def find(tx: Tx, bucket: Bucket, key: str, version_id: str | None, method: str, *, marker_is_405: bool = False) -> Version:
    """The version that a request means.  Raises NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete marker.

    A current delete marker is NoSuchKey for most, MethodNotAllowed for those that set `marker_is_405`.
    """
    if version_id is None:
        found = objects.current(tx, bucket, key)
        if found is None:
            raise errors.no_such_key(key)
        if found.marker and marker_is_405:
            raise errors.version_is_delete_marker(method, found.version, http_date(found.modified_ms))
        if found.marker:
            raise errors.delete_marker_is_current(key, found.version)
        return found
    check_version_id(version_id)
    found = objects.version(tx, bucket, key, version_id)
    if found is None:
        raise errors.no_such_version(key, version_id)
    if found.marker:
        raise errors.version_is_delete_marker(method, version_id, http_date(found.modified_ms))
    return found


def _look_up(call: Call, tx: Tx, params: Mapping[str, Any], method: str) -> tuple[Bucket, Version]:
    """By what is known of the bucket; by its row, should the object not be there.  Raises what `find` does, and NoSuchBucket."""
    name, key, version_id = params["Bucket"], params["Key"], params.get("VersionId")
    bucket = known_buckets.known(call.node, name) or buckets.get(tx, name)
    try:
        return bucket, find(tx, bucket, key, version_id, method)
    except ServiceError:
        now = buckets.get(tx, name)
        return now, find(tx, now, key, version_id, method)


def check_version_id(version_id: str, argument: str = "versionId") -> None:
    """Raises InvalidArgument for what cannot be the id of a version."""
    if version_id != objects.NULL and not (len(version_id) == writing.VERSION_ID_CHARS and version_id.replace("_", "").replace(".", "").isalnum()):
        raise errors.invalid_argument("Invalid version id specified", argument, version_id)


def check_not_archived(version: Version) -> None:
    """Raises InvalidObjectState for what would have to be restored first."""
    if not restoring.is_readable(version):
        raise errors.invalid_object_state(version.storage_class)


class Reading:
    """GetObject and HeadObject up to the bytes.  Made within a transaction; raises every error that they answer."""

    def __init__(self, call: Call, tx: Tx, params: Mapping[str, Any], method: str) -> None:
        self._call = call
        self._params = params
        self.bucket, self.version = _look_up(call, tx, params, method)
        version = self.version
        if not _CONDITIONS.isdisjoint(params):
            unchanged = {"etag": f'"{version.etag}"', "last-modified": http_date(version.modified_ms)}
            preconditions.check_read(params, version.etag, version.modified_ms, errors.not_modified(unchanged))
        self._customer = customer_keys.given(params)
        self._seal: Seal | Unlock | None = encryption.seal_of(call, tx, self.bucket, version.sealed, self._customer)
        self.segments: Sequence[Segment] = segments_of(tx, version) if version.data is None else ()
        self._part: Segment | None = None
        self.span = self._span()

    def _span(self) -> Span | None:
        number = self._params.get("PartNumber")
        wanted = self._params.get("Range")
        if number is None:
            return ranges.span(wanted, self.version.size)
        if wanted is not None:
            raise errors.invalid_request("Cannot specify both Range header and partNumber query parameter")
        parts = self._parts_count() or 1
        if not 1 <= number <= parts:
            raise errors.invalid_part_number(number, parts)
        if parts == 1 and not self._parts_count():
            return Span(0, self.version.size)
        self._part = part = self.segments[number - 1]
        return Span(part.start, part.start + part.size)

    def _parts_count(self) -> int:
        """How many parts a multipart upload made this of, as its ETag tells; 0 for others."""
        _, dash, count = self.version.etag.partition("-")
        return int(count) if dash else 0

    def answer(self) -> dict[str, Any]:
        version, span = self.version, self.span
        result: dict[str, Any] = {
            "AcceptRanges": "bytes",
            "LastModified": version.modified_ms // 1000,
            "ContentLength": version.size if span is None else span.length,
            "ETag": f'"{version.etag}"',
            "Metadata": {},
            **encryption.told(version.headers, self._customer),
            **metadata.shown(version.headers),
            **object_lock.told(version.lock),
            **restoring.told(version.restored),
            **writing.version_member(self.bucket, version.version),
        }
        if version.replication is not None:
            result["ReplicationStatus"] = version.replication
        if self._params.get("VersionId") is None:
            result |= writing.expiration_member(self.bucket, version)
        if span is not None and span.length:
            result["ContentRange"] = span.content_range(version.size)
            self._call.status = 206
        if version.storage_class != metadata.STANDARD:
            result["StorageClass"] = version.storage_class
        if version.tags:
            result["TagCount"] = len(metadata.decoded(version.tags.encode()))
        if self._params.get("PartNumber") is not None and self._parts_count():
            result["PartsCount"] = self._parts_count()
        if self._params.get("ChecksumMode") == "ENABLED":
            result |= self._checksum_members()
        return result | self._overrides()

    def _overrides(self) -> dict[str, Any]:
        """Headers that the client asks to have in their place."""
        if _OVERRIDDEN.isdisjoint(self._params):
            return {}
        found = {member: self._params[parameter] for parameter, member in _OVERRIDES.items() if self._params.get(parameter) is not None}
        if "Expires" in found:
            found["Expires"] = http_date(int(found["Expires"] * 1000))
        if found and self._call.principal.kind == "anonymous":
            raise errors.invalid_request("Request specific response headers cannot be used for anonymous GET requests.")
        for parameter, member in _OVERRIDES.items():
            value = found.get(member)
            if isinstance(value, str) and any(ord(char) > 0xFF for char in value):
                name = "response-" + "-".join(re.findall("[A-Z][a-z]+", parameter.removeprefix("Response"))).lower()
                raise errors.invalid_argument("Header value cannot be represented using ISO-8859-1.", name, value)
        return found

    def _checksum_members(self) -> dict[str, str]:
        """The whole object's with the whole object; of a part its own, where the upload kept one for each part."""
        if not self.version.checksum:
            return {}
        whole = checksums.parse(self.version.checksum)
        if self.span is None or self.span.length == self.version.size:
            return whole.members
        if self._part is not None and self._part.checksum and whole.type == checksums.COMPOSITE:
            return Checksum(whole.algorithm, whole.type, self._part.checksum).members
        return {}

    @property
    def is_locked(self) -> bool:
        """Whether KMS must be asked for the key, by `unlock`, before the body can be read."""
        return callable(self._seal)

    async def unlock(self) -> None:
        """Raises AccessDenied, and KMS's errors."""
        self._seal = await encryption.opened(self._call, self._seal)

    def body(self) -> bytes | AsyncIterator[bytes]:
        """Raises Damaged, at once or while it is read."""
        data, span, seal = self.version.data, self.span, self._seal
        assert not callable(seal), "to be unlocked first"
        if data is not None:
            data = data if seal is None else seal.open(data, self.version.size)
            return data if span is None else data[span.start : span.end]
        return pieces(self._call.node, self.segments, span or Span(0, self.version.size), seal)
