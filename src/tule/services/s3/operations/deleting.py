"""Deleting objects and versions.  AWS: S3 API reference, DeleteObject, DeleteObjects."""

from __future__ import annotations

from typing import NamedTuple

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.s3 import access, errors, events, garbage, mfa_delete, names, object_lock, preconditions, replication, sequence, writing
from tule.services.s3.events import Change
from tule.services.s3.reading import check_version_id
from tule.services.s3.state import buckets, locks, objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_MOST = 1000
_EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"  # the MD5 of no bytes, by which events tell of delete markers


class Deleted(NamedTuple):
    """`marker`: a delete marker was made, or removed; `version`: its id, or that of the version removed; `absent`: no such version."""

    marker: bool
    version: str | None
    absent: bool = False


async def delete_object(call: Call, params: Params) -> Params:
    _refuse_unbuilt(params)
    key = params["Key"]
    names.check_key(key)
    seq = sequence.draw(call.node, call.now_ms)

    def delete(tx: Tx) -> Params:
        bucket = buckets.get(tx, params["Bucket"])
        _check_bypass(bucket, params)
        done = _delete(call, tx, bucket, key, params, seq, "DeleteObject")
        result: Params = {}
        if done.marker:
            result["DeleteMarker"] = True
        if done.version is not None:
            result["VersionId"] = done.version
        return result

    return await call.node.store.write(delete)


async def delete_objects(call: Call, params: Params) -> Params:
    """All in one transaction; each key succeeds or fails by itself, permissions included."""
    wanted = (params.get("Delete") or {}).get("Objects") or []
    if not 1 <= len(wanted) <= _MOST:
        raise errors.malformed_xml()
    bucket = await call.node.store.read(lambda tx: buckets.get(tx, params["Bucket"]))
    _check_bypass(bucket, params)
    allowed, denied = await _decide(call, bucket, wanted, bypass=_bypasses(params))
    shared = {"BypassGovernanceRetention": _bypasses(params), "MFA": params.get("MFA")}
    numbers = [sequence.draw(call.node, call.now_ms) for _ in allowed]

    def delete(tx: Tx) -> Params:
        bucket = buckets.get(tx, params["Bucket"])
        deleted: list[Params] = []
        failed = list(denied)
        for entry, seq in zip(allowed, numbers, strict=True):
            try:
                done = _delete(call, tx, bucket, entry["Key"], _conditions(entry) | shared, seq, "DeleteObject")
                if done.absent:
                    raise errors.no_such_version(entry["Key"], entry["VersionId"])
                deleted.append(_entry(entry, done))
            except ServiceError as error:
                failed.append(_failure(entry, error))
        result: Params = {"Errors": failed} if failed else {}
        if deleted and not params["Delete"].get("Quiet"):
            result["Deleted"] = deleted
        return result

    return await call.node.store.write(delete)


async def _decide(call: Call, bucket: Bucket, wanted: list[Params], *, bypass: bool) -> tuple[list[Params], list[Params]]:
    """Entries that the caller may delete, and the errors of the others."""
    allowed: list[Params] = []
    denied: list[Params] = []
    needed = await call.node.store.read(lambda tx: access.delete_needs(call, tx, bucket, wanted, bypass=bypass))
    for entry, needs in zip(wanted, needed, strict=True):
        try:
            await call.node.authorizer.authorize(call, needs)
        except ServiceError as error:
            denied.append(_failure(entry, error))
        else:
            allowed.append(entry)
    return allowed, denied


def _bypasses(params: Params) -> bool:
    return bool(params.get("BypassGovernanceRetention"))


def _check_bypass(bucket: Bucket, params: Params) -> None:
    if params.get("BypassGovernanceRetention") and not object_lock.is_on(bucket):
        raise errors.bypass_not_applicable()


def _conditions(entry: Params) -> Params:
    return {**entry, "IfMatch": entry["ETag"]} if "ETag" in entry else entry


