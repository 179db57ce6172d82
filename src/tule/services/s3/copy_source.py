"""Reading the source of a copy: what names it, whether it may be copied, and its digests where they must be computed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.s3 import customer_keys, encryption, errors, preconditions, reading
from tule.services.s3.content import Digests, hashed
from tule.services.s3.encryption import Unlock
from tule.services.s3.ranges import Span
from tule.services.s3.sealing import Seal
from tule.services.s3.segments import Segment, pieces, segments_of
from tule.services.s3.state import buckets
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx


class Name(NamedTuple):
    bucket: str
    key: str
    version: str | None


def parse(text: str) -> Name:
    """`bucket/key?versionId=id`, percent-encoded, perhaps with a slash in front.  Raises InvalidArgument."""
    path, _, query = text.partition("?")
    version = unquote(query.removeprefix("versionId=")) if query.startswith("versionId=") else None
    text_of = unquote(path).removeprefix("/")
    bucket, _, key = text_of.partition("/")
    if bucket.startswith("arn:") and "/object/" in text_of:  # through an access point
        bucket, _, key = text_of.partition("/object/")
        if key:
            return Name(bucket, key, version)
    if not bucket or bucket.startswith("arn:"):
        raise errors.invalid_argument("Invalid copy source bucket name", "x-amz-copy-source", text)
    if not key:
        raise errors.invalid_argument("Invalid copy source object key", "x-amz-copy-source", text)
    return Name(bucket, key, version)


class Source(NamedTuple):
    bucket: Bucket
    version: Version
    segments: list[Segment]
    seal: Seal | Unlock | None

    @property
    def version_member(self) -> dict[str, str]:
        return {"CopySourceVersionId": self.version.version} if self.bucket.versioning else {}


def find(call: Call, tx: Tx, params: Mapping[str, Any], name: Name) -> Source:
    """Raises what reading the source raises, and PreconditionFailed."""
    bucket = buckets.get(tx, name.bucket)
    expected = params.get("ExpectedSourceBucketOwner")
    if expected is not None and expected != bucket.account:
        raise errors.access_denied()
    try:
        version = reading.find(tx, bucket, name.key, name.version, "GET")
    except ServiceError as error:
        if error.status == 405:
            message = "The source of a copy request may not specifically refer to a delete marker by version id."
            raise errors.invalid_request(message) from None
        raise
    reading.check_not_archived(version)
    preconditions.check_copy_source(params, version.etag, version.modified_ms, call.now_ms)
    customer = customer_keys.given(params, "CopySourceSSECustomer")
    return Source(bucket, version, segments_of(tx, version), encryption.seal_of(call, tx, bucket, version.sealed, customer))


async def digests(node: Node, segments: Sequence[Segment], size: int, seal: Seal | None, algorithm: str) -> Digests:
    """Read all of it for its MD5 and a checksum."""
    found = Digests(algorithm)
    await hashed(pieces(node, segments, Span(0, size), seal), found)
    return found
