from __future__ import annotations

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal


def _fill(aws: Account, bucket: str, *keys: str) -> None:
    for key in keys:
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def _keys(aws: Account, bucket: str) -> list[str]:
    return [each["Key"] for each in aws.s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def _objects(*keys: str) -> list[dict[str, str]]:
    return [{"Key": key} for key in keys]


def test_deleting_what_is_not_there_succeeds(aws: Account, bucket: str) -> None:
    deleted = aws.s3.delete_object(Bucket=bucket, Key="absent")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "VersionId" not in deleted


def test_many_are_deleted_at_once_and_told_unless_quiet(aws: Account, bucket: str) -> None:
    _fill(aws, bucket, "a", "b", "c", "d")
    told = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": _objects("a", "b", "absent")})
    assert [each["Key"] for each in told["Deleted"]] == ["a", "b", "absent"]
    quiet = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": _objects("c"), "Quiet": True})
    assert "Deleted" not in quiet
    assert _keys(aws, bucket) == ["d"]


def test_no_more_than_a_thousand_at_once(aws: Account, bucket: str) -> None:
    keys = _objects(*(f"k{number}" for number in range(1001)))
    assert refusal(aws.s3.delete_objects, Bucket=bucket, Delete={"Objects": keys})["Code"] == "MalformedXML"
    aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys[:1000]})


def test_each_key_fails_by_itself(aws: Account, versioned: str) -> None:
    version = aws.s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    wrong = version[::-1]
    entries = [{"Key": "k", "VersionId": version}, {"Key": "other", "VersionId": wrong}, {"Key": "third"}]
    done = aws.s3.delete_objects(Bucket=versioned, Delete={"Objects": entries})
    assert [each["Key"] for each in done["Deleted"]] == ["k", "third"]
    assert done["Deleted"][1]["DeleteMarker"] is True
    assert [(each["Key"], each["Code"], each["VersionId"]) for each in done["Errors"]] == [("other", "NoSuchVersion", wrong)]


def test_a_delete_may_be_conditional(aws: Account, bucket: str) -> None:
    etag = aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    assert refusal(aws.s3.delete_object, Bucket=bucket, Key="k", IfMatch='"other"')["Status"] == 412
    aws.s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert _keys(aws, bucket) == []


@pytest.mark.parametrize("params", [{"IfMatchSize": 1}])
def test_conditions_of_directory_buckets_are_not_implemented_by_s3(aws: Account, bucket: str, params: dict[str, int]) -> None:
    error = refusal(aws.s3.delete_object, Bucket=bucket, Key="k", **params)
    assert (error["Code"], error["Header"]) == ("NotImplemented", "x-amz-if-match-size")
