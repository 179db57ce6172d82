"""Other keys for an object that is there, without touching its bytes: its data key is wrapped anew.

AWS: S3 API reference, UpdateObjectEncryption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core import arn
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.s3 import errors, kms_keys, metadata, node_keys, reading, vouching
from tule.services.s3.node_keys import NodeKeys
from tule.services.s3.state import buckets, resealing
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_NAME = "The UpdateObjectEncryption operation"
_SUPPORTED = "Only source objects encrypted with SSE-S3 or SSE-KMS are supported."


async def update_object_encryption(call: Call, params: Params) -> Params:
    """Again should the version have changed meanwhile."""
    wanted = params["ObjectEncryption"].get("SSEKMS")
    if not wanted:
        raise _invalid_type()
    if not arn.is_arn(wanted["KMSKeyArn"]) or arn.parse(wanted["KMSKeyArn"]).service != "kms":
        raise _invalid_key()
    while True:
        bucket, version = await call.node.store.read(lambda tx: _found(tx, params))
        own = await _data_key(call, bucket, version)
        by_bucket = bool(wanted.get("BucketKeyEnabled"))
        kept = await kms_keys.rewrapped(call, bucket, wanted["KMSKeyArn"], version.key, own, by_bucket=by_bucket)
        sealed = vouching.vouched(orjson.dumps(kept), version.data)
        headers = metadata.encoded(_headers(version, kept["key"], by_bucket=by_bucket))
        if await call.node.store.write(lambda tx, b=bucket, v=version, s=sealed, h=headers: resealing.put(tx, b, v, s, h)):
            return {}


def _found(tx: Tx, params: Params) -> tuple[Bucket, Version]:
    """Raises InvalidRequest for objects under keys that cannot be exchanged."""
    bucket = buckets.get(tx, params["Bucket"])
    version = reading.find(tx, bucket, params["Key"], params.get("VersionId"), "PUT", marker_is_405=True)
    if version.sealed is None:
        raise errors.invalid_request(f"{_NAME} doesn't supported unencrypted source objects. {_SUPPORTED}")
    if b'"SSECustomerAlgorithm"' in version.headers or b'"aws:kms:dsse"' in version.headers:
        raise errors.invalid_request(f"{_NAME} doesn't support source objects with the encryption type DSSE-KMS or SSE-C. {_SUPPORTED}")
    if arn.parse(params["ObjectEncryption"]["SSEKMS"]["KMSKeyArn"]).account != bucket.account:
        message = (
            "The Amazon Web Services KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS "
        )
        raise errors.access_denied(message + "key from the same account, and then try again.")
    return bucket, version


def _invalid_type() -> ServiceError:
    return errors.invalid_request(
        "Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS. "
        "Modify the request to specify SSE-KMS for the updated encryption type, and then try again."
    )


def _invalid_key() -> ServiceError:
    return errors.invalid_request(
        "Requests that modify an object's encryption type to SSE-KMS require a valid Amazon Web Services KMS key Amazon Resource Name (ARN). "
        "Confirm that you have a correctly formatted KMS key ARN in your request, and then try again."
    )


async def _data_key(call: Call, bucket: Bucket, version: Version) -> bytes:
    sealed = version.sealed
    assert sealed is not None, "_found refused it"
    if sealed.startswith(node_keys.KIND):
        return await call.node.store.read(lambda tx: NodeKeys.of(call.node).unwrap(tx, sealed))
    return await kms_keys.key_of(call, bucket, orjson.loads(sealed))


def _headers(version: Version, key: str, *, by_bucket: bool) -> Mapping[str, Any]:
    found = metadata.decoded(version.headers) | {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    found.pop("BucketKeyEnabled", None)
    return {**found, "BucketKeyEnabled": True} if by_bucket else found
