from __future__ import annotations

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal


def _put(aws: Account, bucket: str, body: bytes, key: str = "k") -> str:
    return aws.s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]


def _get(aws: Account, bucket: str, version: str | None = None, key: str = "k") -> bytes:
    which = {"VersionId": version} if version else {}
    return aws.s3.get_object(Bucket=bucket, Key=key, **which)["Body"].read()


def _versions(aws: Account, bucket: str) -> list[tuple[str, str, bool, bool]]:
    """(key, id, is the latest, is a delete marker) in the order of the listing within each kind."""
    listed = aws.s3.list_object_versions(Bucket=bucket)
    kinds = (("Versions", False), ("DeleteMarkers", True))
    return [(each["Key"], each["VersionId"], each["IsLatest"], marker) for kind, marker in kinds for each in listed.get(kind, ())]


def test_every_write_is_a_version_and_each_can_be_read(aws: Account, versioned: str) -> None:
    first, second = _put(aws, versioned, b"1"), _put(aws, versioned, b"2")
    assert first != second
    assert (_get(aws, versioned), _get(aws, versioned, first), _get(aws, versioned, second)) == (b"2", b"1", b"2")
    assert _versions(aws, versioned) == [("k", second, True, False), ("k", first, False, False)]


def test_deleting_puts_a_marker_and_deleting_the_marker_brings_the_object_back(aws: Account, versioned: str) -> None:
    version = _put(aws, versioned, b"1")
    deleted = aws.s3.delete_object(Bucket=versioned, Key="k")
    assert deleted["DeleteMarker"] is True
    marker = deleted["VersionId"]
    error = refusal(aws.s3.get_object, Bucket=versioned, Key="k")
    assert (error["Code"], error["Status"]) == ("NoSuchKey", 404)
    error = refusal(aws.s3.get_object, Bucket=versioned, Key="k", VersionId=marker)
    assert (error["Code"], error["Status"], error["ResourceType"]) == ("MethodNotAllowed", 405, "DeleteMarker")
    assert _versions(aws, versioned) == [("k", version, False, False), ("k", marker, True, True)]
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=versioned)
    again = aws.s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert (again["DeleteMarker"], again["VersionId"]) == (True, marker)
    assert _get(aws, versioned) == b"1"


def test_deleting_the_current_version_makes_the_one_before_it_current(aws: Account, versioned: str) -> None:
    first, second, third = (_put(aws, versioned, body) for body in (b"1", b"2", b"3"))
    aws.s3.delete_object(Bucket=versioned, Key="k", VersionId=third)
    assert _get(aws, versioned) == b"2"
    aws.s3.delete_object(Bucket=versioned, Key="k", VersionId=first)
    assert _versions(aws, versioned) == [("k", second, True, False)]
    error = refusal(aws.s3.get_object, Bucket=versioned, Key="k", VersionId=third)
    assert (error["Code"], error["VersionId"]) == ("NoSuchVersion", third)


def test_an_object_from_before_versioning_is_the_null_version(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    new = _put(aws, bucket, b"new")
    assert _get(aws, bucket, "null") == b"old"
    assert _versions(aws, bucket) == [("k", new, True, False), ("k", "null", False, False)]


def test_with_versioning_suspended_writes_and_deletes_replace_the_null_version_only(aws: Account, versioned: str) -> None:
    kept = _put(aws, versioned, b"kept")
    aws.s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"null 1", b"null 2"):
        assert "VersionId" not in aws.s3.put_object(Bucket=versioned, Key="k", Body=body)
    assert _versions(aws, versioned) == [("k", "null", True, False), ("k", kept, False, False)]
    deleted = aws.s3.delete_object(Bucket=versioned, Key="k")
    assert (deleted["DeleteMarker"], deleted["VersionId"]) == (True, "null")
    assert _versions(aws, versioned) == [("k", kept, False, False), ("k", "null", True, True)]
    assert _get(aws, versioned, kept) == b"kept"


def test_deleting_in_a_versioned_bucket_what_never_was_still_puts_a_marker(aws: Account, versioned: str) -> None:
    assert aws.s3.delete_object(Bucket=versioned, Key="never")["DeleteMarker"] is True


def test_what_cannot_be_the_id_of_a_version_is_refused(aws: Account, versioned: str) -> None:
    error = refusal(aws.s3.delete_object, Bucket=versioned, Key="k", VersionId="nonsense")
    assert (error["Code"], error["Message"], error["ArgumentValue"]) == ("InvalidArgument", "Invalid version id specified", "nonsense")


def test_pages_of_versions_go_on_within_a_key(aws: Account, versioned: str) -> None:
    for key in ("a", "b/1", "b/2", "c"):
        for _ in range(3):
            _put(aws, versioned, b"", key)
    whole = aws.s3.list_object_versions(Bucket=versioned)["Versions"]
    pages = aws.s3.get_paginator("list_object_versions").paginate(Bucket=versioned, PaginationConfig={"PageSize": 2})
    assert [each["VersionId"] for page in pages for each in page["Versions"]] == [each["VersionId"] for each in whole]
    pages = list(aws.s3.get_paginator("list_object_versions").paginate(Bucket=versioned, Delimiter="/", PaginationConfig={"PageSize": 2}))
    assert [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())] == ["b/"]
    assert [each["Key"] for page in pages for each in page.get("Versions", ())] == ["a"] * 3 + ["c"] * 3


def test_a_version_marker_needs_a_key_marker(aws: Account, versioned: str) -> None:
    error = refusal(aws.s3.list_object_versions, Bucket=versioned, VersionIdMarker=_put(aws, versioned, b""))
    assert error["Message"] == "A version-id marker cannot be specified without a key marker."


@pytest.mark.parametrize("status", ["enabled", "Disabled"])
def test_versioning_is_enabled_or_suspended(aws: Account, bucket: str, status: str) -> None:
    assert refusal(aws.s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": status})["Code"] == "MalformedXML"
    error = refusal(aws.s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={})
    assert error["Code"] == "IllegalVersioningConfigurationException"
    assert "Status" not in aws.s3.get_bucket_versioning(Bucket=bucket)


def test_tags_and_acls_belong_to_a_version(aws: Account, versioned: str) -> None:
    first, second = _put(aws, versioned, b"1"), _put(aws, versioned, b"2")
    tags = [{"Key": "of", "Value": "first"}]
    aws.s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=first, Tagging={"TagSet": tags})
    assert aws.s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)["TagSet"] == tags
    got = aws.s3.get_object_tagging(Bucket=versioned, Key="k")
    assert (got["TagSet"], got["VersionId"]) == ([], second)
    marker = aws.s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    assert refusal(aws.s3.get_object_tagging, Bucket=versioned, Key="k")["Code"] == "MethodNotAllowed"
    assert refusal(aws.s3.put_object_acl, Bucket=versioned, Key="k", VersionId=marker, ACL="private")["Code"] == "MethodNotAllowed"
    assert refusal(aws.s3.get_object_acl, Bucket=versioned, Key="k")["Code"] == "NoSuchKey"


def test_a_write_may_be_conditional_on_the_current_version(aws: Account, versioned: str) -> None:
    etag = aws.s3.put_object(Bucket=versioned, Key="k", Body=b"1")["ETag"]
    aws.s3.delete_object(Bucket=versioned, Key="k")
    assert refusal(aws.s3.put_object, Bucket=versioned, Key="k", Body=b"2", IfMatch=etag)["Code"] == "NoSuchKey"
    aws.s3.put_object(Bucket=versioned, Key="k", Body=b"3", IfNoneMatch="*")
    assert _get(aws, versioned) == b"3"
