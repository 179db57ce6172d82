from __future__ import annotations

import hashlib
import http.client
import os
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

from tests.node import Account
from tests.services.s3.refusals import refusal


def _put(aws: Account, bucket: str, key: str, body: bytes = b"0123456789", **params: Any) -> dict[str, Any]:
    return aws.s3.put_object(Bucket=bucket, Key=key, Body=body, **params)


def _get(aws: Account, bucket: str, key: str, **params: Any) -> bytes:
    return aws.s3.get_object(Bucket=bucket, Key=key, **params)["Body"].read()


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_001])
def test_what_was_put_is_got_whatever_its_size(aws: Account, bucket: str, size: int) -> None:
    body = os.urandom(size)
    put = _put(aws, bucket, "k", body)
    got = aws.s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert put["ETag"] == got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert got["ContentLength"] == size
    assert (got["ContentType"], got["AcceptRanges"], got["ServerSideEncryption"]) == ("binary/octet-stream", "bytes", "AES256")


@pytest.mark.parametrize("key", ["a b+c%2F.txt", "é/ü/😀", "/leading", "trailing/", "a//b", "x" * 1024, "?&=#", "."])
def test_any_key_of_up_to_1024_bytes_is_kept_as_it_is(aws: Account, bucket: str, key: str) -> None:
    _put(aws, bucket, key)
    assert _get(aws, bucket, key) == b"0123456789"
    assert [each["Key"] for each in aws.s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_a_longer_key_is_refused(aws: Account, bucket: str) -> None:
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="é" * 513)
    assert (error["Code"], error["Size"], error["MaxSizeAllowed"]) == ("KeyTooLongError", "1026", "1024")


def test_headers_metadata_tags_and_class_come_back(aws: Account, bucket: str) -> None:
    headers = {
        "CacheControl": "max-age=1",
        "ContentDisposition": 'attachment; filename="f"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain",
        "WebsiteRedirectLocation": "/elsewhere",
        "StorageClass": "STANDARD_IA",
        "Metadata": {"one": "1", "two": "zwei"},
    }
    _put(aws, bucket, "k", **headers, Tagging="a=b&c=d%20e")
    head = aws.s3.head_object(Bucket=bucket, Key="k")
    assert {name: head[name] for name in headers} == headers
    assert head["TagCount"] == 2
    assert aws.s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d e"}]


def test_answers_can_be_given_other_headers(aws: Account, bucket: str) -> None:
    _put(aws, bucket, "k")
    got = aws.s3.head_object(Bucket=bucket, Key="k", ResponseContentType="image/png", ResponseCacheControl="no-cache")
    assert (got["ContentType"], got["CacheControl"]) == ("image/png", "no-cache")


def test_too_much_metadata_is_refused(aws: Account, bucket: str) -> None:
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", Metadata={"a": "x" * 2048})
    assert (error["Code"], error["Size"], error["MaxSizeAllowed"]) == ("MetadataTooLarge", "2049", "2048")


@pytest.mark.parametrize(
    ("range_", "body", "content_range"),
    [("bytes=0-4", b"01234", "bytes 0-4/10"), ("bytes=-3", b"789", "bytes 7-9/10"), ("bytes=8-", b"89", "bytes 8-9/10")],
)
def test_a_range_is_answered_with_206(aws: Account, bucket: str, range_: str, body: bytes, content_range: str) -> None:
    _put(aws, bucket, "k")
    got = aws.s3.get_object(Bucket=bucket, Key="k", Range=range_)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (got["Body"].read(), got["ContentRange"], got["ContentLength"]) == (body, content_range, len(body))


def test_a_range_of_a_long_object_is_read_from_where_it_begins(aws: Account, bucket: str) -> None:
    body = os.urandom(1_000_000)
    _put(aws, bucket, "k", body)
    assert _get(aws, bucket, "k", Range="bytes=300000-700000") == body[300_000:700_001]


