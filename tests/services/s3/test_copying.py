from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal


@pytest.fixture
def source(aws: Account, bucket: str) -> dict[str, str]:
    aws.s3.put_object(
        Bucket=bucket, Key="from/ä b", Body=b"copied", ContentType="text/plain", Metadata={"a": "1"}, Tagging="t=1", ChecksumAlgorithm="SHA256"
    )
    return {"Bucket": bucket, "Key": "from/ä b"}


def test_a_copy_has_bytes_metadata_tags_and_checksum_of_its_source(aws: Account, bucket: str, source: dict[str, str]) -> None:
    copied = aws.s3.copy_object(Bucket=bucket, Key="to", CopySource=source)["CopyObjectResult"]
    got = aws.s3.get_object(Bucket=bucket, Key="to", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"copied"
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("text/plain", {"a": "1"}, 1)
    assert copied["ETag"] == got["ETag"]
    assert copied["ChecksumSHA256"] == got["ChecksumSHA256"]


def test_a_copy_with_replace_has_what_the_request_says(aws: Account, bucket: str, source: dict[str, str]) -> None:
    replace = {"MetadataDirective": "REPLACE", "Metadata": {"b": "2"}, "TaggingDirective": "REPLACE", "Tagging": "u=2&v=3"}
    aws.s3.copy_object(Bucket=bucket, Key="to", CopySource=source, StorageClass="STANDARD_IA", ChecksumAlgorithm="SHA1", **replace)
    head = aws.s3.head_object(Bucket=bucket, Key="to", ChecksumMode="ENABLED")
    assert (head["ContentType"], head["Metadata"], head["TagCount"]) == ("binary/octet-stream", {"b": "2"}, 2)
    assert head["StorageClass"] == "STANDARD_IA"
    assert "ChecksumSHA1" in head


def test_the_bytes_stay_when_either_of_two_that_share_them_is_deleted(
    turned: Account,
) -> None:
    s3, bucket, body = turned.s3, f"shared-{turned.id}", os.urandom(300_000)
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="one", Body=body)
    s3.copy_object(Bucket=bucket, Key="two", CopySource={"Bucket": bucket, "Key": "one"})
    s3.delete_object(Bucket=bucket, Key="one")
    turned.node.advance(120)
    assert s3.get_object(Bucket=bucket, Key="two")["Body"].read() == body


def test_bytes_that_nothing_refers_to_any_more_are_given_back(turned: Account) -> None:
    s3, bucket = turned.s3, f"garbage-{turned.id}"
    s3.create_bucket(Bucket=bucket)

    def blobs() -> set[str]:
        return {path.name for path in (turned.node.data / "blobs").rglob("*") if path.is_file()}

    before = blobs()
    s3.put_object(Bucket=bucket, Key="one", Body=os.urandom(300_000))
    assert len(blobs() - before) == 1
    s3.put_object(Bucket=bucket, Key="one", Body=b"short")
    turned.node.advance(120)
    assert blobs() == before


def test_copying_onto_itself_must_change_something(aws: Account, source: dict[str, str]) -> None:
    error = refusal(aws.s3.copy_object, **source, CopySource=source)
    assert error["Code"] == "InvalidRequest"
    assert error["Message"].startswith("This copy request is illegal because it is trying to copy an object to itself")
    aws.s3.copy_object(**source, CopySource=source, MetadataDirective="REPLACE", Metadata={"new": "yes"})
    assert aws.s3.head_object(**source)["Metadata"] == {"new": "yes"}


_LATER = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
_EARLIER = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ({"CopySourceIfMatch": '"x"'}, "x-amz-copy-source-If-Match"),
        ({"CopySourceIfUnmodifiedSince": _EARLIER}, "x-amz-copy-source-If-Unmodified-Since"),
    ],
)
def test_a_condition_on_the_source_that_fails_is_412(aws: Account, bucket: str, source: dict[str, str], condition: Any, named: str) -> None:
    error = refusal(aws.s3.copy_object, Bucket=bucket, Key="to", CopySource=source, **condition)
    assert (error["Status"], error["Condition"]) == (412, named)


