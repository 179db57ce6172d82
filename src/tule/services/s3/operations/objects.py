"""Writing and reading objects.  AWS: S3 API reference, PutObject, GetObject, HeadObject."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import checksums, content, encryption, errors, metadata, names, preconditions, sequence, writing
from tule.services.s3.encryption import Protection
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
    protection = await _protection(call, params)
    taken = await content.take(call.node, params, want, protection.seal, algorithm)
    checksum = taken.checksum(algorithm)
    draft.take(taken, checksum)
    draft.protect(protection)
    answered: Params = {**checksum.members, **protection.told}
    write = partial(_write, call, params, draft, answered, foreseen=taken.plain is not None and encryption.is_foreseen(params))
    result = await call.node.store.write(write)
    if result is not None:
        return result
    bucket = await call.node.store.read(lambda tx: buckets.get(tx, params["Bucket"]))
    protection = await encryption.of_write(call, params, bucket)
    draft.take(taken.resealed(protection.seal, call.node.ids), checksum)
    draft.protect(protection)
    again = partial(_write, call, params, draft, {**checksum.members, **protection.told}, foreseen=False)
    return await call.node.store.write(again) or {}


async def _protection(call: Call, params: Params) -> Protection:
    """For few bytes that leave it to the bucket, S3's own keys: they are sealed again should the bucket want others."""
    length = params["Body"].length if "Body" in params else 0
    if length is not None and length <= content.INLINE_BYTES and encryption.is_foreseen(params):
        return await encryption.by_node(call)
    bucket = await call.node.store.read(lambda tx: buckets.get(tx, params["Bucket"]))
    return await encryption.of_write(call, params, bucket)


def _write(call: Call, params: Params, draft: Draft, answered: Params, tx: Tx, *, foreseen: bool) -> Params | None:
    """None, and nothing written, when the bucket wants other keys than were foreseen."""
    bucket = buckets.get(tx, params["Bucket"])
    if foreseen and not encryption.wants_own_keys(bucket):
        return None
    version = writing.commit(call, tx, bucket, draft, "ObjectCreated:Put", "PutObject")
    return {
        "ETag": f'"{version.etag}"',
        **answered,
        **writing.new_version_member(version.version),
        **writing.expiration_member(bucket, version),
    }


@reads
def get_object_torrent(call: Call, tx: Tx, params: Params) -> Params:
    """S3 no longer makes torrents, of any object.  Raises NoSuchKey."""
    buckets.get(tx, params["Bucket"])
    raise errors.no_such_key(params["Key"])


@reads
def get_object(call: Call, tx: Tx, params: Params) -> Params | Callable[[], Awaitable[Params]]:
    """Small bytes come with the row; long ones are read from their blobs while they are sent."""
    preconditions.check_read_headers(call.headers)
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
    preconditions.check_read_headers(call.headers)
    return Reading(call, tx, params, "HEAD").answer()