def test_a_range_beyond_the_end_is_416(aws: Account, bucket: str) -> None:
    _put(aws, bucket, "k")
    error = refusal(aws.s3.get_object, Bucket=bucket, Key="k", Range="bytes=100-200")
    assert (error["Code"], error["Status"], error["ActualObjectSize"], error["RangeRequested"]) == ("InvalidRange", 416, "10", "bytes=100-200")


def test_a_missing_key_is_404_for_get_and_head(aws: Account, bucket: str) -> None:
    error = refusal(aws.s3.get_object, Bucket=bucket, Key="absent")
    assert (error["Code"], error["Key"], error["Message"]) == ("NoSuchKey", "absent", "The specified key does not exist.")
    assert refusal(aws.s3.head_object, Bucket=bucket, Key="absent")["Code"] == "404"


def test_conditional_reads(aws: Account, bucket: str) -> None:
    etag = _put(aws, bucket, "k")["ETag"]
    assert _get(aws, bucket, "k", IfMatch=etag) == b"0123456789"
    assert refusal(aws.s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag)["Status"] == 304
    error = refusal(aws.s3.get_object, Bucket=bucket, Key="k", IfMatch='"other"')
    assert (error["Status"], error["Code"], error["Condition"]) == (412, "PreconditionFailed", "If-Match")
    assert (
        refusal(aws.s3.head_object, Bucket=bucket, Key="k", IfModifiedSince=aws.s3.head_object(Bucket=bucket, Key="k")["LastModified"])["Status"]
        == 304
    )


def test_writes_only_where_nothing_is_or_over_a_known_version(aws: Account, bucket: str) -> None:
    first = _put(aws, bucket, "k", b"1", IfNoneMatch="*")
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert (error["Code"], error["Status"], error["Condition"]) == ("PreconditionFailed", 412, "If-None-Match")
    _put(aws, bucket, "k", b"3", IfMatch=first["ETag"])
    assert refusal(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"4", IfMatch=first["ETag"])["Condition"] == "If-Match"
    assert refusal(aws.s3.put_object, Bucket=bucket, Key="absent", IfMatch=first["ETag"])["Code"] == "NoSuchKey"
    assert _get(aws, bucket, "k") == b"3"


@pytest.mark.parametrize(("condition", "value"), [("IfNoneMatch", '"x"'), ("IfMatch", "*")])
def test_other_conditions_of_writes_are_not_implemented_by_s3(aws: Account, bucket: str, condition: str, value: str) -> None:
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", **{condition: value})
    assert (error["Code"], error["Status"]) == ("NotImplemented", 501)
    assert error["Message"] == "A header you provided implies functionality that is not implemented"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [10, 200_000])
def test_each_checksum_is_verified_kept_and_told(aws: Account, bucket: str, algorithm: str, size: int) -> None:
    body = os.urandom(size)
    put = aws.s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumAlgorithm=algorithm)
    value = put[f"Checksum{algorithm}"]
    got = aws.s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    assert (got[f"Checksum{algorithm}"], got["ChecksumType"]) == (value, "FULL_OBJECT")
    head = aws.s3.head_object(Bucket=bucket, Key="k")
    assert f"Checksum{algorithm}" not in head
    wrong = ("A" if value[0] != "A" else "B") + value[1:]
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k2", Body=body, **{f"Checksum{algorithm}": wrong})
    assert (error["Code"], error["Status"]) == ("BadDigest", 400)
    assert refusal(aws.s3.head_object, Bucket=bucket, Key="k2")["Status"] == 404


def test_without_a_checksum_s3_computes_crc64nvme(aws: Account, bucket: str) -> None:
    plain = aws.client("s3", config=Config(request_checksum_calculation="when_required", s3={"addressing_style": "path"}))
    assert plain.put_object(Bucket=bucket, Key="k", Body=b"123456789")["ChecksumCRC64NVME"] == "rosUhgp5mIg="
    listed = aws.s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == (["CRC64NVME"], "FULL_OBJECT")


