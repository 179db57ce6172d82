"""Encryption at rest: what answers say of it, who can read what, and what is on the disk."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.node import Account, RunningNode
from tests.services.s3.refusals import refusal

MIB = 1024 * 1024
KEY = bytes(range(32))
OTHER = bytes(32)
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
WRONG = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": OTHER}
SOURCE = {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": KEY}
KEY_MD5 = base64.b64encode(hashlib.md5(KEY).digest()).decode()
MARK = b"a plain text that nobody may find "


def _get(aws: Account, bucket: str, key: str, **params: Any) -> bytes:
    return aws.s3.get_object(Bucket=bucket, Key=key, **params)["Body"].read()


@pytest.fixture
def key(aws: Account) -> str:
    return aws.kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def own_node(tmp_path: Path) -> Iterator[RunningNode]:
    with RunningNode(tmp_path) as running:
        yield running


def test_nothing_on_the_disk_is_plain(own_node: RunningNode) -> None:
    aws = own_node.fresh_account()
    aws.s3.create_bucket(Bucket="sealed")
    for size in (len(MARK), 65_536, 65_537, 200_000):
        body = (MARK * (size // len(MARK) + 1))[:size]
        for how in ({}, CUSTOMER, {"ServerSideEncryption": "aws:kms"}, {"ServerSideEncryption": "aws:kms:dsse"}):
            aws.s3.put_object(Bucket="sealed", Key="k", Body=body, **how)
            assert _get(aws, "sealed", "k", **(how if how == CUSTOMER else {})) == body
    own_node.stop()
    files = [path for path in own_node.data.rglob("*") if path.is_file()]
    assert any(path.stat().st_size >= 200_000 for path in files)
    for path in files:
        assert MARK not in path.read_bytes(), path


RANGES = [(0, 0), (0, 65_535), (65_535, 65_536), (65_536, 131_071), (131_072, 199_999), (199_999, 199_999), (5, 199_000), (70_000, 70_010)]


@pytest.mark.parametrize("how", ["own", "kms", "dsse", "customer"])
def test_any_range_of_sealed_bytes_is_read(aws: Account, bucket: str, how: str) -> None:
    write: dict[str, Any] = {
        "own": {},
        "kms": {"ServerSideEncryption": "aws:kms"},
        "dsse": {"ServerSideEncryption": "aws:kms:dsse"},
        "customer": CUSTOMER,
    }[how]
    read: dict[str, Any] = CUSTOMER if how == "customer" else {}
    body = os.urandom(200_000)
    aws.s3.put_object(Bucket=bucket, Key="long", Body=body, **write)
    aws.s3.put_object(Bucket=bucket, Key="short", Body=body[:1000], **write)
    for first, last in RANGES:
        assert _get(aws, bucket, "long", Range=f"bytes={first}-{last}", **read) == body[first : last + 1]
    assert _get(aws, bucket, "long", Range="bytes=-7", **read) == body[-7:]
    assert _get(aws, bucket, "short", Range="bytes=10-19", **read) == body[10:20]


# SSE-C


def test_a_customers_key_comes_with_every_request(aws: Account, bucket: str) -> None:
    put = aws.s3.put_object(Bucket=bucket, Key="k", Body=b"secret", **CUSTOMER)
    assert (put["SSECustomerAlgorithm"], put["SSECustomerKeyMD5"]) == ("AES256", KEY_MD5)
    assert "ServerSideEncryption" not in put
    assert put["ETag"] != f'"{hashlib.md5(b"secret").hexdigest()}"'
    got = aws.s3.get_object(Bucket=bucket, Key="k", **CUSTOMER)
    assert got["Body"].read() == b"secret"
    assert (got["SSECustomerKeyMD5"], got["ETag"]) == (KEY_MD5, put["ETag"])
    assert aws.s3.head_object(Bucket=bucket, Key="k", **CUSTOMER)["SSECustomerKeyMD5"] == KEY_MD5
    missing = refusal(aws.s3.get_object, Bucket=bucket, Key="k")
    message = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
    assert (missing["Code"], missing["Message"]) == ("InvalidRequest", message)
    assert refusal(aws.s3.get_object, Bucket=bucket, Key="k", **WRONG)["Code"] == "AccessDenied"
    assert refusal(aws.s3.head_object, Bucket=bucket, Key="k", **WRONG)["Status"] == 403
    assert refusal(aws.s3.head_object, Bucket=bucket, Key="k")["Status"] == 400


def test_a_customers_key_for_what_has_none_is_refused(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"plain")
    error = refusal(aws.s3.get_object, Bucket=bucket, Key="k", **CUSTOMER)
    assert (error["Code"], error["Message"]) == ("InvalidRequest", "The encryption parameters are not applicable to this object.")


_REQUIRED = "Requests specifying Server Side Encryption with Customer provided keys must provide"


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"SSECustomerKey": KEY}, "InvalidArgument", f"{_REQUIRED} a valid encryption algorithm."),
        ({"SSECustomerAlgorithm": "AES256"}, "InvalidArgument", f"{_REQUIRED} an appropriate secret key."),
        (
            {"SSECustomerAlgorithm": "KMS", "SSECustomerKey": KEY},
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
        ),
        (
            {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"short"},
            "InvalidArgument",
            "The secret key was invalid for the specified algorithm.",
        ),
        (
            {**CUSTOMER, "SSECustomerKey": base64.b64encode(KEY).decode(), "SSECustomerKeyMD5": base64.b64encode(bytes(16)).decode()},
            "InvalidArgument",
            "The calculated MD5 hash of the key did not match the hash that was provided.",
        ),
        (
            {**CUSTOMER, "ServerSideEncryption": "AES256"},
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        ),
    ],
)
def test_wrong_customer_keys_are_refused_in_s3s_words(aws: Account, bucket: str, params: dict[str, Any], code: str, message: str) -> None:
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"x", **params)
    assert (error["Code"], error["Message"], error["ArgumentName"]) == (code, message, "x-amz-server-side-encryption")


def test_copies_go_from_key_to_key(aws: Account, bucket: str) -> None:
    body = os.urandom(100_000)
    aws.s3.put_object(Bucket=bucket, Key="k", Body=body, **CUSTOMER)
    source = {"Bucket": bucket, "Key": "k"}
    assert refusal(aws.s3.copy_object, Bucket=bucket, Key="to", CopySource=source)["Code"] == "InvalidRequest"
    copied = aws.s3.copy_object(Bucket=bucket, Key="to", CopySource=source, **SOURCE)
    assert copied["ServerSideEncryption"] == "AES256"
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert _get(aws, bucket, "to") == body
    copied = aws.s3.copy_object(Bucket=bucket, Key="back", CopySource={"Bucket": bucket, "Key": "to"}, **WRONG)
    assert copied["SSECustomerAlgorithm"] == "AES256"
    assert _get(aws, bucket, "back", **WRONG) == body


def test_the_parts_of_an_upload_have_its_customers_key(aws: Account, bucket: str) -> None:
    parts = [os.urandom(5 * MIB), os.urandom(70_000)]
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="k", **CUSTOMER)
    assert upload["SSECustomerKeyMD5"] == KEY_MD5
    which = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    assert refusal(aws.s3.upload_part, **which, PartNumber=1, Body=b"x")["Code"] == "InvalidRequest"
    assert refusal(aws.s3.upload_part, **which, PartNumber=1, Body=b"x", **WRONG)["Code"] == "InvalidRequest"
    done = [
        {"PartNumber": number, "ETag": aws.s3.upload_part(**which, PartNumber=number, Body=part, **CUSTOMER)["ETag"]}
        for number, part in enumerate(parts, 1)
    ]
    aws.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": done})
    assert _get(aws, bucket, "k", **CUSTOMER) == b"".join(parts)
    assert _get(aws, bucket, "k", PartNumber=2, **CUSTOMER) == parts[1]
    assert _get(aws, bucket, "k", Range=f"bytes={5 * MIB - 3}-{5 * MIB + 2}", **CUSTOMER) == parts[0][-3:] + parts[1][:3]
    assert refusal(aws.s3.get_object, Bucket=bucket, Key="k", **WRONG)["Code"] == "AccessDenied"


# SSE-KMS


def test_an_object_under_the_accounts_key_says_so(aws: Account, bucket: str, key: str) -> None:
    put = aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key.rpartition("/")[2])
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == ("aws:kms", key)
    assert "BucketKeyEnabled" not in put
    got = aws.s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["SSEKMSKeyId"]) == (b"x", key)
    managed = aws.s3.put_object(Bucket=bucket, Key="m", Body=b"x", ServerSideEncryption="aws:kms")["SSEKMSKeyId"]
    assert aws.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"] == managed
    dual = aws.s3.put_object(Bucket=bucket, Key="d", Body=b"x", ServerSideEncryption="aws:kms:dsse", SSEKMSKeyId=key)
    assert dual["ServerSideEncryption"] == aws.s3.head_object(Bucket=bucket, Key="d")["ServerSideEncryption"] == "aws:kms:dsse"


def test_a_key_that_cannot_be_used_is_refused_in_kmss_words(aws: Account, bucket: str, key: str) -> None:
    how = {"Bucket": bucket, "Key": "k", "ServerSideEncryption": "aws:kms"}
    error = refusal(aws.s3.put_object, **how, SSEKMSKeyId="fake-key-id")
    assert (error["Code"], error["Message"], error["Status"]) == ("KMS.NotFoundException", "Invalid keyId 'fake-key-id'", 400)
    aws.s3.put_object(**how, SSEKMSKeyId=key, Body=b"x")
    aws.kms.disable_key(KeyId=key)
    for refused in (refusal(aws.s3.get_object, Bucket=bucket, Key="k"), refusal(aws.s3.put_object, **how, SSEKMSKeyId=key)):
        assert (refused["Code"], refused["Message"]) == ("KMS.DisabledException", f"{key} is disabled.")
    aws.kms.enable_key(KeyId=key)
    assert _get(aws, bucket, "k") == b"x"


def test_who_may_not_use_the_key_may_not_use_the_object(aws: Account, bucket: str, key: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    aws.s3.put_object(Bucket=bucket, Key="own", Body=b"x", ServerSideEncryption="aws:kms")
    aws.iam.create_user(UserName="u")
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    made = aws.iam.create_access_key(UserName="u")["AccessKey"]
    user = aws.client("s3", aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"])
    for refused in (
        refusal(user.get_object, Bucket=bucket, Key="k"),
        refusal(user.put_object, Bucket=bucket, Key="n", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key),
    ):
        assert (refused["Code"], refused["Status"]) == ("AccessDenied", 403)
        assert "kms:" in refused["Message"]
    assert user.get_object(Bucket=bucket, Key="own")["Body"].read() == b"x"


def test_a_buckets_default_is_what_new_objects_get(aws: Account, bucket: str, key: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": True}
    aws.s3.put_object(Bucket=bucket, Key="before", Body=b"0")
    aws.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert aws.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    for number in range(3):
        put = aws.s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"1")
        assert (put["ServerSideEncryption"], put["SSEKMSKeyId"], put["BucketKeyEnabled"]) == ("aws:kms", key, True)
        assert _get(aws, bucket, f"k{number}") == b"1"
    asked = aws.s3.put_object(Bucket=bucket, Key="asked", Body=b"2", ServerSideEncryption="AES256")
    assert (asked["ServerSideEncryption"], "SSEKMSKeyId" in asked) == ("AES256", False)
    assert aws.s3.head_object(Bucket=bucket, Key="before")["ServerSideEncryption"] == "AES256"
    copied = aws.s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "before"})
    assert copied["SSEKMSKeyId"] == key
    assert _get(aws, bucket, "copy") == b"0"


def test_an_upload_keeps_the_key_of_its_beginning(aws: Account, bucket: str, key: str) -> None:
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="k", ServerSideEncryption="aws:kms", SSEKMSKeyId=key, BucketKeyEnabled=True)
    assert (upload["SSEKMSKeyId"], upload["BucketKeyEnabled"]) == (key, True)
    which = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    part = aws.s3.upload_part(**which, PartNumber=1, Body=b"test-sse")
    copied = aws.s3.put_object(Bucket=bucket, Key="source", Body=bytes(70_000))
    assert copied["ServerSideEncryption"] == "AES256"
    assert (part["SSEKMSKeyId"], part["ServerSideEncryption"], part["BucketKeyEnabled"]) == (key, "aws:kms", True)
    done = aws.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert (done["SSEKMSKeyId"], done["BucketKeyEnabled"]) == (key, True)
    assert _get(aws, bucket, "k") == b"test-sse"
    assert aws.s3.head_object(Bucket=bucket, Key="k")["SSEKMSKeyId"] == key


def test_customer_keys_can_be_blocked(aws: Account, bucket: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    aws.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert refusal(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)["Code"] == "AccessDenied"


def test_versions_and_other_nodes_find_their_keys_after_a_restart(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    aws = node.fresh_account()
    aws.s3.create_bucket(Bucket="restarted")
    body = os.urandom(150_000)
    for name, how in (("own", {}), ("kms", {"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": True}), ("customer", CUSTOMER)):
        aws.s3.put_object(Bucket="restarted", Key=name, Body=body, **how)
    node.kill()
    again = Account(start_node(), aws.id)
    assert [_get(again, "restarted", name) for name in ("own", "kms")] == [body, body]
    assert _get(again, "restarted", "customer", **CUSTOMER) == body
