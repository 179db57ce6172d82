from __future__ import annotations

import base64
import hashlib
import os
import zlib
from typing import Any

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal

LEAST = 5 * 1024 * 1024


def _create(aws: Account, bucket: str, key: str = "k", **params: Any) -> dict[str, Any]:
    return {"Bucket": bucket, "Key": key, "UploadId": aws.s3.create_multipart_upload(Bucket=bucket, Key=key, **params)["UploadId"]}


def _parts(aws: Account, upload: dict[str, Any], *bodies: bytes, **params: Any) -> list[dict[str, Any]]:
    sent = [aws.s3.upload_part(**upload, PartNumber=number, Body=body, **params) for number, body in enumerate(bodies, 1)]
    return [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(sent, 1)]


def _complete(aws: Account, upload: dict[str, Any], parts: list[dict[str, Any]], **params: Any) -> dict[str, Any]:
    return aws.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **params)


def test_parts_become_an_object(aws: Account, bucket: str) -> None:
    one, two = os.urandom(LEAST), os.urandom(1000)
    upload = _create(aws, bucket, ContentType="text/plain", Metadata={"a": "b"}, Tagging="t=1")
    done = _complete(aws, upload, _parts(aws, upload, one, two))
    digest = hashlib.md5(hashlib.md5(one).digest() + hashlib.md5(two).digest()).hexdigest()
    assert done["ETag"] == f'"{digest}-2"'
    assert (done["ChecksumType"], done["Location"].endswith(f"/{bucket}/k")) == ("FULL_OBJECT", True)
    got = aws.s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == one + two
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("text/plain", {"a": "b"}, 1)


def test_ranges_and_parts_of_the_object_are_read(aws: Account, bucket: str) -> None:
    one, two = os.urandom(LEAST), os.urandom(1000)
    upload = _create(aws, bucket)
    _complete(aws, upload, _parts(aws, upload, one, two))
    across = aws.s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={LEAST - 10}-{LEAST + 9}")
    assert across["Body"].read() == one[-10:] + two[:10]
    part = aws.s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (two, 2)
    assert part["ContentRange"] == f"bytes {LEAST}-{LEAST + 999}/{LEAST + 1000}"
    error = refusal(aws.s3.get_object, Bucket=bucket, Key="k", PartNumber=3)
    assert (error["Code"], error["Status"], error["ActualPartCount"]) == ("InvalidPartNumber", 416, "2")
    assert refusal(aws.s3.get_object, Bucket=bucket, Key="k", PartNumber=1, Range="bytes=0-1")["Code"] == "InvalidRequest"


def test_an_object_in_one_piece_has_one_part(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"test-123")
    part = aws.s3.head_object(Bucket=bucket, Key="k", PartNumber=1)
    assert (part["ResponseMetadata"]["HTTPStatusCode"], part["ContentRange"]) == (206, "bytes 0-7/8")


def test_completing_again_gives_the_same_answer(aws: Account, bucket: str) -> None:
    upload = _create(aws, bucket)
    parts = _parts(aws, upload, b"only")
    first, second = _complete(aws, upload, parts), _complete(aws, upload, parts)
    assert (first["ETag"], first["ChecksumCRC64NVME"]) == (second["ETag"], second["ChecksumCRC64NVME"])
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"other")
    error = refusal(_complete, aws=aws, upload=upload, parts=parts)
    assert (error["Code"], error["Status"], error["UploadId"]) == ("NoSuchUpload", 404, upload["UploadId"])


def test_a_part_that_is_not_the_last_must_have_five_megabytes(aws: Account, bucket: str) -> None:
    upload = _create(aws, bucket)
    error = refusal(_complete, aws=aws, upload=upload, parts=_parts(aws, upload, b"tiny", b"tiny"))
    assert (error["Code"], error["ProposedSize"], error["MinSizeAllowed"], error["PartNumber"]) == ("EntityTooSmall", "4", str(LEAST), "1")


def test_parts_must_be_named_in_order_and_by_their_etag(aws: Account, bucket: str) -> None:
    upload = _create(aws, bucket)
    parts = _parts(aws, upload, b"one", b"two")
    assert refusal(_complete, aws=aws, upload=upload, parts=parts[::-1])["Code"] == "InvalidPartOrder"
    wrong = [{"PartNumber": 1, "ETag": parts[1]["ETag"]}]
    error = refusal(_complete, aws=aws, upload=upload, parts=wrong)
    assert (error["Code"], error["PartNumber"]) == ("InvalidPart", "1")
    assert refusal(_complete, aws=aws, upload=upload, parts=[{"PartNumber": 7, "ETag": "x"}])["Code"] == "InvalidPart"
    assert refusal(_complete, aws=aws, upload=upload, parts=[])["Code"] == "MalformedXML"
    named = {name: upload[name] for name in ("Bucket", "Key", "UploadId")}
    assert refusal(aws.s3.complete_multipart_upload, **named)["Message"] == "You must specify at least one part"


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_numbers_are_1_to_10000(aws: Account, bucket: str, number: int) -> None:
    error = refusal(aws.s3.upload_part, **_create(aws, bucket), PartNumber=number, Body=b"")
    assert error["Message"] == "Part number must be an integer between 1 and 10000, inclusive"


def test_a_part_sent_again_replaces_the_first_and_parts_left_out_are_left_out(aws: Account, bucket: str) -> None:
    upload = _create(aws, bucket)
    _parts(aws, upload, b"first")
    parts = _parts(aws, upload, b"again", b"left out")
    _complete(aws, upload, parts[:1])
    assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"again"


