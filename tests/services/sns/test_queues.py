"""From topics to queues: envelopes, raw delivery, attributes, filters, dead letters."""

from __future__ import annotations

import json

from tests.node import Account
from tests.services.sns.endpoints import Queue, texts_of

ATTRIBUTES = {
    "number": {"DataType": "Number", "StringValue": "99.12"},
    "text": {"DataType": "String", "StringValue": "ä"},
    "bytes": {"DataType": "Binary", "BinaryValue": b"\x02\x03\x04"},
}


def subscribed(aws: Account, topic: str, queue: Queue, **attributes: str) -> str:
    return aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes)["SubscriptionArn"]


def test_a_queue_gets_the_notification_as_json(aws: Account, topic: str, queue: Queue) -> None:
    subscription = subscribed(aws, topic, queue)
    sent = aws.sns.publish(TopicArn=topic, Message='say "hi"', Subject="Greeting", MessageAttributes=ATTRIBUTES)
    [message] = queue.messages(1)
    body = json.loads(message["Body"])
    assert list(body) == [
        *("Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"),
        *("SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL", "MessageAttributes"),
    ]
    assert (body["Type"], body["MessageId"], body["TopicArn"]) == ("Notification", sent["MessageId"], topic)
    assert (body["Subject"], body["Message"]) == ("Greeting", 'say "hi"')
    assert body["UnsubscribeURL"].endswith(f"/?Action=Unsubscribe&SubscriptionArn={subscription}")
    assert body["MessageAttributes"] == {
        "number": {"Type": "Number", "Value": "99.12"},
        "text": {"Type": "String", "Value": "ä"},
        "bytes": {"Type": "Binary", "Value": "AgME"},
    }
    assert "MessageAttributes" not in message


def test_raw_delivery_brings_the_text_and_the_attributes_themselves(aws: Account, topic: str, queue: Queue) -> None:
    subscribed(aws, topic, queue, RawMessageDelivery="true")
    aws.sns.publish(TopicArn=topic, Message="plain", Subject="lost", MessageAttributes=ATTRIBUTES)
    [message] = queue.messages(1)
    assert message["Body"] == "plain"
    assert message["MessageAttributes"] == ATTRIBUTES


def test_a_structured_message_has_a_text_for_each_protocol(aws: Account, topic: str, queue: Queue) -> None:
    subscribed(aws, topic, queue)
    aws.sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "for all", "sqs": "for queues"}))
    aws.sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "for all", "email": "for people"}))
    assert sorted(queue.texts(2)) == ["for all", "for queues"]


def test_every_subscriber_gets_every_message_once(aws: Account, topic: str) -> None:
    queues = [Queue(aws, f"queue-{number}") for number in range(3)]
    for queue in queues:
        subscribed(aws, topic, queue, RawMessageDelivery="true")
    sent = [f"message {number}" for number in range(35)]
    for start in range(0, 35, 10):
        entries = [{"Id": str(number), "Message": text} for number, text in enumerate(sent[start : start + 10])]
        assert len(aws.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]) == len(entries)
    for queue in queues:
        assert sorted(texts_of(queue.messages(35))) == sorted(sent)
        assert queue.is_empty


def test_a_filter_on_attributes_lets_only_matching_messages_through(aws: Account, topic: str, queue: Queue) -> None:
    policy = {"price": [{"numeric": [">", 0, "<=", 100]}], "store": ["here", {"prefix": "th"}]}
    subscribed(aws, topic, queue, FilterPolicy=json.dumps(policy))
    for price, store in (("50", "here"), ("100", "there"), ("101", "here"), ("50", "elsewhere")):
        attributes = {"price": {"DataType": "Number", "StringValue": price}, "store": {"DataType": "String", "StringValue": store}}
        aws.sns.publish(TopicArn=topic, Message=f"{price} {store}", MessageAttributes=attributes)
    aws.sns.publish(TopicArn=topic, Message="no attributes")
    assert sorted(queue.texts(2)) == ["100 there", "50 here"]
    assert queue.is_empty


