"""Lifecycle rules: what they mean, and that they are done when the clock says so."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.node import Account
from tests.services.s3.refusals import refusal
from tule.core.errors import ServiceError
from tule.core.ids import Ids
from tule.services.s3 import lifecycle, lifecycle_rules
from tule.services.s3.lifecycle import DAY_MS, Subject

DAY_S = 86_400
_numbers = itertools.count()


def _rule(**actions: Any) -> dict[str, Any]:
    return {"ID": "r", "Status": "Enabled", "Filter": {}, **actions}


def _subject(**more: Any) -> Subject:
    return Subject(**({"key": "logs/k", "size": 200_000, "tags": None, "storage_class": "STANDARD", "since_ms": 0} | more))


# Rules by themselves.


@pytest.mark.parametrize(
    ("given", "applies"),
    [
        ({}, True),
        ({"Prefix": "logs/"}, True),
        ({"Prefix": "other/"}, False),
        ({"Tag": {"Key": "a", "Value": "1"}}, True),
        ({"Tag": {"Key": "a", "Value": "2"}}, False),
        ({"ObjectSizeGreaterThan": 99}, True),
        ({"ObjectSizeGreaterThan": 100}, False),
        ({"ObjectSizeLessThan": 101}, True),
        ({"ObjectSizeLessThan": 100}, False),
        ({"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}}, True),
        ({"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "c", "Value": "2"}]}}, False),
        ({"And": {"Prefix": "no/", "ObjectSizeGreaterThan": 5}}, False),
    ],
)
def test_a_filter_names_versions_by_prefix_tags_and_size(given: dict[str, Any], applies: bool) -> None:
    subject = _subject(size=100, tags=json.dumps({"a": "1", "b": "2"}))
    assert lifecycle.applies({"Filter": given}, subject) is applies


@pytest.mark.parametrize(("since_ms", "days"), [(0, 2), (1, 2), (DAY_MS - 1, 2), (DAY_MS, 3)])
def test_days_end_at_the_next_midnight(since_ms: int, days: int) -> None:
    due = lifecycle.expiration([_rule(Expiration={"Days": 1})], _subject(since_ms=since_ms))
    assert due is not None
    assert due.at_ms == days * DAY_MS


def test_the_rule_that_comes_first_expires() -> None:
    rules = [_rule(Expiration={"Days": 5}) | {"ID": "late"}, _rule(Expiration={"Days": 1}) | {"ID": "early"}]
    assert lifecycle.expiration(rules, _subject()) == (2 * DAY_MS, "early")


@pytest.mark.parametrize(
    ("size", "smallest", "filter_", "now", "wanted"),
    [
        (200_000, "all_storage_classes_128K", {}, 1, None),
        (200_000, "all_storage_classes_128K", {}, 31, "STANDARD_IA"),
        (200_000, "all_storage_classes_128K", {}, 91, "GLACIER"),
        (100, "all_storage_classes_128K", {}, 91, None),
        (100, "varies_by_storage_class", {}, 91, "GLACIER"),
        (100, "varies_by_storage_class", {}, 31, None),
        (100, "all_storage_classes_128K", {"ObjectSizeGreaterThan": 1}, 31, "STANDARD_IA"),
    ],
)
def test_versions_move_to_the_coldest_class_that_is_due(size: int, smallest: str, filter_: dict[str, Any], now: int, wanted: str | None) -> None:
    rule = _rule(Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}], Filter=filter_)
    assert lifecycle.transition([rule], _subject(size=size), now * DAY_MS, smallest) == wanted


def test_nothing_moves_back() -> None:
    rule = _rule(Transitions=[{"Days": 0, "StorageClass": "STANDARD_IA"}])
    assert lifecycle.transition([rule], _subject(storage_class="GLACIER"), 5 * DAY_MS, "") is None


_IA = {"StorageClass": "STANDARD_IA"}
_TAGGED = {"Tag": {"Key": "k", "Value": "v"}}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"Transitions": [{"Days": 29, **_IA}]}, "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'"),
        (
            {"Transitions": [{"Days": 30, **_IA}], "Expiration": {"Days": 30}, "Filter": {"Prefix": "p"}},
            "'Days' in the Expiration action for filter '(prefix=p)' must be greater than 'Days' in the Transition action",
        ),
        (
            {"Transitions": [{"Days": 30, **_IA}], "Expiration": {"Date": 86_400}},
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter '(prefix=)'",
        ),
        (
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Filter": _TAGGED},
            "AbortIncompleteMultipartUpload cannot be specified with Tags.",
        ),
        ({"Expiration": {"ExpiredObjectDeleteMarker": True}, "Filter": _TAGGED}, "ExpiredObjectDeleteMarker cannot be specified with Tags."),
        (
            {"NoncurrentVersionTransitions": [{"NoncurrentDays": 3, **_IA}]},
            "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'",
        ),
        (
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}},
            "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError) as caught:
        lifecycle_rules.checked([_rule(**more)], Ids())
    assert caught.value.message == message


# Rules done.


@pytest.fixture
def bucket(turned: Account) -> str:
    name = f"lifecycle-{turned.id}-{next(_numbers)}"
    turned.s3.create_bucket(Bucket=name)
    return name


def _set(aws: Account, bucket: str, *rules: dict[str, Any]) -> None:
    aws.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})


def _keys(aws: Account, bucket: str) -> list[str]:
    return [each["Key"] for each in aws.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def _versions(aws: Account, bucket: str) -> tuple[list[tuple[str, bool]], list[str]]:
    """Versions with whether they are current, and the keys of delete markers."""
    found = aws.s3.list_object_versions(Bucket=bucket)
    return [(each["Key"], each["IsLatest"]) for each in found.get("Versions", [])], [each["Key"] for each in found.get("DeleteMarkers", [])]


def test_what_expires_says_so_and_goes(turned: Account, bucket: str) -> None:
    _set(turned, bucket, _rule(Filter={"Prefix": "logs/"}, Expiration={"Days": 2}))
    put = turned.s3.put_object(Bucket=bucket, Key="logs/a", Body=bytes(70_000))
    turned.s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    assert turned.s3.get_object(Bucket=bucket, Key="logs/a")["Expiration"] == put["Expiration"]
    assert "Expiration" not in turned.s3.head_object(Bucket=bucket, Key="other")
    date, _, rule = put["Expiration"].partition(", rule-id=")
    assert rule == '"r"'
    expires = parsedate_to_datetime(date.removeprefix('expiry-date="').removesuffix('"'))
    modified = turned.s3.head_object(Bucket=bucket, Key="logs/a")["LastModified"]
    assert expires == (modified + timedelta(days=2)).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    turned.node.advance((expires - modified).total_seconds() - 60)
    assert _keys(turned, bucket) == ["logs/a", "other"]
    turned.node.advance(120)
    assert _keys(turned, bucket) == ["other"]
    turned.node.advance(10 * DAY_S)
    assert _keys(turned, bucket) == ["other"]


def test_many_objects_expire_page_by_page(turned: Account, bucket: str) -> None:
    for number in range(450):
        turned.s3.put_object(Bucket=bucket, Key=f"{number:04d}", Body=b"x", Tagging=f"keep={number % 9 == 0}")
    _set(turned, bucket, _rule(Filter={"Tag": {"Key": "keep", "Value": "False"}}, Expiration={"Days": 1}))
    turned.node.advance(2 * DAY_S + 60)
    assert _keys(turned, bucket) == [f"{number:04d}" for number in range(0, 450, 9)]


def test_versions_get_a_marker_then_go_then_the_marker_goes(turned: Account, bucket: str) -> None:
    turned.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        turned.s3.put_object(Bucket=bucket, Key="k", Body=body)
    _set(
        turned,
        bucket,
        _rule(Expiration={"Days": 1}, NoncurrentVersionExpiration={"NoncurrentDays": 3}),
        _rule(Expiration={"ExpiredObjectDeleteMarker": True}) | {"ID": "markers"},
    )
    turned.node.advance(2 * DAY_S + 60)
    assert _versions(turned, bucket) == ([("k", False), ("k", False)], ["k"])
    turned.node.advance(2 * DAY_S)
    assert _versions(turned, bucket) == ([("k", False)], ["k"])
    turned.node.advance(3 * DAY_S)
    assert _versions(turned, bucket) == ([], [])


def test_newer_noncurrent_versions_are_kept_by_number(turned: Account, bucket: str) -> None:
    turned.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    ids = [turned.s3.put_object(Bucket=bucket, Key="k", Body=bytes([number]))["VersionId"] for number in range(6)]
    _set(turned, bucket, _rule(NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}))
    turned.node.advance(3 * DAY_S)
    assert [each["VersionId"] for each in turned.s3.list_object_versions(Bucket=bucket)["Versions"]] == ids[:2:-1]


def test_what_is_locked_stays(turned: Account) -> None:
    name = f"locked-{turned.id}"
    turned.s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    turned.s3.put_object(Bucket=name, Key="k", Body=b"1", ObjectLockLegalHoldStatus="ON")
    turned.s3.put_object(Bucket=name, Key="k", Body=b"2")
    turned.s3.put_object(Bucket=name, Key="k", Body=b"3")
    _set(turned, name, _rule(NoncurrentVersionExpiration={"NoncurrentDays": 1}))
    turned.node.advance(3 * DAY_S)
    assert _versions(turned, name)[0] == [("k", True), ("k", False)]


def test_objects_move_between_classes_and_events_tell(turned: Account, bucket: str) -> None:
    queue = turned.sqs.create_queue(QueueName=f"q-{turned.id}", Attributes={"Policy": _open_policy(), "MessageRetentionPeriod": "1209600"})[
        "QueueUrl"
    ]
    arn = turned.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    configuration = {"QueueArn": arn, "Events": ["s3:LifecycleExpiration:*", "s3:LifecycleTransition"]}
    turned.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]})
    turned.s3.put_object(Bucket=bucket, Key="k", Body=bytes(140_000))
    turned.s3.put_object(Bucket=bucket, Key="small", Body=b"x")
    transitions = [{"Days": 1, "StorageClass": "GLACIER_IR"}, {"Days": 3, "StorageClass": "DEEP_ARCHIVE"}]
    _set(turned, bucket, _rule(Transitions=transitions, Expiration={"Days": 6}))
    turned.node.advance(2 * DAY_S + 60)
    assert turned.s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "GLACIER_IR"
    assert turned.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == bytes(140_000)
    assert "StorageClass" not in turned.s3.head_object(Bucket=bucket, Key="small")
    turned.node.advance(2 * DAY_S)
    assert refusal(turned.s3.get_object, Bucket=bucket, Key="k")["Code"] == "InvalidObjectState"
    turned.node.advance(4 * DAY_S)
    assert _keys(turned, bucket) == []
    told = [(record["eventName"], record["s3"]["object"]["key"]) for record in _records(turned, queue)]
    assert told == [
        ("LifecycleTransition", "k"),
        ("LifecycleTransition", "k"),
        ("LifecycleExpiration:Delete", "k"),
        ("LifecycleExpiration:Delete", "small"),
    ]


def _open_policy() -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _records(aws: Account, queue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while messages := aws.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found += json.loads(message["Body"]).get("Records", [])
            aws.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return sorted(found, key=lambda each: (each["eventTime"], each["s3"]["object"]["key"]))


def test_uploads_that_nobody_completes_are_aborted(turned: Account, bucket: str) -> None:
    _set(turned, bucket, _rule(Filter={"Prefix": "up/"}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}))
    upload = turned.s3.create_multipart_upload(Bucket=bucket, Key="up/k")
    assert upload["AbortRuleId"] == "r"
    assert upload["AbortDate"] > datetime.now(UTC) + timedelta(hours=23)
    other = turned.s3.create_multipart_upload(Bucket=bucket, Key="other")
    assert "AbortDate" not in other
    turned.s3.upload_part(Bucket=bucket, Key="up/k", UploadId=upload["UploadId"], PartNumber=1, Body=b"x")
    listed = turned.s3.list_parts(Bucket=bucket, Key="up/k", UploadId=upload["UploadId"])
    assert (listed["AbortDate"], listed["AbortRuleId"]) == (upload["AbortDate"], "r")
    turned.node.advance(2 * DAY_S + 60)
    assert [each["Key"] for each in turned.s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["other"]


def test_a_rule_that_is_disabled_or_gone_does_nothing(turned: Account, bucket: str) -> None:
    turned.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    _set(turned, bucket, _rule(Expiration={"Days": 1}) | {"Status": "Disabled"})
    turned.node.advance(3 * DAY_S)
    _set(turned, bucket, _rule(Expiration={"Days": 1}))
    turned.s3.delete_bucket_lifecycle(Bucket=bucket)
    turned.node.advance(3 * DAY_S)
    assert _keys(turned, bucket) == ["k"]
