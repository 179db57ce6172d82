"""Object Lock.  AWS: S3 API reference, PutObjectLockConfiguration, PutObjectRetention, PutObjectLegalHold and their kin."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import errors, object_lock, reading, replication
from tule.services.s3.state import buckets, locks
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx


def put_object_lock_configuration(call: Call, tx: Tx, params: Params) -> Params:
    """A bucket may get Object Lock later, too, once it keeps versions; none loses it."""
    bucket = buckets.get(tx, params["Bucket"])
    configuration = object_lock.checked(params.get("ObjectLockConfiguration") or {})
    if bucket.versioning != "Enabled":
        raise object_lock.needs_versioning()
    buckets.configure(tx, bucket, ObjectLock=configuration)
    return {}


@reads
def get_object_lock_configuration(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    if not object_lock.is_on(bucket):
        message = "Object Lock configuration does not exist for this bucket"
        raise errors.no_such_configuration("ObjectLockConfigurationNotFoundError", message, bucket.name)
    return {"ObjectLockConfiguration": bucket.config["ObjectLock"]}


def put_object_retention(call: Call, tx: Tx, params: Params) -> Params:
    bucket, version = _version(tx, params, "PUT")
    if "Retention" not in params:
        raise errors.malformed_xml()
    bypass = bool(params.get("BypassGovernanceRetention"))
    lock = object_lock.retained(object_lock.parse(version.lock), params["Retention"], tx.now_ms, bypass=bypass)
    locks.put(tx, bucket, version, lock.text)
    replication.changed(tx, bucket, version)
    return {}


@reads
def get_object_retention(call: Call, tx: Tx, params: Params) -> Params:
    _, version = _version(tx, params, "GET")
    lock = object_lock.parse(version.lock)
    if not lock.mode:
        raise errors.no_such_lock(version.key)
    return {"Retention": {"Mode": lock.mode, "RetainUntilDate": lock.until_ms / 1000}}


def put_object_legal_hold(call: Call, tx: Tx, params: Params) -> Params:
    bucket, version = _version(tx, params, "PUT")
    status = (params.get("LegalHold") or {}).get("Status")
    if status not in ("ON", "OFF"):
        raise errors.malformed_xml()
    locks.put(tx, bucket, version, object_lock.parse(version.lock)._replace(hold=status).text)
    replication.changed(tx, bucket, version)
    return {}


@reads
def get_object_legal_hold(call: Call, tx: Tx, params: Params) -> Params:
    _, version = _version(tx, params, "GET")
    hold = object_lock.parse(version.lock).hold
    if not hold:
        raise errors.no_such_lock(version.key)
    return {"LegalHold": {"Status": hold}}


def _version(tx: Tx, params: Params, method: str) -> tuple[Bucket, Version]:
    """Raises InvalidRequest where the bucket has no Object Lock, and the errors of finding the version."""
    bucket = buckets.get(tx, params["Bucket"])
    version = reading.find(tx, bucket, params["Key"], params.get("VersionId"), method, marker_is_405=True)
    object_lock.check_on(bucket)
    return bucket, version
