"""Writing and reading objects.  AWS: S3 API reference, PutObject, GetObject, HeadObject."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import checksums, content, encryption, metadata, names, sequence, writing
from tule.services.s3.reading import Reading
from tule.services.s3.state import buckets
from tule.services.s3.writing import Draft
from tule.store.store import Tx


async def put_object(call: Call, params: Params) -> Params:
    """The bytes are safe before the transaction that makes them the object begins."""
    names.check_key(params["Key"])
    metadata.refuse_unbuilt("PutObject", params)
    draft = Draft(params, sequence.draw(call.node, call.now_ms))
    want = checksums.wanted(params, call.headers)
    algorithm = want.algorithm if want else checksums.DEFAULT
    taken = await content.take(call.node.blobs, params, want, algorithm)
    checksum = taken.checksum(algorithm)
    draft.hold(taken.size, taken.etag, checksum)
    draft.blob, draft.data = taken.blob, taken.data

    def write(tx: Tx) -> Params:
        bucket = buckets.get(tx, params["Bucket"])
        version = writing.commit(call, tx, bucket, draft, "ObjectCreated:Put", "PutObject")
        return {
            "ETag": f'"{version.etag}"',
            **checksum.members,
            **encryption.told(version.headers),
            **writing.new_version_member(version.version),
        }

    return await call.node.store.write(write)


@reads
def get_object(call: Call, tx: Tx, params: Params) -> Params:
    """Small bytes come with the row; long ones are read from their blobs while they are sent."""
    reading = Reading(call, tx, params, "GET")
    result = reading.answer()
    result["Body"] = reading.body()
    return result


@reads
def head_object(call: Call, tx: Tx, params: Params) -> Params:
    return Reading(call, tx, params, "HEAD").answer()
