"""Copying objects: the copy shares the bytes of its source.  AWS: S3 API reference, CopyObject."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.s3 import checksums, copy_source, encryption, errors, metadata, names, sequence, writing
from tule.services.s3.checksums import Checksum
from tule.services.s3.content import MAX_PUT_BYTES
from tule.services.s3.copy_source import Name, Source
from tule.services.s3.state import buckets, objects
from tule.services.s3.state.objects import Version
from tule.services.s3.writing import Draft
from tule.store.store import Tx

_CHANGING = ("StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption")
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
        draft = await _draft(call, params, source)
        result = await call.node.store.write(lambda tx, source=source, draft=draft: _write(call, tx, source, draft))
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


async def _draft(call: Call, params: Params, source: Source) -> Draft:
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
    etag, checksum = await _digests(call, params, source)
    draft.hold(version.size, etag, checksum)
    draft.manifest, draft.blob, draft.data = version.manifest, version.blob, version.data
    return draft


async def _digests(call: Call, params: Params, source: Source) -> tuple[str, Checksum]:
    """A copy is one piece, so what was uploaded in parts is hashed as a whole; so it is for another algorithm."""
    version = source.version
    old = checksums.parse(version.checksum)
    algorithm = checksums.check_algorithm(params["ChecksumAlgorithm"]) if params.get("ChecksumAlgorithm") else old.algorithm
    if "-" not in version.etag and old.type == checksums.FULL_OBJECT and algorithm == old.algorithm:
        return version.etag, old
    found = await copy_source.digests(call.node, source.segments, version.size, algorithm)
    return found.md5.hex(), found.checksum(algorithm)


def _write(call: Call, tx: Tx, source: Source, draft: Draft) -> Params | None:
    """None, and nothing written, when the source is no longer what was read: its bytes may be gone soon."""
    if not _unchanged(tx, source):
        return None
    bucket = buckets.get(tx, draft.params["Bucket"])
    version = writing.commit(call, tx, bucket, draft, "ObjectCreated:Copy", "CopyObject")
    copied = {"ETag": f'"{version.etag}"', "LastModified": version.modified_ms // 1000, **checksums.parse(version.checksum).members}
    return {
        "CopyObjectResult": copied,
        **encryption.told(version.headers),
        **source.version_member,
        **writing.new_version_member(version.version),
    }


def _unchanged(tx: Tx, source: Source) -> bool:
    found: Version | None = objects.version(tx, source.bucket, source.version.key, source.version.version)
    return found is not None and found.seq == source.version.seq
