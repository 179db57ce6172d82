"""Topics with a key of KMS: who publishes needs it, and what waits is encrypted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.sns.endpoints import Queue


@pytest.fixture
def key(aws: Account) -> str:
    return aws.kms.create_key()["KeyMetadata"]["KeyId"]


def _topic(account: Account, key: str, **more: str) -> str:
    name = "topic.fifo" if more.get("FifoTopic") else "topic"
    return account.sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": key, **more})["TopicArn"]


def _user(account: Account, *actions: str) -> Any:
    account.iam.create_user(UserName="eve")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    account.iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps(policy))
    made = account.iam.create_access_key(UserName="eve")["AccessKey"]
    return account.client("sns", aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"])


def _subscribe(account: Account, topic: str, queue: Queue, **attributes: str) -> str:
    return account.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes, ReturnSubscriptionArn=True)[
        "SubscriptionArn"
    ]


def test_messages_reach_queues_as_they_were_published(aws: Account, key: str, queue: Queue) -> None:
    topic = _topic(aws, key)
    _subscribe(aws, topic, queue, RawMessageDelivery="true", FilterPolicy=json.dumps({"kind": ["wanted"]}))
    for kind in ("unwanted", "wanted"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        aws.sns.publish(
            TopicArn=topic, Message=json.dumps({"default": "d", "sqs": f"Grüße, {kind}"}), MessageStructure="json", MessageAttributes=attributes
        )
    assert [message["Body"] for message in queue.messages(1)] == ["Grüße, wanted"]


def test_publishing_takes_the_key(aws: Account, key: str) -> None:
    topic = _topic(aws, key)
    with pytest.raises(ClientError, match="is not authorized to perform: kms:GenerateDataKey on resource") as raised:
        _user(aws, "sns:*").publish(TopicArn=topic, Message="x")
    assert raised.value.response["Error"]["Code"] == "KMSAccessDenied"
    aws.kms.disable_key(KeyId=key)
    with pytest.raises(ClientError) as raised:
        aws.sns.publish(TopicArn=topic, Message="x")
    assert raised.value.response["Error"]["Code"] == "KMSDisabled"


def test_publishers_need_to_decrypt_too(aws: Account, key: str) -> None:
    topic = _topic(aws, key)
    with pytest.raises(ClientError, match="kms:Decrypt"):
        _user(aws, "sns:*", "kms:GenerateDataKey").publish(TopicArn=topic, Message="x")


def test_an_encrypted_queue_takes_messages_if_its_key_lets_sns_in(aws: Account, queue: Queue) -> None:
    topic = aws.sns.create_topic(Name="plain")["TopicArn"]
    root = {"Effect": "Allow", "Principal": {"AWS": aws.id}, "Action": "kms:*", "Resource": "*"}
    service = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [root, service]})
    key = aws.kms.create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    aws.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"KmsMasterKeyId": key})
    _subscribe(aws, topic, queue, RawMessageDelivery="true")
    aws.sns.publish(TopicArn=topic, Message="x")
    assert [message["Body"] for message in queue.messages(1)] == ["x"]


def test_an_archive_is_encrypted_and_replayed(aws: Account, key: str) -> None:
    queue = Queue(aws, "queue.fifo", FifoQueue="true")
    topic = _topic(aws, key, FifoTopic="true", ContentBasedDeduplication="true", ArchivePolicy=json.dumps({"MessageRetentionPeriod": "1"}))
    aws.sns.publish(TopicArn=topic, Message="archived", MessageGroupId="g")
    arn = _subscribe(aws, topic, queue, RawMessageDelivery="true")
    policy = {"PointType": "Timestamp", "StartingPoint": "2000-01-01T00:00:00.000Z"}
    aws.sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue=json.dumps(policy))
    assert [message["Body"] for message in queue.messages(1)] == ["archived"]


def test_nothing_of_a_message_that_waits_lies_in_the_clear(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "data") as node:
        aws = node.fresh_account()
        topic = _topic(aws, aws.kms.create_key()["KeyMetadata"]["KeyId"])
        aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{aws.id}:nowhere")
        aws.sns.publish(TopicArn=topic, Message="a very secret text")
        node.kill()
    for file in (tmp_path / "data").rglob("*"):
        assert not file.is_file() or b"a very secret text" not in file.read_bytes()
