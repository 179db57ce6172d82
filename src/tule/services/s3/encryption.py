"""Default encryption of buckets.  AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html

`aws:kms` without a key of one's own (which the SAM CLI asks for) is kept as configuration; until KMS is there, objects of
such a bucket are stored, and say that they are, as under the default AES256.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import not_implemented
from tule.services.s3 import errors

DEFAULT = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
_ALGORITHMS = ("AES256", "aws:kms", "aws:kms:dsse")


def checked(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Raises MalformedXML or InvalidArgument."""
    if len(rules) != 1:
        raise errors.malformed_xml()
    rule = dict(rules[0])
    default = rule.get("ApplyServerSideEncryptionByDefault")
    if not default or default.get("SSEAlgorithm") not in _ALGORITHMS:
        raise errors.malformed_xml()
    if default["SSEAlgorithm"] == "AES256" and default.get("KMSMasterKeyID"):
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise errors.invalid_argument(message, "ApplyServerSideEncryptionByDefault")
    if default["SSEAlgorithm"] == "aws:kms:dsse" or default.get("KMSMasterKeyID"):
        raise not_implemented("s3", f"PutBucketEncryption with {default['SSEAlgorithm']} and a key")
    rule.setdefault("BucketKeyEnabled", False)
    return [rule]
