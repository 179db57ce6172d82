from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal


def _in_region(aws: Account, region: str):
    return aws.client("s3", region_name=region)


def test_a_bucket_is_made_found_and_deleted(aws: Account) -> None:
    made = aws.s3.create_bucket(Bucket=f"made-{aws.id}")
    assert (made["Location"], made["BucketArn"]) == (f"/made-{aws.id}", f"arn:aws:s3:::made-{aws.id}")
    head = aws.s3.head_bucket(Bucket=f"made-{aws.id}")
    assert (head["BucketRegion"], head["AccessPointAlias"]) == ("us-east-1", False)
    assert aws.s3.get_bucket_location(Bucket=f"made-{aws.id}")["LocationConstraint"] is None
    aws.s3.delete_bucket(Bucket=f"made-{aws.id}")
    assert refusal(aws.s3.head_bucket, Bucket=f"made-{aws.id}")["Status"] == 404


def test_creating_again_succeeds_in_us_east_1_only_and_never_for_another_account(aws: Account) -> None:
    aws.s3.create_bucket(Bucket=f"twice-{aws.id}")
    aws.s3.create_bucket(Bucket=f"twice-{aws.id}")
    west = _in_region(aws, "us-west-2")
    there = {"LocationConstraint": "us-west-2"}
    west.create_bucket(Bucket=f"west-{aws.id}", CreateBucketConfiguration=there)
    assert refusal(west.create_bucket, Bucket=f"west-{aws.id}", CreateBucketConfiguration=there)["Code"] == "BucketAlreadyOwnedByYou"
    other = aws.node.fresh_account()
    error = refusal(other.s3.create_bucket, Bucket=f"twice-{aws.id}")
    assert (error["Code"], error["Status"], error["BucketName"]) == ("BucketAlreadyExists", 409, f"twice-{aws.id}")


@pytest.mark.parametrize(
    ("region", "constraint", "code"),
    [
        ("us-east-1", "foo", "InvalidLocationConstraint"),
        ("us-east-1", "us-east-1", "InvalidLocationConstraint"),
        ("eu-west-1", "bar", "IllegalLocationConstraintException"),
        ("us-east-2", None, "IllegalLocationConstraintException"),
        ("us-east-2", "us-west-1", "IllegalLocationConstraintException"),
    ],
)
def test_a_location_constraint_must_fit_the_endpoint(aws: Account, region: str, constraint: str | None, code: str) -> None:
    configuration = {"CreateBucketConfiguration": {"LocationConstraint": constraint}} if constraint else {}
    error = refusal(_in_region(aws, region).create_bucket, Bucket=f"misplaced-{aws.id}", **configuration)
    assert error["Code"] == code
    if code == "IllegalLocationConstraintException":
        named = constraint or "unspecified"
        assert error["Message"] == f"The {named} location constraint is incompatible for the region specific endpoint this request was sent to."


def test_eu_is_an_old_name_of_eu_west_1(aws: Account) -> None:
    aws.s3.create_bucket(Bucket=f"eu-{aws.id}", CreateBucketConfiguration={"LocationConstraint": "EU"})
    assert aws.s3.get_bucket_location(Bucket=f"eu-{aws.id}")["LocationConstraint"] == "EU"
    assert aws.s3.head_bucket(Bucket=f"eu-{aws.id}")["BucketRegion"] == "eu-west-1"


def test_buckets_are_listed_by_name_prefix_region_and_page(aws: Account) -> None:
    for name in ("a1", "a2", "b1"):
        aws.s3.create_bucket(Bucket=f"{name}-{aws.id}")
    _in_region(aws, "eu-central-1").create_bucket(Bucket=f"a3-{aws.id}", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    def names(**params: object) -> list[str]:
        pages = aws.s3.get_paginator("list_buckets").paginate(**params)
        return [bucket["Name"].partition("-")[0] for page in pages for bucket in page.get("Buckets", ())]

    assert names() == ["a1", "a2", "a3", "b1"]
    assert names(PaginationConfig={"PageSize": 1}) == ["a1", "a2", "a3", "b1"]
    assert names(Prefix="a") == ["a1", "a2", "a3"]
    assert names(BucketRegion="eu-central-1") == ["a3"]
    listed = aws.s3.list_buckets(Prefix=f"b1-{aws.id}")
    assert listed["Prefix"] == f"b1-{aws.id}"
    assert listed["Buckets"][0]["BucketArn"] == f"arn:aws:s3:::b1-{aws.id}"


def test_a_token_of_another_listing_is_refused(aws: Account) -> None:
    for name in ("x1", "x2"):
        aws.s3.create_bucket(Bucket=f"{name}-{aws.id}")
    token = aws.s3.list_buckets(MaxBuckets=1)["ContinuationToken"]
    assert refusal(aws.s3.list_buckets, ContinuationToken=token, Prefix="x")["Code"] == "InvalidArgument"


def test_a_bucket_with_objects_or_old_versions_is_not_deleted(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    error = refusal(aws.s3.delete_bucket, Bucket=bucket)
    assert (error["Code"], error["Status"], error["Message"]) == ("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    aws.s3.delete_object(Bucket=bucket, Key="k")
    message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
    assert refusal(aws.s3.delete_bucket, Bucket=bucket)["Message"] == message


def test_an_upload_in_progress_does_not_keep_a_bucket(aws: Account, bucket: str) -> None:
    upload = aws.s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    aws.s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    aws.s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("operation", ["list_objects_v2", "get_bucket_acl", "get_bucket_policy", "get_bucket_lifecycle_configuration"])
def test_what_is_asked_of_a_bucket_that_is_not_there_is_no_such_bucket(aws: Account, operation: str) -> None:
    error = refusal(getattr(aws.s3, operation), Bucket=f"absent-{aws.id}")
    assert (error["Code"], error["Status"], error["BucketName"]) == ("NoSuchBucket", 404, f"absent-{aws.id}")


def test_the_expected_owner_must_be_the_owner(aws: Account, bucket: str) -> None:
    aws.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=aws.id)
    assert refusal(aws.s3.list_objects_v2, Bucket=bucket, ExpectedBucketOwner="000000000020")["Code"] == "AccessDenied"
    error = refusal(aws.s3.delete_bucket_policy, Bucket=bucket, ExpectedBucketOwner="0000")
    assert (error["Code"], error["Status"]) == ("InvalidBucketOwnerAWSAccountID", 400)
    assert error["Message"] == "The value of the expected bucket owner parameter must be an AWS Account ID... [0000]"


def test_what_is_not_built_is_refused_and_named(aws: Account, new_bucket: Callable[[], str]) -> None:
    configuration = {
        "Location": {"Type": "AvailabilityZone", "Name": "use1-az4"},
        "Bucket": {"Type": "Directory", "DataRedundancy": "SingleAvailabilityZone"},
    }
    error = refusal(aws.s3.create_bucket, Bucket=f"directory-{aws.id}", CreateBucketConfiguration=configuration)
    assert (error["Code"], error["Status"]) == ("NotImplemented", 501)
    assert "directory bucket" in error["Message"]
