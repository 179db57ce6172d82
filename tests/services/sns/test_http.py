"""HTTP endpoints: confirmation, notifications that verify, retries on the clock, the end of a subscription."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.node import Account
from tests.services.sns.endpoints import Hook, Queue
from tests.services.sns.test_topics import refused

SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


def verify(document: dict[str, Any]) -> None:
    """As AWS's developer guide says a receiver should."""
    text = "".join(f"{name}\n{document[name]}\n" for name in SIGNED[document["Type"]] if name in document)
    key = x509.load_pem_x509_certificate(fetch(document["SigningCertURL"])).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    algorithm = hashes.SHA256() if document["SignatureVersion"] == "2" else hashes.SHA1()
    key.verify(base64.b64decode(document["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


def confirmed(aws: Account, topic: str, hook: Hook, **attributes: str) -> str:
    aws.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url, Attributes=attributes)
    fetch(hook.wait(1).document["SubscribeURL"])
    hook.got.clear()
    return aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"]


def test_an_endpoint_is_asked_and_gets_nothing_until_it_agrees(aws: Account, topic: str, hook: Hook) -> None:
    answer = aws.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    asked = hook.wait(1)
    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert asked.headers["content-type"] == "text/plain; charset=UTF-8"
    assert asked.headers["user-agent"] == "Amazon Simple Notification Service Agent"
    assert asked.document["Message"].startswith(f"You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit")
    verify(asked.document)
    listed = aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [entry["SubscriptionArn"] for entry in listed] == ["PendingConfirmation"]
    aws.sns.publish(TopicArn=topic, Message="too early")
    assert b"<SubscriptionArn>" in fetch(asked.document["SubscribeURL"])
    aws.sns.publish(TopicArn=topic, Message="in time")
    assert hook.wait(2).document["Message"] == "in time"


@pytest.mark.parametrize("version", ["1", "2"])
def test_notifications_verify_with_the_published_certificate(aws: Account, topic: str, hook: Hook, version: str) -> None:
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    subscription = confirmed(aws, topic, hook)
    sent = aws.sns.publish(TopicArn=topic, Message="sign\nme", Subject="Signed")
    got = hook.wait(1)
    assert {name: value for name, value in got.headers.items() if name.startswith("x-amz-sns")} == {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": sent["MessageId"],
        "x-amz-sns-topic-arn": topic,
        "x-amz-sns-subscription-arn": subscription,
    }
    assert got.document["SignatureVersion"] == version
    verify(got.document)


def test_raw_delivery_says_so_and_takes_the_content_type_of_the_policy(aws: Account, topic: str, hook: Hook) -> None:
    policy = json.dumps({"requestPolicy": {"headerContentType": "text/csv"}})
    confirmed(aws, topic, hook, RawMessageDelivery="true", DeliveryPolicy=policy)
    aws.sns.publish(TopicArn=topic, Message="a,b")
    got = hook.wait(1)
    assert (got.body, got.headers["content-type"], got.headers["x-amz-sns-rawdelivery"]) == ("a,b", "text/csv", "true")


def test_a_failing_endpoint_is_tried_again_in_the_phases_of_its_policy(turned: Account, hook: Hook) -> None:
    topic = turned.sns.create_topic(Name="phases")["TopicArn"]
    retries = {
        "numRetries": 6,
        "numNoDelayRetries": 1,
        "numMinDelayRetries": 1,
        "numMaxDelayRetries": 1,
        "minDelayTarget": 10,
        "maxDelayTarget": 30,
        "backoffFunction": "linear",
    }
    confirmed(turned, topic, hook, DeliveryPolicy=json.dumps({"healthyRetryPolicy": retries}))
    turned.node.turn_clock({"do": "freeze"})
    hook.statuses = [500] * 7
    turned.sns.publish(TopicArn=topic, Message="again and again")
    hook.wait(2)  # at once, and once more without delay
    for seconds in (10, 10, 20, 30, 30):  # before the back-off, three steps of it, behind it
        before = len(hook.got)
        turned.node.advance(seconds - 0.5)
        assert len(hook.got) == before
        turned.node.advance(0.5)
        assert len(hook.got) == before + 1
    turned.node.advance(3600)
    assert len(hook.got) == 7


def test_an_endpoint_that_says_it_is_wrong_is_not_asked_again_and_leaves_a_dead_letter(aws: Account, topic: str, hook: Hook) -> None:
    dead = Queue(aws, "dead")
    confirmed(aws, topic, hook, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    hook.statuses = [404]
    aws.sns.publish(TopicArn=topic, Message="nobody home")
    assert dead.texts(1) == ["nobody home"]
    assert len(hook.got) == 1


def test_a_throttled_endpoint_gets_no_more_in_a_second_than_it_wants(turned: Account, hook: Hook) -> None:
    topic = turned.sns.create_topic(Name="throttled")["TopicArn"]
    confirmed(turned, topic, hook, DeliveryPolicy=json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 2}}))
    turned.node.turn_clock({"do": "freeze"})
    for number in range(5):
        turned.sns.publish(TopicArn=topic, Message=str(number))
    hook.wait(2)
    turned.node.advance(0.9)
    assert len(hook.got) == 2
    turned.node.advance(0.2)
    assert len(hook.got) == 4
    turned.node.advance(1)
    assert sorted(got.document["Message"] for got in hook.got) == list("01234")


