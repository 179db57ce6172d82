"""Restoring archived objects.  AWS: S3 API reference, RestoreObject."""

from __future__ import annotations

from tule.core.errors import ServiceError, not_implemented
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.s3 import errors, events, reading, restoring
from tule.services.s3.state import buckets
from tule.store.store import Tx


def restore_object(call: Call, tx: Tx, params: Params) -> Params:
    """202 for a new restore, 200 where only the time of the copy changes."""
    request = params.get("RestoreRequest")
    if request is None:
        raise errors.malformed_xml()
    if request.get("Type") == "SELECT" or "SelectParameters" in request:
        raise not_implemented("s3", "RestoreObject of Type SELECT")
    bucket = buckets.get(tx, params["Bucket"])
    version = reading.find(tx, bucket, params["Key"], params.get("VersionId"), "POST", marker_is_405=True)
    lasts_ms = restoring.duration_ms(version, request)
    known = restoring.parse(version.restored)
    if known is not None and known.ongoing:
        raise ServiceError("RestoreAlreadyInProgress", "Object restore is already in progress", 409)
    if known is not None:
        restoring.extend(tx, bucket, version, request["Days"])
        return {}
    restoring.begin(tx, bucket, version, request["Days"], lasts_ms)
    events.notify(call, tx, bucket, restoring.change("ObjectRestore:Post", version, 0))
    call.status = 202
    return {}
