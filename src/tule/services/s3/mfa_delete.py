"""MFA Delete: buckets whose versions go, and whose versioning changes, only with a code of the caller's MFA device.

On AWS the account's root user alone sets it; here whoever may set the bucket's versioning and has a device, as root has none.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.platform.call import Call
from tule.services.s3 import errors
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx


def is_on(bucket: Bucket) -> bool:
    return bucket.config.get("MfaDelete") == "Enabled"


def check(call: Call, tx: Tx, params: Mapping[str, Any]) -> None:
    """The header `x-amz-mfa` is a device's serial number or ARN, a space, and its code.  Raises AccessDenied."""
    serial, _, code = (params.get("MFA") or "").strip().rpartition(" ")
    if not serial or not call.node.identities.mfa_matches(tx, call.principal, serial.strip(), code, call.now_ms):
        raise errors.access_denied("Mfa Authentication must be used for this request")