def test_an_unsubscribed_endpoint_is_told_and_can_come_back(aws: Account, topic: str, hook: Hook) -> None:
    subscription = confirmed(aws, topic, hook)
    aws.sns.publish(TopicArn=topic, Message="goodbye")
    fetch(hook.wait(1).document["UnsubscribeURL"])
    told = hook.wait(2)
    assert told.headers["x-amz-sns-message-type"] == "UnsubscribeConfirmation"
    assert aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    fetch(told.document["SubscribeURL"])
    listed = aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [entry["SubscriptionArn"] for entry in listed] == [subscription]


def test_a_subscription_confirmed_with_authentication_needs_credentials_to_end(aws: Account, topic: str, hook: Hook) -> None:
    aws.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url)
    token = hook.wait(1).document["Token"]
    arn = aws.sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")["SubscriptionArn"]
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(f"{aws.node.url}/?Action=Unsubscribe&SubscriptionArn={arn}")
    caught.value.close()
    assert caught.value.code == 403
    aws.sns.unsubscribe(SubscriptionArn=arn)
    assert aws.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_subscription_that_nobody_confirms_is_forgotten_after_two_days(turned: Account, hook: Hook) -> None:
    topic = turned.sns.create_topic(Name="unanswered")["TopicArn"]
    turned.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url)
    token = hook.wait(1).document["Token"]
    turned.node.advance(2 * 86_400 + 1)
    assert turned.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    assert refused(turned.sns.confirm_subscription, TopicArn=topic, Token=token)[1] == "Invalid parameter: Token"


def test_tokens_that_were_never_given_confirm_nothing(aws: Account, topic: str) -> None:
    assert refused(aws.sns.confirm_subscription, TopicArn=topic, Token="nonsense")[1] == "Invalid token"
    assert refused(aws.sns.confirm_subscription, TopicArn=topic, Token="ab" * 100)[1] == "Invalid parameter: Token"


def test_an_endpoint_that_is_down_at_first_is_asked_again(turned: Account, hook: Hook) -> None:
    topic = turned.sns.create_topic(Name="down")["TopicArn"]
    turned.node.turn_clock({"do": "freeze"})
    hook.statuses = [503]
    turned.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url)
    hook.wait(1)
    turned.node.advance(20)
    assert hook.wait(2).document["Token"] == hook.wait(1).document["Token"]


def test_the_certificate_is_only_served_by_its_own_name(aws: Account) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(f"{aws.node.url}/SimpleNotificationService-0123.pem")
    caught.value.close()
    assert caught.value.code == 404