def test_a_modified_since_in_the_future_is_ignored(aws: Account, bucket: str, source: dict[str, str]) -> None:
    aws.s3.copy_object(Bucket=bucket, Key="to", CopySource=source, CopySourceIfModifiedSince=_LATER)


def test_the_target_may_be_conditional(aws: Account, bucket: str, source: dict[str, str]) -> None:
    aws.s3.copy_object(Bucket=bucket, Key="to", CopySource=source, IfNoneMatch="*")
    assert refusal(aws.s3.copy_object, Bucket=bucket, Key="to", CopySource=source, IfNoneMatch="*")["Status"] == 412


def test_an_old_version_is_copied_over_the_current_one(aws: Account, versioned: str) -> None:
    old = aws.s3.put_object(Bucket=versioned, Key="k", Body=b"old")["VersionId"]
    aws.s3.put_object(Bucket=versioned, Key="k", Body=b"new")
    copied = aws.s3.copy_object(Bucket=versioned, Key="k", CopySource={"Bucket": versioned, "Key": "k", "VersionId": old})
    assert copied["CopySourceVersionId"] == old
    assert aws.s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"old"


def test_a_delete_marker_is_no_source(aws: Account, versioned: str) -> None:
    aws.s3.put_object(Bucket=versioned, Key="k", Body=b"old")
    marker = aws.s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    assert refusal(aws.s3.copy_object, Bucket=versioned, Key="to", CopySource=f"{versioned}/k")["Code"] == "NoSuchKey"
    error = refusal(aws.s3.copy_object, Bucket=versioned, Key="to", CopySource=f"{versioned}/k?versionId={marker}")
    assert error["Message"] == "The source of a copy request may not specifically refer to a delete marker by version id."


def test_a_copy_of_a_multipart_object_is_one_piece(aws: Account, bucket: str, new_bucket: Callable[[], str]) -> None:
    body = os.urandom(5 * 1024 * 1024 + 10)
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="mp", ChecksumAlgorithm="SHA1")["UploadId"]
    parts = [
        aws.s3.upload_part(Bucket=bucket, Key="mp", UploadId=upload, PartNumber=number, Body=piece, ChecksumAlgorithm="SHA1")
        for number, piece in ((1, body[: 5 * 1024 * 1024]), (2, body[5 * 1024 * 1024 :]))
    ]
    listed = [{"PartNumber": n, "ETag": part["ETag"], "ChecksumSHA1": part["ChecksumSHA1"]} for n, part in enumerate(parts, 1)]
    aws.s3.complete_multipart_upload(Bucket=bucket, Key="mp", UploadId=upload, MultipartUpload={"Parts": listed})
    target = new_bucket()
    copied = aws.s3.copy_object(Bucket=target, Key="copy", CopySource=f"{bucket}/mp")["CopyObjectResult"]
    assert copied["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert copied["ChecksumType"] == "FULL_OBJECT"
    aws.s3.delete_object(Bucket=bucket, Key="mp")
    assert aws.s3.get_object(Bucket=target, Key="copy")["Body"].read() == body


def test_a_slow_reader_gets_all_of_what_was_deleted_meanwhile(turned: Account) -> None:
    s3, bucket = turned.s3, f"slow-{turned.id}"
    s3.create_bucket(Bucket=bucket)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    bodies = [os.urandom(30_000_000), os.urandom(345_678)]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    stream = s3.get_object(Bucket=bucket, Key="k")["Body"]
    first = stream.read(1000)
    s3.delete_object(Bucket=bucket, Key="k")
    turned.node.advance(90)
    assert first + stream.read() == b"".join(bodies)
    blobs = turned.node.data / "blobs"
    turned.node.advance(120)
    assert not [path for path in blobs.rglob("*") if path.is_file() and path.stat().st_size == len(bodies[1])]
