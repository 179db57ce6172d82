"""Renaming an object within its bucket, at once and without touching its bytes.  AWS: S3 API reference, RenameObject.

AWS has it for directory buckets; here general purpose buckets have it.  Where the bucket keeps versions, the old name gets a delete
marker and the new one a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.s3 import errors, events, garbage, metadata, names, object_lock, preconditions, reading, replication, sequence, writing
from tule.services.s3.events import Change
from tule.services.s3.operations import deleting
from tule.services.s3.state import buckets, objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Head, Version
from tule.store.store import Tx

_RENAMED = "Renamed"  # beside an object's headers: by which request it got its name, and from which


def source_key(params: Mapping[str, Any]) -> str:
    return unquote(params["RenameSource"]).removeprefix("/")


async def rename_object(call: Call, params: Params) -> Params:
    source, key = source_key(params), params["Key"]
    names.check_key(key)
    if source == key:
        raise errors.invalid_request("The source and the destination of a rename must not be the same.")
    numbers = [sequence.draw(call.node, call.now_ms) for _ in range(2)]
    return await call.node.store.write(lambda tx: _rename(call, tx, params, source, numbers))


def _rename(call: Call, tx: Tx, params: Params, source: str, numbers: list[int]) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    old = objects.current(tx, bucket, params["Key"])
    given = {"by": params.get("ClientToken"), "from": source}
    if _is_done(old, given):
        return {}
    found = reading.find(tx, bucket, source, None, "PUT")
    _check(params, "Source", found, call.now_ms)
    _check(params, "Destination", None if old is None or old.marker else old, call.now_ms)
    head = objects.head(tx, bucket, params["Key"])
    new = _named(tx, bucket, found, params["Key"], numbers[0], head)
    new = new._replace(headers=metadata.encoded({**metadata.decoded(found.headers), _RENAMED: given}))
    if (status := replication.status(bucket, new)) is not None:
        new = new._replace(replication=status)
        replication.begin(tx, bucket, new)
    garbage.let_go(tx, bucket, objects.put(tx, bucket, new, head))
    events.notify(call, tx, bucket, Change("ObjectCreated:Copy", "RenameObject", new.key, new.seq, new.size, new.etag, new.version))
    deleting.remove(call, tx, bucket, source, numbers[1], "RenameObject", objects.head(tx, bucket, source))
    return {}


def _named(tx: Tx, bucket: Bucket, found: Version, key: str, number: int, head: Head | None) -> Version:
    """The version under its new name; it stays as old as it is."""
    seq = number if head is None else max(number, head.seq + 1)
    version = writing.new_version_id(tx, bucket, seq)
    return found._replace(key=key, seq=seq, version=version, replication=None, lock=object_lock.of_write({}, bucket, tx.now_ms))


def _is_done(old: Version | None, given: Mapping[str, Any]) -> bool:
    """Whether the same request did it before.  Raises IdempotencyParameterMismatch for another one with its token."""
    before = None if old is None or old.marker or given["by"] is None else metadata.decoded(old.headers).get(_RENAMED)
    if before is None or before["by"] != given["by"]:
        return False
    if before != given:
        raise ServiceError("IdempotencyParameterMismatch", "Parameters on this idempotent request are inconsistent with the previous request.", 400)
    return True


def _check(params: Params, side: str, found: Version | None, now_ms: int) -> None:
    """Conditions are those of a copy's source, for both names.  Raises NoSuchKey, PreconditionFailed."""
    members = {
        name: params[f"{side}{name}"] for name in ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince") if f"{side}{name}" in params
    }
    if found is None:
        if "IfMatch" in members:
            raise errors.no_such_key(params["Key"])
        return
    preconditions.check_copy_source({f"CopySource{name}": value for name, value in members.items()}, found.etag, found.modified_ms, now_ms)
