"""Every checksum algorithm: computed, compared, kept, told; of parts and wholes."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal

MIB = 1024 * 1024
BODY = b"abc"


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _crc64nvme(data: bytes) -> bytes:
    """Bit by bit, as its definition says."""
    value = 2**64 - 1
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x9A6C9329AC4BC9B5 if value & 1 else 0)
    return (value ^ 2**64 - 1).to_bytes(8)


KNOWN = {
    "CRC32": _text(zlib.crc32(BODY).to_bytes(4)),
    "CRC32C": _text(bytes.fromhex("364b3fb7")),
    "CRC64NVME": _text(_crc64nvme(BODY)),
    "SHA1": _text(hashlib.sha1(BODY).digest()),
    "SHA256": _text(hashlib.sha256(BODY).digest()),
    "SHA512": _text(hashlib.sha512(BODY).digest()),
    "MD5": _text(hashlib.md5(BODY).digest()),
    "XXHASH64": _text(bytes.fromhex("44bc2cf5ad770999")),
    "XXHASH3": _text(bytes.fromhex("78af5f94892f3950")),
    "XXHASH128": _text(bytes.fromhex("06b05ab6733a618578af5f94892f3950")),
}


@pytest.mark.parametrize("algorithm", KNOWN)
def test_what_a_client_says_is_compared_and_kept(aws: Account, bucket: str, algorithm: str) -> None:
    member = f"Checksum{algorithm}"
    put = aws.s3.put_object(Bucket=bucket, Key="k", Body=BODY, **{member: KNOWN[algorithm]})
    assert (put[member], put["ChecksumType"]) == (KNOWN[algorithm], "FULL_OBJECT")
    head = aws.s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member] == KNOWN[algorithm]
    assert member not in aws.s3.head_object(Bucket=bucket, Key="k")
    listed = aws.s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ([algorithm], "FULL_OBJECT")
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="no", Body=BODY + b"d", **{member: KNOWN[algorithm]})
    assert (error["Code"], error["Message"]) == ("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_a_composite_checksum_survives_a_copy_only_as_one_of_the_whole(aws: Account, bucket: str, algorithm: str) -> None:
    member = f"Checksum{algorithm}"
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm)["UploadId"]
    which = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    parts: list[dict[str, Any]] = []
    for number, body in enumerate((bytes(5 * MIB), BODY), 1):
        part = aws.s3.upload_part(**which, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": part["ETag"], member: part[member]})
    wrong = [{**parts[0], member: parts[1][member]}, parts[1]]
    assert refusal(aws.s3.complete_multipart_upload, **which, MultipartUpload={"Parts": wrong})["Code"] == "InvalidPart"
    done = aws.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
    assert (done["ChecksumType"], done[member][-2:]) == ("COMPOSITE", "-2")
    part = aws.s3.get_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert (part["Body"].read(), part[member]) == (BODY, KNOWN[algorithm])
    copied = aws.s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})["CopyObjectResult"]
    assert copied["ChecksumType"] == "FULL_OBJECT"
    assert copied[member] != done[member]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
def test_a_full_object_checksum_is_as_if_it_had_come_in_one_piece(aws: Account, bucket: str, algorithm: str) -> None:
    member, bodies = f"Checksum{algorithm}", (bytes(range(256)) * 20_480, BODY)
    whole = aws.s3.put_object(Bucket=bucket, Key="one", Body=b"".join(bodies), ChecksumAlgorithm=algorithm)[member]
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")["UploadId"]
    which = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": aws.s3.upload_part(**which, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    wrong = refusal(aws.s3.complete_multipart_upload, **which, MultipartUpload={"Parts": parts}, **{member: KNOWN[algorithm]})
    assert wrong["Code"] == "BadDigest"
    done = aws.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts}, **{member: whole})
    assert (done[member], done["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_the_definition_that_is_compared_with_is_right() -> None:
    assert _crc64nvme(b"123456789").hex() == "ae8b14860a799888"