def test_a_malformed_checksum_and_two_of_them_are_refused(aws: Account, bucket: str) -> None:
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", ChecksumSHA256="nonsense")
    assert error["Message"] == "Value for x-amz-checksum-sha256 header is invalid."
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", ChecksumSHA256="x", ChecksumSHA1="y")
    assert error["Message"] == "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."


def test_content_md5_is_checked(aws: Account, bucket: str) -> None:
    good = "eB5eJF1ptWaXm4bijSPyxw=="
    _put(aws, bucket, "k", ContentMD5=good)
    assert refusal(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"other", ContentMD5=good)["Code"] == "BadDigest"
    assert refusal(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"other", ContentMD5="!!")["Code"] == "InvalidDigest"


def _send(method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=20)) as connection:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_presigned_url_gets_and_puts(aws: Account, bucket: str) -> None:
    signer = aws.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    where = {"Bucket": bucket, "Key": "a b"}
    assert _send("PUT", signer.generate_presigned_url("put_object", Params=where), b"presigned") == (200, b"")
    assert _send("GET", signer.generate_presigned_url("get_object", Params=where)) == (200, b"presigned")


def test_what_is_not_built_is_refused(aws: Account, bucket: str) -> None:
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", WriteOffsetBytes=0)
    assert (error["Code"], error["Status"]) == ("NotImplemented", 501)


def test_archived_objects_are_not_read(aws: Account, bucket: str) -> None:
    _put(aws, bucket, "k", StorageClass="DEEP_ARCHIVE")
    error = refusal(aws.s3.get_object, Bucket=bucket, Key="k")
    assert (error["Code"], error["Status"], error["StorageClass"]) == ("InvalidObjectState", 403, "DEEP_ARCHIVE")
    assert aws.s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "DEEP_ARCHIVE"


def test_an_unknown_storage_class_is_refused(aws: Account, bucket: str) -> None:
    assert refusal(aws.s3.put_object, Bucket=bucket, Key="k", StorageClass="NOPE")["Code"] == "InvalidStorageClass"


def test_attributes_of_an_object(aws: Account, bucket: str) -> None:
    _put(aws, bucket, "k", b"test-12")
    asked = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    found = aws.s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=asked)
    assert found["ETag"] == hashlib.md5(b"test-12").hexdigest()
    assert (found["ObjectSize"], found["StorageClass"], found["Checksum"]["ChecksumType"]) == (7, "STANDARD", "FULL_OBJECT")
    assert "ObjectParts" not in found


def test_a_bucket_may_encrypt_with_the_accounts_managed_kms_key(aws: Account, bucket: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    aws.s3.put_object(Bucket=bucket, Key="before", Body=b"x")
    aws.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    put = _put(aws, bucket, "k")
    assert (put["ServerSideEncryption"], put["BucketKeyEnabled"]) == ("aws:kms", True)
    assert put["SSEKMSKeyId"].startswith(f"arn:aws:kms:us-east-1:{aws.id}:key/")
    head = aws.s3.head_object(Bucket=bucket, Key="k")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", put["SSEKMSKeyId"])
    assert _put(aws, bucket, "own", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    assert aws.s3.head_object(Bucket=bucket, Key="before")["ServerSideEncryption"] == "AES256"
    copied = aws.s3.copy_object(Bucket=bucket, Key="before", CopySource=f"{bucket}/k", ServerSideEncryption="AES256")
    assert (copied["ServerSideEncryption"], "SSEKMSKeyId" in copied) == ("AES256", False)
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="mp")
    assert upload["SSEKMSKeyId"] == put["SSEKMSKeyId"]
    part = aws.s3.upload_part(Bucket=bucket, Key="mp", UploadId=upload["UploadId"], PartNumber=1, Body=b"x")
    assert part["ServerSideEncryption"] == "aws:kms"
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = aws.s3.complete_multipart_upload(Bucket=bucket, Key="mp", UploadId=upload["UploadId"], MultipartUpload=parts)
    assert done["SSEKMSKeyId"] == put["SSEKMSKeyId"]
