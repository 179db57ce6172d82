"""Bodies in chunks with the checksum behind them, as SDKs send them over TLS."""

from __future__ import annotations

import base64
import http.client
import os
import zlib
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.node import Account


def _crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4)).decode()


def _put(aws: Account, bucket: str, body: bytes, trailer: str, *, announced: str = "x-amz-checksum-crc32", **headers: str) -> tuple[int, bytes]:
    chunks = [body[at : at + 70_000] for at in range(0, len(body), 70_000)]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + f"0\r\n{trailer}\r\n\r\n".encode()
    wanted = {"x-amz-trailer": announced, "x-amz-decoded-content-length": str(len(body)), "content-encoding": "aws-chunked", **headers}
    request = AWSRequest("PUT", f"{aws.node.url}/{bucket}/k", headers={**wanted, "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})
    request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    SigV4Auth(Credentials(aws.id, "test"), "s3", aws.region).add_auth(request)
    with closing(http.client.HTTPConnection(urlsplit(aws.node.url).netloc, timeout=20)) as connection:
        connection.request("PUT", f"/{bucket}/k", sent, dict(request.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("size", [0, 1_000, 500_000])
def test_a_trailing_checksum_is_verified_and_kept(aws: Account, bucket: str, size: int) -> None:
    body = os.urandom(size)
    status, answer = _put(aws, bucket, body, f"x-amz-checksum-crc32:{_crc32(body)}", **{"content-encoding": "gzip,aws-chunked"})
    assert (status, answer) == (200, b"")
    got = aws.s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (got["ChecksumCRC32"], got["ContentLength"], got["ContentEncoding"]) == (_crc32(body), size, "gzip")


@pytest.mark.parametrize("size", [1_000, 500_000])
def test_a_wrong_trailing_checksum_is_refused(aws: Account, bucket: str, size: int) -> None:
    status, answer = _put(aws, bucket, os.urandom(size), f"x-amz-checksum-crc32:{_crc32(b'other')}")
    assert (status, b"<Code>BadDigest</Code>" in answer) == (400, True)
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=bucket)


def test_a_trailing_checksum_that_does_not_come_is_refused(aws: Account, bucket: str) -> None:
    status, answer = _put(aws, bucket, b"x", "x-other:1")
    assert (status, b"MalformedTrailerError" in answer) == (400, True)
