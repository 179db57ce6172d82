"""Copying objects: the copy shares the bytes of its source.  AWS: S3 API reference, CopyObject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.s3 import checksums, content, copy_source, encryption, errors, metadata, names, sequence, writing
from tule.services.s3.checksums import Checksum
from tule.services.s3.content import MAX_PUT_BYTES
from tule.services.s3.copy_source import Name, Source
from tule.services.s3.encryption import Protection
from tule.services.s3.ranges import Span
from tule.services.s3.segments import pieces
from tule.services.s3.state import buckets, objects
from tule.services.s3.state.objects import Version
from tule.services.s3.writing import Draft
from tule.store.store import Tx

_CHANGING = ("StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption", "SSECustomerAlgorithm")
_DIRECTIVES = ("COPY", "REPLACE")


async def copy_object(call: Call, params: Params) -> Params:
    """Read, compute what must be computed anew, write; and again should the source have changed meanwhile."""
    names.check_key(params["Key"])
    metadata.refuse_unbuilt("CopyObject", params)
    name = copy_source.parse(params["CopySource"])
    _check_directives(params)
    _check_in_place(params, name)
    while True:
        source = await call.node.store.read(lambda tx: copy_source.find(call, tx, params, name))
        if source.version.size > MAX_PUT_BYTES:
            message = f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_PUT_BYTES}"
            raise errors.invalid_request(message)
        target = await call.node.store.read(lambda tx: buckets.get(tx, params["Bucket"]))
        protection = await encryption.of_write(call, params, target)
        draft = await _draft(call, params, source, protection)
        told = protection.told
        result = await call.node.store.write(lambda tx, source=source, draft=draft, told=told: _write(call, tx, source, draft, told))
        if result is not None:
            return result


def _check_directives(params: Params) -> None:
    for member, header in (("MetadataDirective", "x-amz-metadata-directive"), ("TaggingDirective", "x-amz-tagging-directive")):
        if params.get(member, "COPY") not in _DIRECTIVES:
            raise errors.invalid_argument(f"Unknown {member[:-9].lower()} directive.", header, params[member])


def _check_in_place(params: Params, name: Name) -> None:
    same = name.bucket == params["Bucket"] and name.key == params["Key"] and name.version is None
    if same and params.get("MetadataDirective") != "REPLACE" and not any(params.get(member) for member in _CHANGING):
        raise errors.copy_to_itself()


async def _draft(call: Call, params: Params, source: Source, protection: Protection) -> Draft:
    draft = Draft(params, sequence.draw(call.node, call.now_ms))
    version = source.version
    if params.get("MetadataDirective", "COPY") == "COPY":
        kept = metadata.decoded(version.headers)
        for member in ("WebsiteRedirectLocation", *encryption.MEMBERS):
            kept.pop(member, None)
        if params.get("WebsiteRedirectLocation"):
            kept["WebsiteRedirectLocation"] = params["WebsiteRedirectLocation"]
        draft.headers = metadata.encoded(kept)
    if params.get("TaggingDirective", "COPY") == "COPY":
        draft.tags = version.tags
    if encryption.can_share(version.sealed, protection):
        draft.hold(version.size, *await _digests(call, source, _algorithm(params, version)))
        draft.manifest, draft.blob, draft.data, draft.sealed = version.manifest, version.blob, version.data, version.sealed
    else:
        await _rewrite(call, source, draft, protection, _algorithm(params, version))
    return draft


def _algorithm(params: Params, version: Version) -> str:
    asked = params.get("ChecksumAlgorithm")
    return checksums.check_algorithm(asked) if asked else checksums.parse(version.checksum).algorithm


async def _rewrite(call: Call, source: Source, draft: Draft, protection: Protection, algorithm: str) -> None:
    """The bytes under other keys."""
    seal = await encryption.opened(call, source.seal)
    stream = pieces(call.node, source.segments, Span(0, source.version.size), seal)
    taken = await content.store(call.node, stream, source.version.size, protection.seal, algorithm)
    draft.take(taken, taken.checksum(algorithm))
    draft.protect(protection)


async def _digests(call: Call, source: Source, algorithm: str) -> tuple[str, Checksum]:
    """A copy is one piece, so what was uploaded in parts is hashed as a whole; so it is for another algorithm."""
    version = source.version
    old = checksums.parse(version.checksum)
    if "-" not in version.etag and old.type == checksums.FULL_OBJECT and algorithm == old.algorithm:
        return version.etag, old
    seal = await encryption.opened(call, source.seal)
    found = await copy_source.digests(call.node, source.segments, version.size, seal, algorithm)
    return found.md5.hex(), found.checksum(algorithm)


def _write(call: Call, tx: Tx, source: Source, draft: Draft, told: Mapping[str, Any]) -> Params | None:
    """None, and nothing written, when the source is no longer what was read: its bytes may be gone soon."""
    if not _unchanged(tx, source):
        return None
    bucket = buckets.get(tx, draft.params["Bucket"])
    version = writing.commit(call, tx, bucket, draft, "ObjectCreated:Copy", "CopyObject")
    copied = {"ETag": f'"{version.etag}"', "LastModified": version.modified_ms // 1000, **checksums.parse(version.checksum).members}
    return {
        "CopyObjectResult": copied,
        **told,
        **source.version_member,
        **writing.new_version_member(version.version),
        **writing.expiration_member(bucket, version),
    }


def _unchanged(tx: Tx, source: Source) -> bool:
    found: Version | None = objects.version(tx, source.bucket, source.version.key, source.version.version)
    return found is not None and found.seq == source.version.seq
