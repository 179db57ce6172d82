"""FIFO topics: order, deduplication, sequence numbers, archives and replays."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.node import Account
from tests.services.sns.endpoints import Queue, eventually, texts_of
from tests.services.sns.test_topics import refused


def fifo_topic(account: Account, **attributes: str) -> str:
    return account.sns.create_topic(Name="topic.fifo", Attributes={"FifoTopic": "true", **attributes})["TopicArn"]


def fifo_queue(account: Account, name: str = "queue.fifo") -> Queue:
    return Queue(account, name, FifoQueue="true")


def raw(account: Account, topic: str, queue: Queue, **attributes: str) -> str:
    given = {"RawMessageDelivery": "true", **attributes}
    return account.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=given)["SubscriptionArn"]


def test_each_group_arrives_in_order_at_each_subscriber(aws: Account) -> None:
    topic = fifo_topic(aws, ContentBasedDeduplication="true")
    queues = [fifo_queue(aws, f"queue-{number}.fifo") for number in range(2)]
    for queue in queues:
        raw(aws, topic, queue)
    sent = [(f"group-{number % 3}", f"message {number:02}") for number in range(30)]
    for group, text in sent:
        aws.sns.publish(TopicArn=topic, Message=text, MessageGroupId=group)
    for queue in queues:
        got = [(message["Attributes"]["MessageGroupId"], message["Body"]) for message in queue.messages(30)]
        for group in {group for group, _ in sent}:
            assert [text for name, text in got if name == group] == [text for name, text in sent if name == group]


def test_numbers_grow_and_a_duplicate_is_answered_as_the_first_was(aws: Account) -> None:
    topic, queue = fifo_topic(aws), fifo_queue(aws)
    raw(aws, topic, queue)
    first = aws.sns.publish(TopicArn=topic, Message="one", MessageGroupId="g", MessageDeduplicationId="a")
    again = aws.sns.publish(TopicArn=topic, Message="other text", MessageGroupId="other", MessageDeduplicationId="a")
    second = aws.sns.publish(TopicArn=topic, Message="two", MessageGroupId="g", MessageDeduplicationId="b")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert len(first["SequenceNumber"]) == 20
    assert int(second["SequenceNumber"]) > int(first["SequenceNumber"])
    assert texts_of(queue.messages(2)) == ["one", "two"]
    assert queue.is_empty


def test_deduplication_lasts_five_minutes(turned: Account) -> None:
    topic = fifo_topic(turned, ContentBasedDeduplication="true")
    send: dict[str, Any] = {"TopicArn": topic, "Message": "same", "MessageGroupId": "g"}
    first = turned.sns.publish(**send)["MessageId"]
    turned.node.advance(280)
    assert turned.sns.publish(**send)["MessageId"] == first
    turned.node.advance(21)
    assert turned.sns.publish(**send)["MessageId"] != first


def test_by_message_group_the_same_id_counts_once_in_each_group(aws: Account) -> None:
    topic = fifo_topic(aws, FifoThroughputScope="MessageGroup")
    ids = [
        aws.sns.publish(TopicArn=topic, Message="m", MessageGroupId=group, MessageDeduplicationId="same")["MessageId"] for group in ("a", "b", "a")
    ]
    assert ids[0] == ids[2] != ids[1]


def test_the_envelope_has_a_sequence_number_and_no_signature(aws: Account) -> None:
    topic, queue = fifo_topic(aws), fifo_queue(aws)
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    sent = aws.sns.publish(TopicArn=topic, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
    [message] = queue.messages(1)
    body = json.loads(message["Body"])
    assert list(body) == ["Type", "MessageId", "SequenceNumber", "TopicArn", "Message", "Timestamp", "UnsubscribeURL"]
    assert body["SequenceNumber"] == sent["SequenceNumber"]
    assert (message["Attributes"]["MessageGroupId"], message["Attributes"]["MessageDeduplicationId"]) == ("g", "d")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "The MessageGroupId parameter is required for FIFO topics"),
        (
            {"MessageGroupId": "g"},
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
    ],
)
def test_a_message_without_what_order_needs_is_refused(aws: Account, given: dict[str, str], complaint: str) -> None:
    topic = fifo_topic(aws)
    assert refused(aws.sns.publish, TopicArn=topic, Message="m", **given) == ("InvalidParameter", f"Invalid parameter: {complaint}", 400)


def test_queues_alone_subscribe_to_fifo_topics_and_fifo_queues_to_no_others(aws: Account, topic: str) -> None:
    assert refused(aws.sns.subscribe, TopicArn=fifo_topic(aws), Protocol="email", Endpoint="a@b.example")[1] == (
        "Invalid parameter: Invalid protocol type: email"
    )
    assert refused(aws.sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{aws.id}:q.fifo")[1] == (
        "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
    )


def test_a_standard_queue_gets_the_messages_of_a_fifo_topic_too(aws: Account) -> None:
    topic, queue = fifo_topic(aws), Queue(aws)
    raw(aws, topic, queue)
    aws.sns.publish(TopicArn=topic, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
    assert texts_of(queue.messages(1)) == ["m"]


def test_an_archive_is_replayed_to_a_later_subscriber_in_order(aws: Account) -> None:
    topic = fifo_topic(aws, ContentBasedDeduplication="true", ArchivePolicy=json.dumps({"MessageRetentionPeriod": "30"}))
    shown = aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert json.loads(shown["ArchivePolicy"]) == {"MessageRetentionPeriod": "30"}
    sent = [f"message {number:03}" for number in range(120)]
    for start in range(0, 120, 10):
        entries = [{"Id": str(i), "Message": text, "MessageGroupId": "g"} for i, text in enumerate(sent[start : start + 10])]
        aws.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    queue = fifo_queue(aws)
    policy = json.dumps({"PointType": "Timestamp", "StartingPoint": shown["BeginningArchiveTime"]})
    subscription = raw(aws, topic, queue, ReplayPolicy=policy)
    assert texts_of(queue.messages(120)) == sent

    def status() -> bool:
        return aws.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["ReplayStatus"] == "Completed"

    eventually(status)


def test_a_replay_takes_what_its_time_and_filter_take_and_says_that_it_is_one(turned: Account) -> None:
    topic = fifo_topic(turned, ContentBasedDeduplication="true", ArchivePolicy=json.dumps({"MessageRetentionPeriod": "1"}))
    turned.node.turn_clock({"do": "freeze"})
    for text in ("early", "wanted", "other", "late"):
        attributes = {"kind": {"DataType": "String", "StringValue": text}}
        turned.sns.publish(TopicArn=topic, Message=text, MessageGroupId="g", MessageAttributes=attributes)
        turned.node.advance(60)
    queue = fifo_queue(turned)
    begin = turned.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["BeginningArchiveTime"]
    after, before = (datetime.fromisoformat(begin) + timedelta(seconds=seconds) for seconds in (30, 150))
    policy = json.dumps({"PointType": "Timestamp", "StartingPoint": after.isoformat(), "EndingPoint": before.isoformat()})
    given = {"ReplayPolicy": policy, "FilterPolicy": json.dumps({"kind": ["early", "wanted", "late"]})}
    turned.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=given)
    [message] = queue.messages(1)
    body = json.loads(message["Body"])
    assert (body["Message"], body["Replayed"]) == ("wanted", "true")
    assert queue.is_empty


def test_only_a_fifo_topic_archives_and_only_an_archive_is_replayed(aws: Account, topic: str) -> None:
    archive = {"TopicArn": topic, "AttributeName": "ArchivePolicy", "AttributeValue": json.dumps({"MessageRetentionPeriod": "1"})}
    assert refused(aws.sns.set_topic_attributes, **archive)[1] == "Invalid parameter: AttributeName"
    queue = fifo_queue(aws)
    policy = json.dumps({"PointType": "Timestamp", "StartingPoint": "2026-01-01T00:00:00.000Z"})
    given = {"TopicArn": fifo_topic(aws), "Protocol": "sqs", "Endpoint": queue.arn, "Attributes": {"ReplayPolicy": policy}}
    assert refused(aws.sns.subscribe, **given)[0] == "InvalidParameter"
