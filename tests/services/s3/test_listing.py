from __future__ import annotations

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal


def _fill(aws: Account, bucket: str, *keys: str) -> None:
    for key in keys:
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def test_version_two_tells_what_version_one_tells_in_other_members(aws: Account, bucket: str) -> None:
    _fill(aws, bucket, "a", "b/c", "b/d", "e")
    one = aws.s3.list_objects(Bucket=bucket, Delimiter="/")
    two = aws.s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [each["Key"] for each in one["Contents"]] == [each["Key"] for each in two["Contents"]] == ["a", "e"]
    assert one["CommonPrefixes"] == two["CommonPrefixes"] == [{"Prefix": "b/"}]
    assert (two["KeyCount"], two["MaxKeys"], two["IsTruncated"], two["Name"], two["Prefix"]) == (3, 1000, False, bucket, "")
    assert (one["Marker"], "KeyCount" in one) == ("", False)
    assert "Owner" in one["Contents"][0]
    assert "Owner" not in two["Contents"][0]
    assert "Owner" in aws.s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]


@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_of_both_versions_put_together(aws: Account, bucket: str, delimiter: str) -> None:
    _fill(aws, bucket, "a", "b/1", "b/2", "c", "d/1", "e")
    shown = ["a", "b/1", "b/2", "c", "d/1", "e"] if not delimiter else ["a", "b/", "c", "d/", "e"]
    for operation in ("list_objects", "list_objects_v2"):
        pages = list(aws.s3.get_paginator(operation).paginate(Bucket=bucket, Delimiter=delimiter, PaginationConfig={"PageSize": 2}))
        found = [each["Key"] for page in pages for each in page.get("Contents", ())]
        found += [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]
        assert sorted(found) == shown
        assert len(pages) == (len(shown) + 1) // 2


def test_a_listing_may_start_after_a_key(aws: Account, bucket: str) -> None:
    _fill(aws, bucket, "a", "b", "c")
    after = aws.s3.list_objects_v2(Bucket=bucket, StartAfter="a")
    assert ([each["Key"] for each in after["Contents"]], after["StartAfter"]) == (["b", "c"], "a")
    assert [each["Key"] for each in aws.s3.list_objects(Bucket=bucket, Marker="b")["Contents"]] == ["c"]


def test_a_continuation_token_is_opaque_and_goes_with_its_listing(aws: Account, bucket: str) -> None:
    _fill(aws, bucket, "a/1", "a/2", "b")
    token = aws.s3.list_objects_v2(Bucket=bucket, MaxKeys=1)["NextContinuationToken"]
    assert "a/1" not in token
    again = aws.s3.list_objects_v2(Bucket=bucket, MaxKeys=1, ContinuationToken=token)
    assert (again["Contents"][0]["Key"], again["ContinuationToken"]) == ("a/2", token)
    assert aws.s3.list_objects_v2(Bucket=bucket, ContinuationToken="")["KeyCount"] == 3
    for params in ({"ContinuationToken": "nonsense"}, {"ContinuationToken": token, "Prefix": "b"}):
        error = refusal(aws.s3.list_objects_v2, Bucket=bucket, **params)
        assert (error["Code"], error["Message"]) == ("InvalidArgument", "The continuation token provided is incorrect")


def test_a_page_of_no_keys_and_one_of_more_than_a_thousand(aws: Account, bucket: str) -> None:
    _fill(aws, bucket, "a")
    none = aws.s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"], "Contents" in none) == (0, False, False)
    assert aws.s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)["MaxKeys"] == 1000
    assert refusal(aws.s3.list_objects_v2, Bucket=bucket, MaxKeys=-1)["Code"] == "InvalidArgument"


def test_keys_that_xml_cannot_say_come_percent_encoded(aws: Account, bucket: str) -> None:
    _fill(aws, bucket, "a\x01b", "ä/é+ x")
    assert [each["Key"] for each in aws.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a\x01b", "ä/é+ x"]
    prefixed = aws.s3.list_objects_v2(Bucket=bucket, Prefix="ä/", Delimiter=" ")
    assert (prefixed["Prefix"], prefixed["CommonPrefixes"]) == ("ä/", [{"Prefix": "ä/é+ "}])
