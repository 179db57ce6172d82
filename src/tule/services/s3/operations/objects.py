"""Writing and reading objects.  AWS: S3 API reference, PutObject, GetObject, HeadObject."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import checksums, content, encryption, metadata, names, sequence, writing
from tule.services.s3.reading import Reading, check_not_archived
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
    bucket = await call.node.store.read(lambda tx: buckets.get(tx, params["Bucket"]))
    protection = await encryption.of_write(call, params, bucket)
    taken = await content.take(call.node, params, want, protection.seal, algorithm)
    checksum = taken.checksum(algorithm)
    draft.take(taken, checksum)
    draft.protect(protection)

    def write(tx: Tx) -> Params:
        bucket = buckets.get(tx, params["Bucket"])
        version = writing.commit(call, tx, bucket, draft, "ObjectCreated:Put", "PutObject")
        return {
            "ETag": f'"{version.etag}"',
            **checksum.members,
            **protection.told,
            **writing.new_version_member(version.version),
            **writing.expiration_member(bucket, version),
        }

    return await call.node.store.write(write)


@reads
def get_object(call: Call, tx: Tx, params: Params) -> Params | Callable[[], Awaitable[Params]]:
    """Small bytes come with the row; long ones are read from their blobs while they are sent."""
    reading = Reading(call, tx, params, "GET")
    check_not_archived(reading.version)
    result = reading.answer()
    if reading.is_locked:
        return lambda: _unlocked(reading, result)
    result["Body"] = reading.body()
    return result


async def _unlocked(reading: Reading, result: Params) -> Params:
    """The answer, once KMS gave the key."""
    await reading.unlock()
    result["Body"] = reading.body()
    return result


@reads
def head_object(call: Call, tx: Tx, params: Params) -> Params:
    return Reading(call, tx, params, "HEAD").answer()