def test_parts_are_listed_by_page(aws: Account, bucket: str) -> None:
    upload = _create(aws, bucket)
    assert aws.s3.list_parts(**upload)["NextPartNumberMarker"] == 0
    _parts(aws, upload, b"1", b"22", b"333")
    pages = list(aws.s3.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": 2}))
    assert [[(part["PartNumber"], part["Size"]) for part in page["Parts"]] for page in pages] == [[(1, 1), (2, 2)], [(3, 3)]]


def test_uploads_in_progress_are_listed_by_key_and_page(aws: Account, bucket: str) -> None:
    uploads = [_create(aws, bucket, key) for key in ("a", "a", "b/1", "b/2", "c")]
    whole = aws.s3.list_multipart_uploads(Bucket=bucket)
    assert [each["UploadId"] for each in whole["Uploads"]] == [each["UploadId"] for each in uploads]
    pages = aws.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [each["UploadId"] for page in pages for each in page["Uploads"]] == [each["UploadId"] for each in uploads]
    folders = aws.s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert ([each["Key"] for each in folders["Uploads"]], folders["CommonPrefixes"]) == (["a", "a", "c"], [{"Prefix": "b/"}])
    _complete(aws, uploads[4], _parts(aws, uploads[4], b"x"))
    assert "c" not in [each["Key"] for each in aws.s3.list_multipart_uploads(Bucket=bucket)["Uploads"]]


def test_an_aborted_upload_is_gone(aws: Account, bucket: str) -> None:
    upload = _create(aws, bucket)
    _parts(aws, upload, b"x")
    aws.s3.abort_multipart_upload(**upload)
    for operation in (aws.s3.abort_multipart_upload, aws.s3.list_parts):
        assert refusal(operation, **upload)["Code"] == "NoSuchUpload"
    assert refusal(aws.s3.upload_part, **upload, PartNumber=1, Body=b"x")["Code"] == "NoSuchUpload"


def test_a_part_is_copied_from_a_range_of_an_object(aws: Account, bucket: str) -> None:
    body = os.urandom(200_000)
    aws.s3.put_object(Bucket=bucket, Key="source", Body=body)
    upload = _create(aws, bucket)
    copied = aws.s3.upload_part_copy(**upload, PartNumber=1, CopySource=f"{bucket}/source", CopySourceRange="bytes=100-150000")
    _complete(aws, upload, [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}])
    assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body[100:150_001]
    for wrong in ("bytes=0-200000", "bytes=5-1", "0-1"):
        error = refusal(aws.s3.upload_part_copy, **_create(aws, bucket), PartNumber=1, CopySource=f"{bucket}/source", CopySourceRange=wrong)
        assert error["Code"] == "InvalidArgument"


def _crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4)).decode()


def test_a_composite_checksum_is_of_the_checksums_of_the_parts(aws: Account, bucket: str) -> None:
    one, two = os.urandom(LEAST), b"end"
    upload = _create(aws, bucket, ChecksumAlgorithm="CRC32")
    parts = _parts(aws, upload, one, two, ChecksumAlgorithm="CRC32")
    error = refusal(_complete, aws=aws, upload=upload, parts=parts)
    assert error["Message"].endswith("It was missing for part 1 in the request.")
    full = [part | {"ChecksumCRC32": _crc32(body)} for part, body in zip(parts, (one, two), strict=True)]
    done = _complete(aws, upload, full)
    inner = base64.b64decode(_crc32(one)) + base64.b64decode(_crc32(two))
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (f"{_crc32(inner)}-2", "COMPOSITE")
    asked = ["Checksum", "ObjectParts"]
    attributes = aws.s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=asked)
    assert attributes["Checksum"] == {"ChecksumCRC32": _crc32(inner), "ChecksumType": "COMPOSITE"}
    assert [each["ChecksumCRC32"] for each in attributes["ObjectParts"]["Parts"]] == [_crc32(one), _crc32(two)]
    part = aws.s3.head_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert part["ChecksumCRC32"] == _crc32(two)


def test_a_full_object_checksum_is_that_of_all_bytes(aws: Account, bucket: str) -> None:
    one, two = os.urandom(LEAST), b"end"
    upload = _create(aws, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = _parts(aws, upload, one, two, ChecksumAlgorithm="CRC32")
    assert refusal(_complete, aws=aws, upload=upload, parts=parts, ChecksumCRC32=_crc32(b"other"))["Code"] == "BadDigest"
    done = _complete(aws, upload, parts, ChecksumCRC32=_crc32(one + two), MpuObjectSize=len(one) + 3)
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (_crc32(one + two), "FULL_OBJECT")


@pytest.mark.parametrize(("algorithm", "kind"), [("CRC64NVME", "COMPOSITE"), ("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT")])
def test_algorithms_and_types_that_do_not_go_together(aws: Account, bucket: str, algorithm: str, kind: str) -> None:
    error = refusal(aws.s3.create_multipart_upload, Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert error["Message"] == f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."


def test_the_high_level_transfer_of_boto3_works(aws: Account, bucket: str, tmp_path: Any) -> None:
    body = os.urandom(20 * 1024 * 1024)
    (tmp_path / "up").write_bytes(body)
    aws.s3.upload_file(str(tmp_path / "up"), bucket, "k")
    aws.s3.download_file(bucket, "k", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == body
