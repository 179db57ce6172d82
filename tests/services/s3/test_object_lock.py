"""Object Lock: retention, legal holds, and what they keep from being deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal

_LATER = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture
def locked(aws: Account) -> str:
    aws.s3.create_bucket(Bucket=f"locked-{aws.id}", ObjectLockEnabledForBucket=True)
    return f"locked-{aws.id}"


def test_a_bucket_gets_object_lock_at_birth_or_once_it_keeps_versions(aws: Account, locked: str, bucket: str) -> None:
    assert aws.s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    assert aws.s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    refused = refusal(aws.s3.put_bucket_versioning, Bucket=locked, VersioningConfiguration={"Status": "Suspended"})
    assert (refused["Code"], refused["Status"]) == ("InvalidBucketState", 409)
    assert refusal(aws.s3.get_object_lock_configuration, Bucket=bucket)["Code"] == "ObjectLockConfigurationNotFoundError"
    wanted = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}}
    assert refusal(aws.s3.put_object_lock_configuration, Bucket=bucket, ObjectLockConfiguration=wanted)["Code"] == "InvalidBucketState"
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    aws.s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=wanted)
    assert aws.s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == wanted


def test_governance_yields_to_who_bypasses_it(aws: Account, locked: str) -> None:
    put = aws.s3.put_object(Bucket=locked, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=_LATER)
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    head = aws.s3.head_object(Bucket=locked, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", _LATER)
    error = refusal(aws.s3.delete_object, **version)
    assert (error["Code"], error["Message"]) == ("AccessDenied", "Access Denied because object protected by object lock.")
    assert aws.s3.delete_object(Bucket=locked, Key="k")["DeleteMarker"]  # a marker hides, and deletes nothing
    sooner = {"Mode": "GOVERNANCE", "RetainUntilDate": _LATER - timedelta(days=1)}
    assert refusal(aws.s3.put_object_retention, **version, Retention=sooner)["Code"] == "AccessDenied"
    aws.s3.put_object_retention(**version, Retention=sooner, BypassGovernanceRetention=True)
    assert aws.s3.get_object_retention(**version)["Retention"] == sooner
    entries = {"Objects": [{"Key": "k", "VersionId": put["VersionId"]}]}
    assert aws.s3.delete_objects(Bucket=locked, Delete=entries)["Errors"][0]["Code"] == "AccessDenied"
    assert "Errors" not in aws.s3.delete_objects(Bucket=locked, Delete=entries, BypassGovernanceRetention=True)


def test_compliance_yields_to_nobody(aws: Account, locked: str) -> None:
    put = aws.s3.put_object(Bucket=locked, Key="k", Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=_LATER)
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    assert refusal(aws.s3.delete_object, **version, BypassGovernanceRetention=True)["Code"] == "AccessDenied"
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": _LATER}
    assert refusal(aws.s3.put_object_retention, **version, Retention=weaker, BypassGovernanceRetention=True)["Code"] == "AccessDenied"
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": _LATER + timedelta(days=1)}
    aws.s3.put_object_retention(**version, Retention=longer)
    assert aws.s3.get_object_retention(**version)["Retention"] == longer


def test_a_legal_hold_holds_until_it_is_lifted(aws: Account, locked: str) -> None:
    put = aws.s3.put_object(Bucket=locked, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON")
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    assert refusal(aws.s3.delete_object, **version)["Code"] == "AccessDenied"
    aws.s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert aws.s3.get_object_legal_hold(**version)["LegalHold"] == {"Status": "OFF"}
    aws.s3.delete_object(**version)
    assert refusal(aws.s3.get_object, **version)["Code"] == "NoSuchVersion"


def test_retention_ends_with_the_clock(turned: Account) -> None:
    bucket = f"locked-{turned.id}"
    turned.s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 2}}
    turned.s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})
    version = {"Bucket": bucket, "Key": "k", "VersionId": turned.s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]}
    assert refusal(turned.s3.delete_object, **version)["Code"] == "AccessDenied"
    turned.node.advance(2 * 86_400 + 60)
    turned.s3.delete_object(**version)
    assert refusal(turned.s3.get_object, **version)["Code"] == "NoSuchVersion"


def test_what_buckets_without_object_lock_refuse(aws: Account, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="k")
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": _LATER}
    for operation, params in (
        (aws.s3.put_object_retention, {"Retention": retention}),
        (aws.s3.get_object_legal_hold, {}),
    ):
        error = refusal(operation, Bucket=bucket, Key="k", **params)
        assert (error["Code"], error["Message"]) == ("InvalidRequest", "Bucket is missing Object Lock Configuration")
    error = refusal(aws.s3.put_object, Bucket=bucket, Key="k", ObjectLockMode="GOVERNANCE")
    assert error["Message"] == "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
    assert refusal(aws.s3.delete_object, Bucket=bucket, Key="k", BypassGovernanceRetention=True)["Code"] == "InvalidArgument"
