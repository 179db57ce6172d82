"""What KMS tells EventBridge by itself."""

from __future__ import annotations

import json

from tests.node import Account
from tests.services.kms.conftest import arn_of, new_key

DAY_S = 86_400


def test_rotations_and_deletions_are_told(turned: Account) -> None:
    queue = turned.sqs.create_queue(QueueName="q")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:us-east-1:{turned.id}:q"
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue_arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    turned.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy, "MessageRetentionPeriod": "1209600"})
    turned.events.put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.kms"]}))
    turned.events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": queue_arn}])
    key = new_key(turned)
    turned.kms.rotate_key_on_demand(KeyId=key)
    turned.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    turned.node.advance(8 * DAY_S)
    received = turned.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(message["Body"]) for message in received]
    assert {event["detail-type"] for event in told} == {"KMS CMK Rotation", "KMS CMK Deletion"}
    assert {(event["detail"]["key-id"], event["resources"][0]) for event in told} == {(key, arn_of(turned, key))}
