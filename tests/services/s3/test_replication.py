"""Replication within the installation."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.s3.refusals import refusal

_numbers = itertools.count()
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def _role(aws: Account, *actions: str) -> str:
    name = f"replicator-{next(_numbers)}"
    arn = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    aws.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return arn


def _bucket(aws: Account, s3: Any = None, **more: Any) -> str:
    name = f"r-{aws.id}-{next(_numbers)}"
    s3 = s3 or aws.s3
    s3.create_bucket(Bucket=name, **more)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def _rule(target: str, **more: Any) -> dict[str, Any]:
    destination = {"Bucket": f"arn:aws:s3:::{target}", **more.pop("destination", {})}
    rule = {"ID": "r", "Status": "Enabled", "Priority": 1, "Filter": {}, "DeleteMarkerReplication": {"Status": "Disabled"}}
    return {**rule, "Destination": destination, **more}


def _replicate(aws: Account, source: str, role: str, *rules: dict[str, Any]) -> None:
    aws.s3.put_bucket_replication(Bucket=source, ReplicationConfiguration={"Role": role, "Rules": list(rules)})


def _until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def _status(aws: Account, bucket: str, key: str, **more: Any) -> str | None:
    return aws.s3.head_object(Bucket=bucket, Key=key, **more).get("ReplicationStatus")


def _settled(aws: Account, bucket: str, key: str) -> str | None:
    _until(lambda: _status(aws, bucket, key) != "PENDING")
    return _status(aws, bucket, key)


ALL = ("s3:GetReplicationConfiguration", "s3:ListBucket", "s3:GetObjectVersion*", "s3:Replicate*", "s3:ObjectOwnerOverrideToBucketOwner", "kms:*")


@pytest.mark.parametrize("size", [10, 70_000])
def test_a_new_object_is_replicated_with_all_it_has(aws: Account, size: int) -> None:
    source, target = _bucket(aws), _bucket(aws)
    aws.s3.put_object(Bucket=source, Key="before", Body=b"x")
    _replicate(aws, source, _role(aws, *ALL), _rule(target))
    body = os.urandom(size)
    put = aws.s3.put_object(Bucket=source, Key="k", Body=body, ContentType="text/plain", Metadata={"a": "1"}, Tagging="t=1")
    assert _settled(aws, source, "k") == "COMPLETED"
    got = aws.s3.get_object(Bucket=target, Key="k")
    assert got["Body"].read() == body
    assert (got["VersionId"], got["ReplicationStatus"], got["ETag"]) == (put["VersionId"], "REPLICA", put["ETag"])
    assert (got["ContentType"], got["Metadata"]) == ("text/plain", {"a": "1"})
    assert got["LastModified"] == aws.s3.head_object(Bucket=source, Key="k")["LastModified"]
    assert aws.s3.get_object_tagging(Bucket=target, Key="k")["TagSet"] == [{"Key": "t", "Value": "1"}]
    assert _status(aws, source, "before") is None
    assert [each["Key"] for each in aws.s3.list_objects_v2(Bucket=target)["Contents"]] == ["k"]


def test_replicas_outlive_their_source(aws: Account) -> None:
    source, target = _bucket(aws), _bucket(aws)
    _replicate(aws, source, _role(aws, *ALL), _rule(target))
    body = os.urandom(100_000)
    put = aws.s3.put_object(Bucket=source, Key="k", Body=body)
    assert _settled(aws, source, "k") == "COMPLETED"
    aws.s3.delete_object(Bucket=source, Key="k", VersionId=put["VersionId"])
    assert aws.s3.get_object(Bucket=target, Key="k")["Body"].read() == body


def test_rules_filter_by_prefix_and_tags_and_the_first_by_priority_counts(aws: Account) -> None:
    source, target = _bucket(aws), _bucket(aws)
    wanted = {"And": {"Prefix": "in/", "Tags": [{"Key": "go", "Value": "yes"}]}}
    colder = _rule(target, ID="colder", Priority=5, Filter={"Prefix": "in/cold"}, destination={"StorageClass": "STANDARD_IA"})
    _replicate(aws, source, _role(aws, *ALL), _rule(target, Filter=wanted), colder)
    aws.s3.put_object(Bucket=source, Key="in/cold", Body=b"x", Tagging="go=yes")
    aws.s3.put_object(Bucket=source, Key="in/yes", Body=b"x", Tagging="go=yes")
    for key, tags in (("in/no", "go=no"), ("out", "go=yes")):
        aws.s3.put_object(Bucket=source, Key=key, Body=b"x", Tagging=tags)
        assert _status(aws, source, key) is None
    assert [_settled(aws, source, key) for key in ("in/cold", "in/yes")] == ["COMPLETED", "COMPLETED"]
    listed = {each["Key"]: each["StorageClass"] for each in aws.s3.list_objects_v2(Bucket=target)["Contents"]}
    assert listed == {"in/cold": "STANDARD_IA", "in/yes": "STANDARD"}


def test_delete_markers_go_along_where_the_rule_says_so(aws: Account) -> None:
    source, with_markers, without = _bucket(aws), _bucket(aws), _bucket(aws)
    marked = _rule(with_markers, DeleteMarkerReplication={"Status": "Enabled"})
    _replicate(aws, source, _role(aws, *ALL), marked, _rule(without, ID="other", Priority=2))
    put = aws.s3.put_object(Bucket=source, Key="k", Body=b"x")
    assert _settled(aws, source, "k") == "COMPLETED"
    marker = aws.s3.delete_object(Bucket=source, Key="k")["VersionId"]
    _until(lambda: "DeleteMarkers" in aws.s3.list_object_versions(Bucket=with_markers))
    assert aws.s3.list_object_versions(Bucket=with_markers)["DeleteMarkers"][0]["VersionId"] == marker
    assert aws.s3.get_object(Bucket=without, Key="k")["VersionId"] == put["VersionId"]
    aws.s3.delete_object(Bucket=source, Key="k", VersionId=put["VersionId"])
    assert [each["VersionId"] for each in aws.s3.list_object_versions(Bucket=with_markers)["Versions"]] == [put["VersionId"]]


def test_tags_that_change_later_go_along(aws: Account) -> None:
    source, target = _bucket(aws), _bucket(aws)
    _replicate(aws, source, _role(aws, *ALL), _rule(target))
    aws.s3.put_object(Bucket=source, Key="k", Body=bytes(70_000))
    assert _settled(aws, source, "k") == "COMPLETED"
    aws.s3.put_object_tagging(Bucket=source, Key="k", Tagging={"TagSet": [{"Key": "n", "Value": "1"}]})
    _until(lambda: aws.s3.get_object_tagging(Bucket=target, Key="k")["TagSet"] == [{"Key": "n", "Value": "1"}])
    assert len(aws.s3.list_object_versions(Bucket=target)["Versions"]) == 1
    assert aws.s3.get_object(Bucket=target, Key="k")["Body"].read() == bytes(70_000)


def test_locks_and_acls_that_change_later_go_along(aws: Account) -> None:
    locked = {"ObjectLockEnabledForBucket": True, "ObjectOwnership": "ObjectWriter"}
    source, target = _bucket(aws, **locked), _bucket(aws, **locked)
    _replicate(aws, source, _role(aws, *ALL), _rule(target))
    aws.s3.put_object(Bucket=source, Key="k", Body=b"x")
    assert _settled(aws, source, "k") == "COMPLETED"
    aws.s3.put_object_legal_hold(Bucket=source, Key="k", LegalHold={"Status": "ON"})
    _until(lambda: _held(aws, target) == "ON")
    aws.s3.put_object_acl(Bucket=source, Key="k", GrantRead='uri="http://acs.amazonaws.com/groups/s3/LogDelivery"')
    grants = aws.s3.get_object_acl(Bucket=source, Key="k")["Grants"]
    _until(lambda: aws.s3.get_object_acl(Bucket=target, Key="k")["Grants"] == grants)
    aws.s3.put_object_legal_hold(Bucket=source, Key="k", LegalHold={"Status": "OFF"})
    _until(lambda: _held(aws, target) == "OFF")
    assert _settled(aws, source, "k") == "COMPLETED"


def _held(aws: Account, bucket: str) -> str:
    try:
        return aws.s3.get_object_legal_hold(Bucket=bucket, Key="k")["LegalHold"]["Status"]
    except ClientError:
        return ""


def test_changes_of_replicas_go_back_where_the_rule_says_so(aws: Account) -> None:
    one, other = _bucket(aws), _bucket(aws)
    both_ways = {"SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}}}
    role = _role(aws, *ALL)
    _replicate(aws, one, role, _rule(other))
    _replicate(aws, other, role, _rule(one, **both_ways))
    aws.s3.put_object(Bucket=one, Key="k", Body=b"x")
    assert _settled(aws, one, "k") == "COMPLETED"
    aws.s3.put_object_tagging(Bucket=other, Key="k", Tagging={"TagSet": [{"Key": "n", "Value": "back"}]})
    _until(lambda: aws.s3.get_object_tagging(Bucket=one, Key="k")["TagSet"] == [{"Key": "n", "Value": "back"}])
    assert (_settled(aws, one, "k"), _status(aws, other, "k")) == ("COMPLETED", "REPLICA")


def test_another_account_in_another_region_owns_its_replicas_when_it_should(aws: Account) -> None:
    other = aws.node.fresh_account()
    elsewhere = other.client("s3", region_name="eu-west-1")
    target = _bucket(other, elsewhere, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    elsewhere.put_bucket_ownership_controls(Bucket=target, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    source = _bucket(aws)
    role = _role(aws, *ALL)
    override = {"Account": other.id, "AccessControlTranslation": {"Owner": "Destination"}}
    _replicate(aws, source, role, _rule(target, destination=override))
    aws.s3.put_object(Bucket=source, Key="denied", Body=b"x")
    assert _settled(aws, source, "denied") == "FAILED"
    statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": ["s3:Replicate*", "s3:ObjectOwnerOverrideToBucketOwner"]}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": f"arn:aws:s3:::{target}/*"}]}
    elsewhere.put_bucket_policy(Bucket=target, Policy=json.dumps(policy))
    aws.s3.put_object(Bucket=source, Key="k", Body=b"across")
    assert _settled(aws, source, "k") == "COMPLETED"
    assert elsewhere.get_object(Bucket=target, Key="k")["Body"].read() == b"across"
    owner = elsewhere.list_buckets()["Owner"]["ID"]
    assert elsewhere.get_object_acl(Bucket=target, Key="k")["Owner"]["ID"] == owner


def test_objects_under_kms_keys_get_the_destinations_key_where_the_rule_says_so(aws: Account) -> None:
    source, target, plain = _bucket(aws), _bucket(aws), _bucket(aws)
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    keyed = _rule(
        target,
        SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        destination={"EncryptionConfiguration": {"ReplicaKmsKeyID": key}},
    )
    _replicate(aws, source, _role(aws, *ALL), keyed, _rule(plain, ID="plain", Priority=2))
    body = os.urandom(80_000)
    aws.s3.put_object(Bucket=source, Key="k", Body=body, ServerSideEncryption="aws:kms")
    assert _settled(aws, source, "k") == "COMPLETED"
    got = aws.s3.get_object(Bucket=target, Key="k")
    assert (got["Body"].read(), got["SSEKMSKeyId"]) == (body, key)
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=plain)


def test_a_role_that_may_not_makes_it_fail_and_metrics_tell(aws: Account) -> None:
    source, target = _bucket(aws), _bucket(aws)
    queue = aws.sqs.create_queue(QueueName=f"q-{source}")["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    wanted = {"QueueArn": arn, "Events": ["s3:Replication:OperationFailedReplication"]}
    aws.s3.put_bucket_notification_configuration(Bucket=source, NotificationConfiguration={"QueueConfigurations": [wanted]})
    timed = {"ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}}, "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}}
    _replicate(aws, source, _role(aws, "s3:GetObjectVersion*"), _rule(target, destination=timed))
    aws.s3.put_object(Bucket=source, Key="k", Body=b"x")
    assert _settled(aws, source, "k") == "FAILED"
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=target)
    told: list[dict[str, Any]] = []
    while not told:
        for message in aws.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", []):
            told += json.loads(message["Body"]).get("Records", [])
            aws.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert told[0]["eventName"] == "Replication:OperationFailedReplication"
    data = told[0]["replicationEventData"]
    assert (data["replicationRule"], data["failureReason"]) == ("r", "DstPutObjectNotPermitted")
    assert data["destinationBucket"] == f"arn:aws:s3:::{target}"


def test_replicas_are_not_replicated_on(aws: Account) -> None:
    first, second, third = _bucket(aws), _bucket(aws), _bucket(aws)
    role = _role(aws, *ALL)
    _replicate(aws, first, role, _rule(second))
    _replicate(aws, second, role, _rule(third))
    aws.s3.put_object(Bucket=first, Key="k", Body=b"x")
    assert _settled(aws, first, "k") == "COMPLETED"
    aws.s3.put_object(Bucket=second, Key="own", Body=b"x")
    assert _settled(aws, second, "own") == "COMPLETED"
    assert [each["Key"] for each in aws.s3.list_objects_v2(Bucket=third)["Contents"]] == ["own"]


def test_configurations_are_checked_in_s3s_words(aws: Account, bucket: str) -> None:
    target = _bucket(aws)
    configuration = {"Role": "arn:aws:iam::111111111111:role/r", "Rules": [_rule(target)]}
    error = refusal(aws.s3.put_bucket_replication, Bucket=bucket, ReplicationConfiguration=configuration)
    assert (error["Code"], error["Message"]) == (
        "InvalidRequest",
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    )
    source = _bucket(aws)
    for missing in (bucket, "no-such-bucket-anywhere"):
        wrong = {**configuration, "Rules": [_rule(missing)]}
        error = refusal(aws.s3.put_bucket_replication, Bucket=source, ReplicationConfiguration=wrong)
        assert (error["Code"], error["Message"]) == ("InvalidRequest", "Destination bucket must have versioning enabled.")
    error = refusal(aws.s3.get_bucket_replication, Bucket=source)
    assert (error["Code"], error["Message"]) == ("ReplicationConfigurationNotFoundError", "The replication configuration was not found")
    aws.s3.put_bucket_replication(Bucket=source, ReplicationConfiguration=configuration)
    assert aws.s3.get_bucket_replication(Bucket=source)["ReplicationConfiguration"] == configuration
    aws.s3.delete_bucket_replication(Bucket=source)
    aws.s3.delete_bucket_replication(Bucket=source)
