"""Data keys from KMS (SSE-KMS, DSSE-KMS): asked for, and decrypted again, as the caller, through S3.

With a bucket key, KMS gives one key for the bucket, which wraps the data keys of objects and is remembered for a while.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html and bucket-key.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.access.principal import through
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.s3 import errors
from tule.services.s3.node_keys import decrypted
from tule.services.s3.sealing import KEY_BYTES, Seal, cipher
from tule.services.s3.state.buckets import Bucket

KIND = "kms"
MANAGED = "alias/aws/s3"
_SERVICE = "s3.amazonaws.com"
_BUCKET_KEY_MS = 300_000  # how long a bucket key is used before KMS is asked again
_NONCE_BYTES = 12


class Generated(NamedTuple):
    key: bytes
    blob: bytes  # the same, encrypted by KMS
    arn: str


class _Remembered(NamedTuple):
    generated: Generated
    until_ms: int


async def new(call: Call, bucket: Bucket, key_id: str, key: str, context: Mapping[str, str], *, by_bucket: bool) -> tuple[Seal, dict[str, Any]]:
    """A new data key as a seal, and what is stored of it.  Raises KMS's errors as S3 words them."""
    found, kept = await _asked(call, bucket, key_id, key, context, by_bucket=by_bucket)
    if not by_bucket:
        return Seal(found.key, has_md5_etag=False), kept
    own = call.node.ids.bytes(KEY_BYTES)
    return Seal(own, has_md5_etag=False), kept | _wrapped(call, found, own)


async def rewrapped(call: Call, bucket: Bucket, key_id: str, key: str, own: bytes, *, by_bucket: bool) -> dict[str, Any]:
    """What is to be stored of a data key that stays, under another key.  Raises KMS's errors as S3 words them."""
    found, kept = await _asked(call, bucket, key_id, key, {}, by_bucket=by_bucket)
    return kept | _wrapped(call, found, own)


async def _asked(
    call: Call, bucket: Bucket, key_id: str, key: str, context: Mapping[str, str], *, by_bucket: bool
) -> tuple[Generated, dict[str, Any]]:
    about = {**context, "aws:s3:arn": bucket.arn if by_bucket else f"{bucket.arn}/{key}"}
    found = await (_bucket_key(call, bucket, key_id, about) if by_bucket else _generated(call, bucket, key_id, about))
    return found, {"by": KIND, "key": found.arn, "data": _text(found.blob), "context": about}


def _wrapped(call: Call, found: Generated, own: bytes) -> dict[str, str]:
    nonce = call.node.ids.bytes(_NONCE_BYTES)
    return {"wrapped": _text(nonce + cipher(found.key).encrypt(nonce, own, None))}


async def key_of(call: Call, bucket: Bucket, kept: Mapping[str, Any]) -> bytes:
    """The data key of stored bytes.  Raises KMS's errors as S3 words them, and Damaged."""
    wrapped = kept.get("wrapped")
    if wrapped is None:
        return await _plain(call, bucket, kept)
    remembered: dict[Any, _Remembered] = _memory(call.node)
    name = (kept["data"], _who(call))
    known = remembered.get(name)
    if known is None or known.until_ms < call.now_ms:
        plain = await _plain(call, bucket, kept)
        known = remembered[name] = _Remembered(Generated(plain, b"", kept["key"]), call.now_ms + _BUCKET_KEY_MS)
    own = base64.b64decode(wrapped)
    return decrypted(cipher(known.generated.key), own[:_NONCE_BYTES], own[_NONCE_BYTES:])


async def _bucket_key(call: Call, bucket: Bucket, key_id: str, context: Mapping[str, str]) -> Generated:
    remembered: dict[Any, _Remembered] = _memory(call.node)
    name = (bucket.id, key_id, tuple(sorted(context.items())), _who(call))
    known = remembered.get(name)
    if known is None or known.until_ms < call.now_ms:
        _forget_old(remembered, call.now_ms)
        known = remembered[name] = _Remembered(await _generated(call, bucket, key_id, context), call.now_ms + _BUCKET_KEY_MS)
    return known.generated


def _memory(node: Node) -> dict[Any, _Remembered]:
    return node.memory.setdefault("s3.bucket_keys", {})


def _forget_old(remembered: dict[Any, _Remembered], now_ms: int) -> None:
    for name in [name for name, each in remembered.items() if each.until_ms < now_ms]:
        del remembered[name]


def _who(call: Call) -> str:
    return call.principal.entity_arn or call.principal.arn


async def _generated(call: Call, bucket: Bucket, key_id: str, context: Mapping[str, str]) -> Generated:
    asked = {"KeyId": key_id, "KeySpec": "AES_256", "EncryptionContext": dict(context)}
    answer = await _invoke(call, bucket, "GenerateDataKey", asked)
    return Generated(answer["Plaintext"], answer["CiphertextBlob"], answer["KeyId"])


async def _plain(call: Call, bucket: Bucket, kept: Mapping[str, Any]) -> bytes:
    asked = {"KeyId": kept["key"], "CiphertextBlob": base64.b64decode(kept["data"]), "EncryptionContext": kept["context"]}
    return (await _invoke(call, bucket, "Decrypt", asked))["Plaintext"]


async def _invoke(call: Call, bucket: Bucket, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    if call.principal.kind == "anonymous":
        message = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
        raise errors.invalid_argument(message, "Authorization", "null")
    try:
        return await call.invoke("kms", operation, params, principal=through(call.principal, _SERVICE), region=bucket.region)
    except ServiceError as error:
        raise _worded(error) from error


def _worded(error: ServiceError) -> ServiceError:
    if error.code in ("AccessDeniedException", "AccessDenied"):
        return errors.access_denied(error.message)
    if error.status >= 500:
        return error
    code = "KMS.NotFoundException" if error.code == "InvalidArnException" else f"KMS.{error.code}"
    return ServiceError(code, error.message, 400)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
