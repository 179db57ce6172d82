"""Exchanging the keys of objects that are there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal


def _to(aws: Account, bucket: str, key: str, **more: Any) -> dict[str, Any]:
    return {"Bucket": bucket, "Key": key, "ObjectEncryption": {"SSEKMS": {"KMSKeyArn": aws.kms.create_key()["KeyMetadata"]["Arn"], **more}}}


@pytest.mark.parametrize("size", [10, 200_000])
def test_an_object_gets_other_keys_and_stays_what_it_is(aws: Account, bucket: str, size: int) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=bytes(size), Metadata={"m": "1"})
    before = aws.s3.head_object(Bucket=bucket, Key="k")
    first, second = _to(aws, bucket, "k"), _to(aws, bucket, "k", BucketKeyEnabled=True)
    for wanted in (first, second):
        aws.s3.update_object_encryption(**wanted)
        found = aws.s3.get_object(Bucket=bucket, Key="k")
        assert found["Body"].read() == bytes(size)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", wanted["ObjectEncryption"]["SSEKMS"]["KMSKeyArn"])
        assert (found["ETag"], found["LastModified"], found["Metadata"]) == (before["ETag"], before["LastModified"], {"m": "1"})
    assert found["BucketKeyEnabled"]
    aws.kms.disable_key(KeyId=first["ObjectEncryption"]["SSEKMS"]["KMSKeyArn"])
    assert aws.s3.get_object(Bucket=bucket, Key="k")["ContentLength"] == size


def test_keys_that_cannot_be_exchanged_are_refused(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="customer", Body=b"", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)
    aws.s3.put_object(Bucket=bucket, Key="dsse", Body=b"", ServerSideEncryption="aws:kms:dsse")
    assert "SSE-C" in refusal(aws.s3.update_object_encryption, **_to(aws, bucket, "customer"))["Message"]
    assert "DSSE-KMS" in refusal(aws.s3.update_object_encryption, **_to(aws, bucket, "dsse"))["Message"]
    foreign = {"SSEKMS": {"KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000"}}
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert refusal(aws.s3.update_object_encryption, Bucket=bucket, Key="k", ObjectEncryption=foreign)["Code"] == "AccessDenied"
    assert refusal(aws.s3.update_object_encryption, **_to(aws, bucket, "none"))["Code"] == "NoSuchKey"
