"""Small things that AWS was seen to answer."""

from __future__ import annotations

from urllib.request import Request, urlopen

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from tests.node import Account
from tests.services.s3.refusals import refusal

_EXPIRES = "Wed, 21 Oct 2065 07:28:00 GMT"


def test_a_listing_goes_on_behind_a_version_that_is_gone(aws: Account, versioned: str) -> None:
    for body in range(5):
        aws.s3.put_object(Bucket=versioned, Key="k", Body=str(body))
    page = aws.s3.list_object_versions(Bucket=versioned, MaxKeys=3)
    for version in page["Versions"]:
        aws.s3.delete_object(Bucket=versioned, Key="k", VersionId=version["VersionId"])
    rest = aws.s3.list_object_versions(Bucket=versioned, KeyMarker=page["NextKeyMarker"], VersionIdMarker=page["NextVersionIdMarker"])
    assert [version["IsLatest"] for version in rest["Versions"]] == [True, False]


def test_who_may_write_may_delete_what_is_its_own(aws: Account) -> None:
    bucket = f"own-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")
    aws.s3.delete_public_access_block(Bucket=bucket)
    aws.s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    plain = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"})
    anybody = boto3.client("s3", endpoint_url=aws.node.url, region_name="us-east-1", config=plain)
    aws.s3.put_object(Bucket=bucket, Key="theirs", Body=b"")
    anybody.put_object(Bucket=bucket, Key="own", Body=b"")
    answer = anybody.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "own"}, {"Key": "theirs"}]})
    assert [each["Key"] for each in answer["Deleted"]] == ["own"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("theirs", "AccessDenied")]
    listed = anybody.list_objects(Bucket=bucket)["Contents"]
    assert [(each["Key"], "Owner" in each) for each in listed] == [("theirs", False)]


def test_a_response_expires_when_the_reader_says(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert aws.s3.get_object(Bucket=bucket, Key="k", ResponseExpires=_EXPIRES)["ExpiresString"] == _EXPIRES


def test_encoded_metadata_is_decoded(aws: Account, bucket: str) -> None:
    aws.s3.put_object(
        Bucket=bucket, Key="k", Body=b"", Metadata={"bad": "=?UTF-8?B?/2H/?=", "good": "=?UTF-8?Q?ab_d=C3=A9?=", "plain": "=?UTF-8?Q?a?="}
    )
    found = aws.s3.head_object(Bucket=bucket, Key="k")["Metadata"]
    assert found == {"bad": "=?UTF-8?B?77+9Ye+/vQ==?=", "good": "=?UTF-8?Q?ab_d=C3=A9?=", "plain": "a"}


def test_an_empty_policy_is_no_policy(aws: Account, bucket: str) -> None:
    assert refusal(aws.s3.put_bucket_policy, Bucket=bucket, Policy="")["Code"] == "MalformedPolicy"


def test_the_checksum_that_is_there_counts_whatever_the_algorithm_is_said_to_be(aws: Account, bucket: str) -> None:
    digest = "2l26x0trnT0r2AvakoFk2MB7eKVKzYESLMxSAKAzoik="
    assert refusal(aws.s3.put_object, Bucket=bucket, Key="k", Body=b"other", ChecksumSHA256=digest, ChecksumAlgorithm="CRC32")["Code"] == "BadDigest"


def test_a_version_that_is_gone_is_deleted_again(aws: Account, versioned: str) -> None:
    gone = {"Key": "k", "VersionId": aws.s3.put_object(Bucket=versioned, Key="k", Body=b"")["VersionId"]}
    for _ in range(2):
        assert aws.s3.delete_objects(Bucket=versioned, Delete={"Objects": [gone]})["Deleted"] == [gone]
    never = {"Key": "k", "VersionId": "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"}
    [failed] = aws.s3.delete_objects(Bucket=versioned, Delete={"Objects": [never]})["Errors"]
    assert failed["Code"] == "NoSuchVersion"


def test_metadata_in_an_old_presigned_url_counts(aws: Account, bucket: str) -> None:
    old = Config(signature_version="s3", s3={"addressing_style": "path"})
    signed = aws.client("s3", config=old).generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "Metadata": {"m": "1"}})
    with urlopen(Request(signed, b"", method="PUT", headers={"content-type": ""}), timeout=20):
        pass
    assert aws.s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"m": "1"}
