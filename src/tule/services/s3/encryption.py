"""Encryption at rest: by S3's own keys (every object), or by the account's AWS managed KMS key where bucket or request say so.

Keys of customers come with KMS.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.core import arn
from tule.core.errors import not_implemented
from tule.services.s3 import errors
from tule.services.s3.state.buckets import Bucket

DEFAULT: list[dict[str, Any]] = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
MEMBERS = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")
_KMS = "aws:kms"
_ALGORITHMS = ("AES256", _KMS, "aws:kms:dsse")
_OWN_KEYS = {"ServerSideEncryption": "AES256"}
_MANAGED = "alias/aws/s3"


def checked(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A bucket's default encryption.  Raises MalformedXML, InvalidArgument, or NotImplemented."""
    if len(rules) != 1:
        raise errors.malformed_xml()
    rule = dict(rules[0])
    default = rule.get("ApplyServerSideEncryptionByDefault")
    if not default or default.get("SSEAlgorithm") not in _ALGORITHMS:
        raise errors.malformed_xml()
    if default["SSEAlgorithm"] == "AES256" and default.get("KMSMasterKeyID"):
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise errors.invalid_argument(message, "ApplyServerSideEncryptionByDefault")
    _refuse_unbuilt("PutBucketEncryption", default["SSEAlgorithm"], default.get("KMSMasterKeyID"))
    rule.setdefault("BucketKeyEnabled", False)
    return [rule]


def check_request(operation: str, params: Mapping[str, Any]) -> None:
    """The encryption that a write asks for.  Raises InvalidArgument, or NotImplemented."""
    asked, key = params.get("ServerSideEncryption"), params.get("SSEKMSKeyId")
    if asked is None and key is None:
        return
    if asked is not None and asked not in _ALGORITHMS:
        raise errors.invalid_argument("The encryption method specified is not supported", "x-amz-server-side-encryption", asked)
    if key is not None and asked not in (_KMS, "aws:kms:dsse"):
        message = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
        raise errors.invalid_argument(message, "x-amz-server-side-encryption")
    _refuse_unbuilt(operation, asked or "AES256", key)


def _refuse_unbuilt(operation: str, algorithm: str, key: str | None) -> None:
    if algorithm == "aws:kms:dsse":
        raise not_implemented("s3", f"{operation} with dual-layer encryption (DSSE-KMS)")
    if key is not None and not key.endswith(_MANAGED):
        raise not_implemented("s3", f"{operation} with a customer's KMS key")


def of_write(params: Mapping[str, Any], bucket: Bucket) -> dict[str, Any]:
    """What is kept of a new object's encryption, in the model's names; nothing for S3's own keys."""
    asked = params.get("ServerSideEncryption")
    rule: Mapping[str, Any] = (bucket.config.get("Encryption") or DEFAULT)[0]
    by_default = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    if (asked or by_default) != _KMS:
        return {}
    kept: dict[str, Any] = {"ServerSideEncryption": _KMS, "SSEKMSKeyId": _managed_key(bucket)}
    if params.get("BucketKeyEnabled", rule["BucketKeyEnabled"] if by_default == _KMS else False):
        kept["BucketKeyEnabled"] = True
    return kept


def members(of: Mapping[str, Any]) -> dict[str, Any]:
    """What answers say of an encryption that `of_write` gave."""
    return {**_OWN_KEYS, **of}


def told(headers: bytes) -> dict[str, Any]:
    """What answers say of the encryption of an object, by its stored headers."""
    if b"SSEKMSKeyId" not in headers:
        return _OWN_KEYS
    kept = orjson.loads(headers)
    return {name: kept[name] for name in MEMBERS if name in kept}


def _managed_key(bucket: Bucket) -> str:
    """The account's key for S3 in the bucket's region: always the same, as AWS makes it once."""
    digest = hashlib.sha256(f"aws/s3 key of {bucket.account} in {bucket.region}".encode()).hexdigest()
    key = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
    return arn.arn("kms", bucket.region, bucket.account, f"key/{key}")
