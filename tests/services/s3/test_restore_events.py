"""Restores, as queues and event buses hear of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import Account


@pytest.fixture
def queue(turned: Account) -> str:
    """The URL of a queue that S3 and EventBridge may send to."""
    url = turned.sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{turned.id}:heard"
    services = {"Service": ["s3.amazonaws.com", "events.amazonaws.com"]}
    statement = {"Effect": "Allow", "Principal": services, "Action": "sqs:SendMessage", "Resource": arn}
    turned.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    return url


def _heard(account: Account, queue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while messages := account.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"]) for message in messages]
        for message in messages:
            account.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def _restore(account: Account, bucket: str) -> None:
    account.s3.put_object(Bucket=bucket, Key="k", Body=b"cold", StorageClass="GLACIER")
    account.s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 1, "GlacierJobParameters": {"Tier": "Expedited"}})
    account.node.advance(600)
    account.node.advance(3 * 86_400)


def test_a_queue_hears_of_a_restore_from_its_beginning_to_its_end(turned: Account, queue: str) -> None:
    bucket = f"restored-{turned.id}"
    turned.s3.create_bucket(Bucket=bucket)
    rule = {"QueueArn": f"arn:aws:sqs:us-east-1:{turned.id}:heard", "Events": ["s3:ObjectRestore:*"]}
    turned.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]})
    _restore(turned, bucket)
    records = [record for message in _heard(turned, queue) for record in message.get("Records", ())]
    assert sorted(record["eventName"] for record in records) == ["ObjectRestore:Completed", "ObjectRestore:Delete", "ObjectRestore:Post"]
    completed = next(record for record in records if record["eventName"] == "ObjectRestore:Completed")
    assert completed["glacierEventData"]["restoreEventData"]["lifecycleRestoreStorageClass"] == "GLACIER"
    assert (completed["s3"]["object"]["key"], completed["s3"]["object"]["size"]) == ("k", 4)


def test_the_event_bus_hears_of_it_too(turned: Account, queue: str) -> None:
    bucket = f"restored-{turned.id}"
    turned.s3.create_bucket(Bucket=bucket)
    turned.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {"source": ["aws.s3"], "detail-type": [{"prefix": "Object Restore"}]}
    turned.events.put_rule(Name="restores", EventPattern=json.dumps(pattern))
    turned.events.put_targets(Rule="restores", Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:{turned.id}:heard"}])
    _restore(turned, bucket)
    found = {event["detail-type"]: event["detail"] for event in _heard(turned, queue)}
    assert sorted(found) == ["Object Restore Completed", "Object Restore Expired", "Object Restore Initiated"]
    assert found["Object Restore Initiated"]["source-storage-class"] == "GLACIER"
    assert "restore-expiry-time" in found["Object Restore Completed"]
    assert "sequencer" not in found["Object Restore Completed"]["object"]