def _entry(entry: Params, done: Deleted) -> Params:
    result: Params = {"Key": entry["Key"]}
    if "VersionId" in entry:
        result["VersionId"] = entry["VersionId"]
    if done.marker:
        result |= {"DeleteMarker": True, "DeleteMarkerVersionId": done.version}
    return result


def _failure(entry: Params, error: ServiceError) -> Params:
    result: Params = {"Key": entry["Key"], "Code": error.code, "Message": error.message}
    if "VersionId" in entry:
        result["VersionId"] = entry["VersionId"]
    return result


def _refuse_unbuilt(params: Params) -> None:
    for member, header in (("IfMatchLastModifiedTime", "x-amz-if-match-last-modified-time"), ("IfMatchSize", "x-amz-if-match-size")):
        if params.get(member) is not None:
            raise errors.header_not_implemented(header)


def _delete(call: Call, tx: Tx, bucket: Bucket, key: str, params: Params, seq: int, reason: str) -> Deleted:
    version_id = params.get("VersionId")
    if version_id is not None:
        return _delete_version(call, tx, bucket, key, params, seq, reason)
    old = objects.head(tx, bucket, key)
    preconditions.check_delete(params, key, None if old is None or old.marker else old.etag)
    return remove(call, tx, bucket, key, seq, reason, old)


def remove(call: Call, tx: Tx, bucket: Bucket, key: str, seq: int, reason: str, old: objects.Head | None) -> Deleted:
    """Take a key's object away, or lay a delete marker over it where the bucket keeps versions."""
    if bucket.versioning:
        return _put_marker(call, tx, bucket, key, seq, old, reason)
    if old is None:
        return Deleted(False, None)
    garbage.let_go(tx, bucket, objects.remove_current(tx, bucket, key, old))
    events.notify(call, tx, bucket, Change("ObjectRemoved:Delete", reason, key, max(seq, old.seq + 1)))
    return Deleted(False, None)


def _put_marker(call: Call, tx: Tx, bucket: Bucket, key: str, seq: int, old: objects.Head | None, reason: str) -> Deleted:
    seq = seq if old is None else max(seq, old.seq + 1)
    version = writing.new_version_id(tx, bucket, seq)
    marker = Version(bucket.id, key, seq, version, 1, 0, "", tx.now_ms, bucket.account, "", "", b"{}", None, None, None, None, None)
    marker = replication.marked(tx, bucket, marker)
    garbage.let_go(tx, bucket, objects.put(tx, bucket, marker, old))
    events.notify(call, tx, bucket, Change("ObjectRemoved:DeleteMarkerCreated", reason, key, seq, etag=_EMPTY_ETAG, version=version))
    return Deleted(True, version)


def _delete_version(call: Call, tx: Tx, bucket: Bucket, key: str, params: Params, seq: int, reason: str) -> Deleted:
    """Deleting what is not there succeeds."""
    version_id = params["VersionId"]
    check_version_id(version_id)
    if mfa_delete.is_on(bucket):
        mfa_delete.check(call, tx, params)
    if object_lock.is_on(bucket):
        object_lock.check_deletable(locks.get(tx, bucket, key, version_id), tx.now_ms, bypass=_bypasses(params))
    old = objects.head(tx, bucket, key)
    if old is not None and old.version == version_id:
        marker, dropped = bool(old.marker), objects.remove_current(tx, bucket, key, old)
        seq = max(seq, old.seq + 1)
    else:
        removed = objects.remove_noncurrent(tx, bucket, key, version_id)
        if removed is None:
            return Deleted(False, version_id if bucket.versioning else None, absent=not objects.may_have_been(version_id))
        marker, dropped = removed
    garbage.let_go(tx, bucket, dropped)
    events.notify(call, tx, bucket, Change("ObjectRemoved:Delete", reason, key, seq, version=version_id))
    return Deleted(marker, version_id if bucket.versioning else None)
