"""What may be published: texts, subjects, attributes, structures, batches, and how much of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import Account
from tests.services.sns.test_topics import refused


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"Message": ""}, "Empty message"),
        ({"Message": "x" * 262_145}, "Message too long"),
        ({"Message": "x" * 262_140, "MessageAttributes": {"k": {"DataType": "String", "StringValue": "v"}}}, "Message too long"),
        ({"Message": "m", "Subject": "x" * 101}, "Subject"),
        ({"Message": "m", "Subject": "two\nlines"}, "Subject"),
        ({"Message": "m", "Subject": ""}, "Subject"),
        ({"Message": "no json", "MessageStructure": "json"}, "Message Structure - JSON message body failed to parse"),
        ({"Message": "{}", "MessageStructure": "json"}, "Message Structure - No default entry in JSON message body"),
        (
            {"Message": "m", "MessageDeduplicationId": "d"},
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
        ),
    ],
)
def test_a_message_that_is_none_is_refused(aws: Account, topic: str, params: dict[str, Any], complaint: str) -> None:
    assert refused(aws.sns.publish, TopicArn=topic, **params) == ("InvalidParameter", f"Invalid parameter: {complaint}", 400)


@pytest.mark.parametrize(
    ("attribute", "complaint"),
    [
        ({"DataType": "String", "StringValue": ""}, "must contain non-empty message attribute value for message attribute type 'String'."),
        ({"DataType": "Number", "StringValue": "many"}, None),
        (
            {"DataType": "Date", "StringValue": "today"},
            "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
        ),
    ],
)
def test_an_attribute_that_is_none_is_refused(aws: Account, topic: str, attribute: dict[str, str], complaint: str | None) -> None:
    code, message, _ = refused(aws.sns.publish, TopicArn=topic, Message="m", MessageAttributes={"name": attribute})
    expected = f"The message attribute 'name' {complaint}" if complaint else "Could not cast message attribute 'name' value to number."
    assert (code, message) == ("ParameterValueInvalid", expected)


def test_who_names_nobody_is_told_so(aws: Account) -> None:
    assert refused(aws.sns.publish, Message="m")[1] == "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"


def test_a_topic_that_is_not_there_takes_no_message(aws: Account, topic: str) -> None:
    assert refused(aws.sns.publish, TopicArn=topic + "x", Message="m") == ("NotFound", "Topic does not exist", 404)
    entries = [{"Id": "1", "Message": "m"}]
    assert refused(aws.sns.publish_batch, TopicArn=topic + "x", PublishBatchRequestEntries=entries)[0] == "NotFound"


def entry(id: str, message: str = "m") -> dict[str, str]:
    return {"Id": id, "Message": message}


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([entry(str(number)) for number in range(11)], "TooManyEntriesInBatchRequest"),
        ([entry("a"), entry("a")], "BatchEntryIdsNotDistinct"),
        ([entry("a" * 81)], "InvalidBatchEntryId"),
        ([entry("a.b")], "InvalidBatchEntryId"),
        ([entry("a", "x" * 200_000), entry("b", "x" * 100_000)], "BatchRequestTooLong"),
    ],
)
def test_a_batch_out_of_bounds_is_refused_whole(aws: Account, topic: str, entries: list[dict[str, str]], code: str) -> None:
    assert refused(aws.sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)[0] == code


def test_an_entry_that_fails_does_not_hold_up_the_others(aws: Account, topic: str) -> None:
    answer = aws.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[entry("good"), entry("bad", "") | {"Subject": "s"}])
    assert [each["Id"] for each in answer["Successful"]] == ["good"]
    assert answer["Failed"] == [{"Id": "bad", "Code": "InvalidParameter", "Message": "Invalid parameter: Empty message", "SenderFault": True}]


@pytest.mark.parametrize(
    ("protocol", "endpoint", "complaint"),
    [
        ("sqs", "http://queue", "Invalid parameter: SQS endpoint ARN"),
        ("lambda", "arn:aws:sqs:us-east-1:111122223333:q", "Invalid parameter: Lambda endpoint ARN"),
        ("http", "https://example.com", "Invalid parameter: Endpoint must match the specified protocol"),
        ("email", "nobody", "Invalid parameter: Email address"),
        ("pigeon", "loft", "Invalid parameter: Amazon SNS does not support this protocol string: pigeon"),
    ],
)
def test_an_endpoint_that_does_not_fit_its_protocol_is_refused(aws: Account, topic: str, protocol: str, endpoint: str, complaint: str) -> None:
    assert refused(aws.sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)[1] == complaint


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("FakeAttribute", "x", "AttributeName"),
        ("RawMessageDelivery", "maybe", "RawMessageDelivery: Invalid value [maybe]. Must be true or false."),
        ("FilterPolicyScope", "Elsewhere", "FilterPolicyScope: Invalid value [Elsewhere]. Please use either MessageBody or MessageAttributes"),
        ("RedrivePolicy", json.dumps({"deadLetterTargetArn": "nowhere"}), "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
        (
            "FilterPolicy",
            json.dumps({"a": {"b": ["c"]}}),
            "FilterPolicy: Filter policy scope MessageAttributes does not support nested filter policy",
        ),
    ],
)
def test_a_subscription_s_attributes_are_checked(aws: Account, topic: str, name: str, value: str, complaint: str) -> None:
    endpoint = f"arn:aws:sqs:us-east-1:{aws.id}:q"
    subscription = aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)["SubscriptionArn"]
    change = {"SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value}
    assert refused(aws.sns.set_subscription_attributes, **change) == ("InvalidParameter", f"Invalid parameter: {complaint}", 400)


def test_subscribing_again_gives_the_same_subscription_unless_something_differs(aws: Account, topic: str) -> None:
    given = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": f"arn:aws:sqs:us-east-1:{aws.id}:q"}
    subscription = aws.sns.subscribe(**given, Attributes={"RawMessageDelivery": "true"})["SubscriptionArn"]
    assert aws.sns.subscribe(**given)["SubscriptionArn"] == subscription
    assert refused(aws.sns.subscribe, **given, Attributes={"RawMessageDelivery": "false"})[1] == (
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    )


def test_subscriptions_are_listed_by_the_hundred(aws: Account, topic: str) -> None:
    for number in range(101):
        aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{aws.id}:q{number}")
    for listing, params in ((aws.sns.list_subscriptions, {}), (aws.sns.list_subscriptions_by_topic, {"TopicArn": topic})):
        first = listing(**params)
        second = listing(**params, NextToken=first["NextToken"])
        assert len({each["Endpoint"] for each in first["Subscriptions"] + second["Subscriptions"]}) == 101
    counts = aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert counts["SubscriptionsConfirmed"] == "101"


@pytest.mark.parametrize(
    ("arn", "complaint"),
    [
        ("nonsense", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:nonsense", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5"),
        ("arn:aws:sns:us-east-1:111122223333:topic", "SubscriptionId"),
        ("", "SubscriptionArn Reason: no value for required parameter"),
    ],
)
def test_only_a_subscription_is_unsubscribed(aws: Account, arn: str, complaint: str) -> None:
    assert refused(aws.sns.unsubscribe, SubscriptionArn=arn)[1] == f"Invalid parameter: {complaint}"


def test_a_topic_has_two_hundred_filter_policies_and_no_more(aws: Account, topic: str) -> None:
    def subscribe(number: int, **attributes: str) -> dict[str, Any]:
        return {"TopicArn": topic, "Protocol": "sqs", "Endpoint": f"arn:aws:sqs:us-east-1:{aws.id}:q{number}", "Attributes": attributes}

    policy = json.dumps({"a": ["b"]})
    for number in range(200):
        aws.sns.subscribe(**subscribe(number, FilterPolicy=policy))
    assert refused(aws.sns.subscribe, **subscribe(200, FilterPolicy=policy))[0] == "FilterPolicyLimitExceeded"
    subscription = aws.sns.subscribe(**subscribe(200))["SubscriptionArn"]
    change = {"SubscriptionArn": subscription, "AttributeName": "FilterPolicy", "AttributeValue": policy}
    assert refused(aws.sns.set_subscription_attributes, **change)[0] == "FilterPolicyLimitExceeded"
