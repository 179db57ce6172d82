"""Renaming objects."""

from __future__ import annotations

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal

_KEY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}


@pytest.mark.parametrize("size", [10, 100_000])
def test_an_object_gets_another_name_and_keeps_all_it_has(aws: Account, bucket: str, size: int) -> None:
    aws.s3.put_object(Bucket=bucket, Key="old name", Body=bytes(size), Metadata={"m": "1"}, Tagging="t=2", ContentType="text/x", **_KEY)
    before = aws.s3.head_object(Bucket=bucket, Key="old name", **_KEY)
    aws.s3.rename_object(Bucket=bucket, Key="new", RenameSource="old%20name")
    found = aws.s3.get_object(Bucket=bucket, Key="new", **_KEY)
    assert found["Body"].read() == bytes(size)
    assert (found["Metadata"], found["ContentType"], found["TagCount"]) == ({"m": "1"}, "text/x", 1)
    assert (found["ETag"], found["LastModified"]) == (before["ETag"], before["LastModified"])
    assert [each["Key"] for each in aws.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["new"]


def test_a_rename_takes_the_place_of_what_was_there_unless_told_otherwise(aws: Account, bucket: str) -> None:
    etag = aws.s3.put_object(Bucket=bucket, Key="a", Body=b"a")["ETag"]
    aws.s3.put_object(Bucket=bucket, Key="b", Body=b"b")
    rename = {"Bucket": bucket, "Key": "b", "RenameSource": "a"}
    assert refusal(aws.s3.rename_object, **rename, DestinationIfNoneMatch="*")["Code"] == "PreconditionFailed"
    assert refusal(aws.s3.rename_object, **rename, DestinationIfMatch=etag)["Code"] == "PreconditionFailed"
    assert refusal(aws.s3.rename_object, **rename, SourceIfNoneMatch=etag)["Code"] == "PreconditionFailed"
    assert refusal(aws.s3.rename_object, Bucket=bucket, Key="c", RenameSource="a", DestinationIfMatch=etag)["Code"] == "NoSuchKey"
    aws.s3.rename_object(**rename, SourceIfMatch=etag)
    assert aws.s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"a"
    assert refusal(aws.s3.rename_object, **rename)["Code"] == "NoSuchKey"


def test_a_request_made_again_changes_nothing(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    for _ in range(2):
        aws.s3.rename_object(Bucket=bucket, Key="b", RenameSource="a", ClientToken="t")
    assert refusal(aws.s3.rename_object, Bucket=bucket, Key="b", RenameSource="c", ClientToken="t")["Code"] == "IdempotencyParameterMismatch"


def test_versions_stay_under_the_old_name(aws: Account, versioned: str) -> None:
    old = aws.s3.put_object(Bucket=versioned, Key="a", Body=b"a")["VersionId"]
    aws.s3.rename_object(Bucket=versioned, Key="b", RenameSource="a")
    assert aws.s3.get_object(Bucket=versioned, Key="a", VersionId=old)["Body"].read() == b"a"
    assert refusal(aws.s3.get_object, Bucket=versioned, Key="a")["Code"] == "NoSuchKey"
    assert aws.s3.get_object(Bucket=versioned, Key="b")["Body"].read() == b"a"
