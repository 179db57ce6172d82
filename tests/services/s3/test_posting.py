"""Uploads by a browser's form."""

from __future__ import annotations

import http.client
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.node import Account
from tule.services.s3 import form
from tule.wire.http import Body

_BOUNDARY = "----boundary"


def _encoded(fields: dict[str, str], file: bytes, filename: str = "f.txt") -> bytes:
    head = "".join(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    head += f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: text/plain\r\n\r\n'
    return head.encode() + file + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _post(url: str, fields: dict[str, str], file: bytes, content_type: str | None = None) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=20)) as connection:
        headers = {"content-type": content_type or f"multipart/form-data; boundary={_BOUNDARY}"}
        connection.request("POST", parts.path, _encoded(fields, file), headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@given(st.dictionaries(st.text("abc-", min_size=1, max_size=5), st.text(max_size=20), max_size=4), st.binary(max_size=200), st.integers(1, 50))
async def test_a_form_is_read_however_its_bytes_come(fields: dict[str, str], file: bytes, step: int) -> None:
    fields = {name: value for name, value in fields.items() if "\r" not in value}
    data = _encoded(fields, file)

    async def pieces() -> Any:
        for at in range(0, len(data), step):
            yield data[at : at + step]

    read = await form.read(Body(pieces(), len(data)), f'multipart/form-data; boundary="{_BOUNDARY}"')
    assert read.fields == {name.lower(): value for name, value in fields.items()}
    assert read.filename == "f.txt"
    assert b"".join([piece async for piece in read.file]) == file


@pytest.fixture
def url(aws: Account, bucket: str) -> str:
    return f"{aws.node.url}/{bucket}"


def test_a_signed_form_uploads_a_file(aws: Account, bucket: str) -> None:
    conditions = [{"x-amz-meta-a": "1"}, ["starts-with", "$key", "up/f"]]
    signed = aws.s3.generate_presigned_post(bucket, "up/${filename}", Fields={"x-amz-meta-a": "1"}, Conditions=conditions)
    status, headers, body = _post(signed["url"], signed["fields"], b"by a browser")
    assert (status, body) == (204, b"")
    got = aws.s3.get_object(Bucket=bucket, Key="up/f.txt")
    assert (got["Body"].read(), got["Metadata"], got["ETag"]) == (b"by a browser", {"a": "1"}, headers["etag"])


def test_the_form_says_how_it_is_answered(aws: Account, bucket: str) -> None:
    def signed(field: str, value: str) -> dict[str, Any]:
        return aws.s3.generate_presigned_post(bucket, "k", Fields={field: value}, Conditions=[{field: value}])

    post = signed("success_action_status", "201")
    status, _, body = _post(post["url"], post["fields"], b"x")
    assert status == 201
    assert b"<PostResponse" in body
    assert f"<Bucket>{bucket}</Bucket>".encode() in body
    assert b"<Key>k</Key>" in body
    post = signed("success_action_redirect", "http://localhost/done")
    status, headers, _ = _post(post["url"], post["fields"], b"x")
    assert status == 303
    assert headers["location"].startswith(f"http://localhost/done?bucket={bucket}&key=k&etag=%22")


def test_a_file_outside_the_permitted_sizes_is_refused(aws: Account, bucket: str) -> None:
    post = aws.s3.generate_presigned_post(bucket, "k", Conditions=[["content-length-range", 5, 10]])
    for file, code in ((b"x", b"EntityTooSmall"), (b"x" * 11, b"EntityTooLarge")):
        status, _, body = _post(post["url"], post["fields"], file)
        assert (status, code in body) == (400, True)
    assert _post(post["url"], post["fields"], b"x" * 10)[0] == 204


def test_a_field_against_the_policy_is_refused(aws: Account, bucket: str) -> None:
    post = aws.s3.generate_presigned_post(bucket, "k")
    status, _, body = _post(post["url"], post["fields"] | {"key": "other"}, b"x")
    assert (status, b"Invalid according to Policy: Policy Condition failed" in body) == (403, True)
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=bucket)


def test_without_signature_or_key_or_as_another_kind_of_body_it_is_refused(url: str) -> None:
    assert _post(url, {"key": "k"}, b"x")[0] == 403
    status, _, body = _post(url, {"acl": "private"}, b"x")
    assert (status, b"a field named 'key'" in body) == (400, True)
    status, _, body = _post(url, {"key": "k"}, b"x", "text/html")
    assert (status, b"enclosure-type multipart/form-data" in body) == (412, True)


def test_a_long_file_streams_into_a_blob(aws: Account, bucket: str) -> None:
    file = bytes(range(256)) * 4000
    post = aws.s3.generate_presigned_post(bucket, "long")
    assert _post(post["url"], post["fields"], file)[0] == 204
    assert aws.s3.get_object(Bucket=bucket, Key="long")["Body"].read() == file
