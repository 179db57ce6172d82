"""Server access logs, and archived objects: what comes with the clock."""

from __future__ import annotations

import json
import re

from tests.node import Account
from tests.services.s3.refusals import refusal


def _let_logs_in(account: Account, source: str, target: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{target}/*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"}, "StringEquals": {"aws:SourceAccount": account.id}},
    }
    account.s3.put_bucket_policy(Bucket=target, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def _log(account: Account, target: str) -> list[str]:
    keys = [each["Key"] for each in account.s3.list_objects_v2(Bucket=target).get("Contents", ())]
    texts = [account.s3.get_object(Bucket=target, Key=key)["Body"].read().decode() for key in keys]
    return "".join(texts).splitlines()


def test_requests_are_told_in_the_log(turned: Account) -> None:
    source, target = f"source-{turned.id}", f"target-{turned.id}"
    for name in (source, target):
        turned.s3.create_bucket(Bucket=name)
    _let_logs_in(turned, source, target)
    turned.s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "logs/"}})
    turned.s3.put_object(Bucket=source, Key="a b", Body=b"hello")
    turned.s3.get_object(Bucket=source, Key="a b")["Body"].read()
    refusal(turned.s3.get_object, Bucket=source, Key="none")
    turned.node.advance(120)
    told = {tuple(line.split(" ")[7:9]): line for line in _log(turned, target)}  # in several objects perhaps, and those in no order
    assert set(told) == {("REST.PUT.OBJECT", "a%20b"), ("REST.GET.OBJECT", "a%20b"), ("REST.GET.OBJECT", "none")}
    found, missed = told["REST.GET.OBJECT", "a%20b"], told["REST.GET.OBJECT", "none"]
    assert re.search(r'REST.GET.OBJECT a%20b "GET /source-\d+/a%20b HTTP/1.1" 200 - 5 5 \d+ \d+ "-" "Boto3', found)
    assert re.search(r'REST.GET.OBJECT none ".*" 404 NoSuchKey \d+ - ', missed)
    assert all(line.split(" ")[1] == source for line in told.values())


def test_a_target_that_lets_no_log_in_gets_none(turned: Account) -> None:
    source, target = f"source-{turned.id}", f"target-{turned.id}"
    for name in (source, target):
        turned.s3.create_bucket(Bucket=name)
    turned.s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}})
    turned.s3.put_object(Bucket=source, Key="k")
    turned.node.advance(120)
    assert _log(turned, target) == []


def test_an_archived_object_is_restored_for_some_days(turned: Account) -> None:
    bucket = f"archive-{turned.id}"
    turned.s3.create_bucket(Bucket=bucket)
    turned.s3.put_object(Bucket=bucket, Key="k", Body=b"cold", StorageClass="GLACIER")
    assert refusal(turned.s3.get_object, Bucket=bucket, Key="k")["Code"] == "InvalidObjectState"
    restore = {"Bucket": bucket, "Key": "k", "RestoreRequest": {"Days": 2, "GlacierJobParameters": {"Tier": "Expedited"}}}
    assert turned.s3.restore_object(**restore)["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert turned.s3.head_object(Bucket=bucket, Key="k")["Restore"] == 'ongoing-request="true"'
    assert refusal(turned.s3.restore_object, **restore)["Code"] == "RestoreAlreadyInProgress"
    listed = turned.s3.list_objects_v2(Bucket=bucket, OptionalObjectAttributes=["RestoreStatus"])["Contents"][0]
    assert listed["RestoreStatus"] == {"IsRestoreInProgress": True}
    turned.node.advance(6 * 60)
    assert 'ongoing-request="false", expiry-date="' in turned.s3.head_object(Bucket=bucket, Key="k")["Restore"]
    assert turned.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"cold"
    assert turned.s3.restore_object(**restore)["ResponseMetadata"]["HTTPStatusCode"] == 200
    turned.node.advance(4 * 86_400)
    assert refusal(turned.s3.get_object, Bucket=bucket, Key="k")["Code"] == "InvalidObjectState"
    assert "Restore" not in turned.s3.head_object(Bucket=bucket, Key="k")
    assert refusal(turned.s3.restore_object, **{**restore, "RestoreRequest": {"Days": 1, "Tier": "Quickly"}})["Code"] == "MalformedXML"
