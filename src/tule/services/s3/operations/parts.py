"""The parts of multipart uploads.  AWS: S3 API reference, UploadPart, UploadPartCopy, ListParts."""

from __future__ import annotations

import re

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import checksums, content, copy_source, encryption, errors, garbage, lifecycle, metadata, multipart, names, upload_keys
from tule.services.s3.content import Content
from tule.services.s3.operations.listing import max_keys
from tule.services.s3.operations.uploads import in_progress, initiator
from tule.services.s3.ranges import Span
from tule.services.s3.segments import pieces
from tule.services.s3.state import buckets, uploads
from tule.services.s3.state.uploads import Part, Upload
from tule.store.store import Tx

_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


async def upload_part(call: Call, params: Params) -> Params:
    """Refused before its bytes are read when there is no such upload."""
    multipart.check_number(params["PartNumber"])
    metadata.refuse_unbuilt("UploadPart", params)
    upload = await _upload(call, params)
    want = checksums.wanted(params, call.headers)
    kind = multipart.kind_of(upload)
    if want is not None and kind is not None and want.algorithm != kind[0]:
        message = f"Checksum Type mismatch occurred, expected checksum Type: {kind[0].lower()}, actual checksum Type: {want.algorithm.lower()}"
        raise errors.invalid_request(message)
    algorithm = multipart.part_algorithm(upload)
    computed = {algorithm, want.algorithm} if want else {algorithm}
    seal = await upload_keys.seal(call, params, upload)
    taken = await content.take(call.node, params, want, seal, *computed)
    part = await _put(call, params, upload, taken)
    result: Params = {"ETag": f'"{part.etag}"', **upload_keys.told(upload, params)}
    if want is not None:
        result[f"Checksum{want.algorithm}"] = taken.checksum(want.algorithm).value
    return result


async def upload_part_copy(call: Call, params: Params) -> Params:
    """A part from bytes of an object.  They are read in any case, as the part's entity tag is their MD5."""
    multipart.check_number(params["PartNumber"])
    metadata.refuse_unbuilt("UploadPartCopy", params)
    name = copy_source.parse(params["CopySource"])
    upload = await _upload(call, params)
    source = await call.node.store.read(lambda tx: copy_source.find(call, tx, params, name))
    span = _span(params.get("CopySourceRange"), source.version.size)
    stream = pieces(call.node, source.segments, span, await encryption.opened(call, source.seal))
    seal = await upload_keys.seal(call, params, upload)
    taken = await content.store(call.node, stream, span.length, seal, multipart.part_algorithm(upload))
    part = await _put(call, params, upload, taken)
    copied: Params = {"ETag": f'"{part.etag}"', "LastModified": part.modified_ms // 1000}
    kind = multipart.kind_of(upload)
    if kind is not None:
        copied[f"Checksum{kind[0]}"] = part.checksum
    return {"CopyPartResult": copied, **upload_keys.told(upload, params), **source.version_member}


def _span(header: str | None, size: int) -> Span:
    if header is None:
        if size > content.MAX_PUT_BYTES:
            raise errors.entity_too_large(size, content.MAX_PUT_BYTES)
        return Span(0, size)
    match = _COPY_RANGE.fullmatch(header)
    if match is None or int(match[1]) > int(match[2]):
        message = (
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets "
            "of the first and last bytes to copy"
        )
        raise errors.invalid_argument(message, "x-amz-copy-source-range", header)
    span = Span(int(match[1]), int(match[2]) + 1)
    if span.end > size:
        message = f"Range specified is not valid for source object of size: {size}"
        raise errors.invalid_argument(message, "x-amz-copy-source-range", header)
    if span.length > content.MAX_PUT_BYTES:
        raise errors.entity_too_large(span.length, content.MAX_PUT_BYTES)
    return span


async def _upload(call: Call, params: Params) -> Upload:
    return await call.node.store.read(lambda tx: in_progress(tx, buckets.get(tx, params["Bucket"]), params))


async def _put(call: Call, params: Params, upload: Upload, taken: Content) -> Part:
    checksum = taken.checksum(multipart.part_algorithm(upload)).value

    def put(tx: Tx) -> Part:
        bucket = buckets.get(tx, params["Bucket"])
        in_progress(tx, bucket, params)
        part = Part(params["PartNumber"], taken.size, taken.etag, checksum, tx.now_ms, taken.blob, taken.data)
        replaced = uploads.put_part(tx, upload.id, part)
        if replaced is not None:
            garbage.let_go_blobs(tx, bucket, [replaced])
        return part

    return await call.node.store.write(put)


@reads
def list_parts(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    upload = in_progress(tx, bucket, params)
    limit, marker = max_keys(params, "MaxParts", "max-parts"), params.get("PartNumberMarker", 0)
    found = uploads.parts_after(tx, upload.id, marker, limit + 1)
    shown = found[:limit]
    result: Params = {
        "Bucket": bucket.name,
        "Key": upload.key,
        "UploadId": upload.id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit,
        "Initiator": initiator(upload),
        "Owner": names.owner(bucket.account),
        "StorageClass": upload.request.get("StorageClass", metadata.STANDARD),
        **multipart.kind_members(upload),
        **lifecycle.abort_members(bucket.config, upload.key, upload.initiated_ms),
    }
    if shown:
        result["Parts"] = [_listed(upload, part) for part in shown]
    return result


def _listed(upload: Upload, part: Part) -> Params:
    entry: Params = {
        "PartNumber": part.number,
        "LastModified": part.modified_ms // 1000,
        "ETag": f'"{part.etag}"',
        "Size": part.size,
    }
    kind = multipart.kind_of(upload)
    if kind is not None:
        entry[f"Checksum{kind[0]}"] = part.checksum
    return entry
