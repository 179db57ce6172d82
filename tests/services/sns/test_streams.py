"""Delivery streams as subscribers: as the subscription's role, enveloped or raw."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import Account
from tests.services.sns.endpoints import eventually
from tests.services.sns.test_topics import refused


def role(account: Account, name: str, service: str, *statements: dict[str, Any]) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    account.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    return made["Role"]["Arn"]


def stream(account: Account, bucket: str) -> str:
    account.s3.create_bucket(Bucket=bucket)
    writer = role(account, "writer", "firehose.amazonaws.com", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    target = {"RoleARN": writer, "BucketARN": f"arn:aws:s3:::{bucket}", "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}}
    arn = account.firehose.create_delivery_stream(DeliveryStreamName="stream", ExtendedS3DestinationConfiguration=target)["DeliveryStreamARN"]
    eventually(lambda: _status(account) == "ACTIVE")
    return arn


def _status(account: Account) -> str:
    return account.firehose.describe_delivery_stream(DeliveryStreamName="stream")["DeliveryStreamDescription"]["DeliveryStreamStatus"]


@pytest.mark.parametrize("raw", ["true", "false"])
def test_a_stream_carries_the_messages_to_its_bucket(turned: Account, raw: str) -> None:
    bucket = f"stream-{turned.id}"
    arn = stream(turned, bucket)
    topic = turned.sns.create_topic(Name="topic")["TopicArn"]
    put = {"Effect": "Allow", "Action": ["firehose:PutRecord", "firehose:PutRecordBatch"], "Resource": arn}
    given = {"SubscriptionRoleArn": role(turned, "subscriber", "sns.amazonaws.com", put), "RawMessageDelivery": raw}
    turned.sns.subscribe(TopicArn=topic, Protocol="firehose", Endpoint=arn, Attributes=given)
    turned.sns.publish(TopicArn=topic, Message="kept")
    turned.node.advance(1)
    turned.node.advance(120)
    [item] = turned.s3.list_objects_v2(Bucket=bucket)["Contents"]
    text = turned.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
    assert (text.strip() if raw == "true" else json.loads(text)["Message"]) == "kept"


def test_a_stream_is_not_subscribed_without_a_role(aws: Account, topic: str) -> None:
    params = {"TopicArn": topic, "Protocol": "firehose", "Endpoint": f"arn:aws:firehose:us-east-1:{aws.id}:deliverystream/s"}
    assert refused(aws.sns.subscribe, **params)[0] == "InvalidParameter"
