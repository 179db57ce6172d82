"""What policies may ask about requests to S3: condition keys, access points' and requester's say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal


@pytest.fixture
def reader(aws: Account) -> Account:
    """Another account, which lives by the bucket's policy alone."""
    return aws.node.fresh_account()


def _allow(aws: Account, bucket: str, who: Account, actions: list[str], condition: dict[str, Any]) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    statement = {"Effect": "Allow", "Principal": {"AWS": who.id}, "Action": actions, "Resource": [arn, f"{arn}/*"], "Condition": condition}
    aws.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


@pytest.mark.parametrize(
    ("condition", "allowed", "denied"),
    [
        ({"StringEquals": {"s3:prefix": "a/"}}, {"Prefix": "a/"}, {"Prefix": "b/"}),
        ({"StringEquals": {"s3:delimiter": "/"}}, {"Delimiter": "/"}, {}),
        ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"MaxKeys": 10}, {"MaxKeys": 11}),
    ],
)
def test_listings(aws: Account, bucket: str, reader: Account, condition: dict[str, Any], allowed: dict[str, Any], denied: dict[str, Any]) -> None:
    _allow(aws, bucket, reader, ["s3:ListBucket"], condition)
    reader.s3.list_objects_v2(Bucket=bucket, **allowed)
    assert refusal(reader.s3.list_objects_v2, Bucket=bucket, **denied)["Code"] == "AccessDenied"


def test_tags_of_objects(aws: Account, bucket: str, reader: Account) -> None:
    aws.s3.put_object(Bucket=bucket, Key="open", Body=b"open", Tagging="level=public")
    aws.s3.put_object(Bucket=bucket, Key="closed", Tagging="level=secret")
    _allow(aws, bucket, reader, ["s3:GetObject"], {"StringEquals": {"s3:ExistingObjectTag/level": "public"}})
    assert reader.s3.get_object(Bucket=bucket, Key="open")["Body"].read() == b"open"
    assert refusal(reader.s3.get_object, Bucket=bucket, Key="closed")["Code"] == "AccessDenied"


@pytest.mark.parametrize(
    ("condition", "allowed", "denied"),
    [
        ({"StringEquals": {"s3:RequestObjectTag/team": "red"}}, {"Tagging": "team=red"}, {"Tagging": "team=blue"}),
        ({"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}, {"ServerSideEncryption": "AES256"}, {}),
        ({"StringEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}}, {"StorageClass": "STANDARD_IA"}, {"StorageClass": "GLACIER"}),
        ({"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}, {"ACL": "bucket-owner-full-control"}, {}),
        ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256", "s3:authType": "REST-HEADER"}}, {}, None),
        ({"Null": {"s3:if-none-match": "false"}}, {"IfNoneMatch": "*"}, {}),
    ],
)
def test_writes(
    aws: Account, bucket: str, reader: Account, condition: dict[str, Any], allowed: dict[str, Any], denied: dict[str, Any] | None
) -> None:
    _allow(aws, bucket, reader, ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl"], condition)
    reader.s3.put_object(Bucket=bucket, Key="k", **allowed)
    if denied is not None:
        assert refusal(reader.s3.put_object, Bucket=bucket, Key="k", **denied)["Code"] == "AccessDenied"


def test_versions(aws: Account, versioned: str, reader: Account) -> None:
    first = aws.s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    second = aws.s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]
    _allow(aws, versioned, reader, ["s3:GetObjectVersion"], {"StringEquals": {"s3:VersionId": first}})
    assert reader.s3.get_object(Bucket=versioned, Key="k", VersionId=first)["Body"].read() == b"1"
    assert refusal(reader.s3.get_object, Bucket=versioned, Key="k", VersionId=second)["Code"] == "AccessDenied"


def test_retention_may_be_bounded(aws: Account, reader: Account) -> None:
    bucket = f"bounded-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    condition = {"NumericLessThan": {"s3:object-lock-remaining-retention-days": "10"}}
    _allow(aws, bucket, reader, ["s3:PutObject", "s3:PutObjectRetention"], condition)
    locked = {"Bucket": bucket, "Key": "k", "ObjectLockMode": "GOVERNANCE"}
    assert refusal(reader.s3.put_object, **locked, ObjectLockRetainUntilDate="2090-01-01T00:00:00Z")["Code"] == "AccessDenied"


def test_what_is_missing_is_told_to_who_may_list_its_prefix(aws: Account, bucket: str, reader: Account) -> None:
    _allow(aws, bucket, reader, ["s3:ListBucket"], {"StringLike": {"s3:prefix": "public/*"}})
    assert refusal(reader.s3.head_object, Bucket=bucket, Key="public/none")["Status"] == 404
    assert refusal(reader.s3.head_object, Bucket=bucket, Key="private/none")["Status"] == 403


def test_other_accounts_pay_where_they_are_asked_to(aws: Account, bucket: str, reader: Account) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    _allow(aws, bucket, reader, ["s3:GetObject"], {})
    aws.s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert refusal(reader.s3.get_object, Bucket=bucket, Key="k")["Status"] == 403
    got = reader.s3.get_object(Bucket=bucket, Key="k", RequestPayer="requester")
    assert (got["RequestCharged"], got["Body"].read()) == ("requester", b"x")
    assert "RequestCharged" not in aws.s3.get_object(Bucket=bucket, Key="k")


def test_an_object_is_its_writers_where_acls_count(aws: Account, reader: Account) -> None:
    bucket = f"shared-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")
    _allow(aws, bucket, reader, ["s3:PutObject"], {})
    reader.s3.put_object(Bucket=bucket, Key="mine", Body=b"mine")
    reader.s3.put_object(Bucket=bucket, Key="ours", Body=b"ours", ACL="bucket-owner-full-control")
    assert refusal(aws.s3.get_object, Bucket=bucket, Key="mine")["Status"] == 403
    assert aws.s3.get_object(Bucket=bucket, Key="ours")["Body"].read() == b"ours"
    assert reader.s3.get_object(Bucket=bucket, Key="mine")["Body"].read() == b"mine"


def test_tags_of_buckets_control_access_where_that_is_on(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    aws.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "red"}]})
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    aws.iam.create_user(UserName="u")
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    user = aws.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert refusal(user.get_object, Bucket=bucket, Key="k")["Status"] == 403
    aws.s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
    assert user.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