def test_a_filter_on_the_body_reads_json_and_takes_nothing_else(aws: Account, topic: str, queue: Queue) -> None:
    policy = {"order": {"total": [{"numeric": [">=", 10]}], "coupon": [{"exists": False}]}}
    subscribed(aws, topic, queue, FilterPolicy=json.dumps(policy), FilterPolicyScope="MessageBody", RawMessageDelivery="true")
    wanted = json.dumps({"order": {"total": 10}})
    for text in (wanted, json.dumps({"order": {"total": 9}}), json.dumps({"order": {"total": 10, "coupon": "X"}}), "10", "no json"):
        aws.sns.publish(TopicArn=topic, Message=text)
    assert texts_of(queue.messages(1)) == [wanted]
    assert queue.is_empty


def test_a_changed_filter_holds_from_the_next_message_on(aws: Account, topic: str, queue: Queue) -> None:
    subscription = subscribed(aws, topic, queue, FilterPolicy=json.dumps({"kind": ["never"]}))
    aws.sns.publish(TopicArn=topic, Message="before")
    aws.sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue="")
    aws.sns.publish(TopicArn=topic, Message="after")
    assert queue.texts(1) == ["after"]
    assert queue.is_empty


def test_what_a_queue_refuses_goes_to_the_dead_letter_queue_as_the_queue_would_have_got_it(aws: Account, topic: str, queue: Queue) -> None:
    dead = Queue(aws, "dead")
    subscribed(aws, topic, queue, RawMessageDelivery="true", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    aws.sqs.delete_queue(QueueUrl=queue.url)
    aws.sns.publish(TopicArn=topic, Message="undeliverable", MessageAttributes=ATTRIBUTES)
    [message] = dead.messages(1)
    assert (message["Body"], message["MessageAttributes"]) == ("undeliverable", ATTRIBUTES)


def test_a_queue_without_a_policy_for_the_topic_gets_nothing(aws: Account, topic: str, queue: Queue) -> None:
    dead = Queue(aws, "dead")
    aws.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": ""})
    subscribed(aws, topic, queue, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    aws.sns.publish(TopicArn=topic, Message="not for you")
    assert dead.texts(1) == ["not for you"]
    assert queue.is_empty


def test_the_group_and_the_trace_of_a_message_go_with_it(aws: Account, topic: str, queue: Queue) -> None:
    subscribed(aws, topic, queue)
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    client = aws.client("sns")
    client.meta.events.register("before-sign.sns", lambda request, **_: request.headers.__setitem__("X-Amzn-Trace-Id", trace))
    client.publish(TopicArn=topic, Message="traced", MessageGroupId="tenant")
    [message] = queue.messages(1)
    assert message["Attributes"]["MessageGroupId"] == "tenant"
    assert message["Attributes"]["AWSTraceHeader"] == trace


def test_a_queue_of_another_account_confirms_by_the_token_in_the_message_that_it_gets(aws: Account, topic: str) -> None:
    other = aws.node.fresh_account()
    queue = Queue(other)
    answer = aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    assert answer["SubscriptionArn"] == "pending confirmation"
    [message] = queue.messages(1)
    confirmation = json.loads(message["Body"])
    assert confirmation["Type"] == "SubscriptionConfirmation"
    confirmed = other.sns.confirm_subscription(TopicArn=topic, Token=confirmation["Token"])
    aws.sns.publish(TopicArn=topic, Message="across")
    assert queue.texts(1) == ["across"]
    shown = aws.sns.get_subscription_attributes(SubscriptionArn=confirmed["SubscriptionArn"])["Attributes"]
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"], shown["Owner"]) == ("false", "true", aws.id)


def test_a_queue_in_another_region_is_reached_there(aws: Account, topic: str) -> None:
    far = aws.node.fresh_account()
    far.id, far.region = aws.id, "eu-central-1"
    queue = Queue(far)
    subscribed(aws, topic, queue)
    aws.sns.publish(TopicArn=topic, Message="far")
    assert queue.texts(1) == ["far"]
