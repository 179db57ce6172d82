"""Topics: names, attributes, policies, tags, lists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account


def refused(call: Any, **params: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response
    return error["Error"]["Code"], error["Error"]["Message"], error["ResponseMetadata"]["HTTPStatusCode"]


def attributes(aws: Account, topic: str) -> dict[str, str]:
    return aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]


def test_a_new_topic_shows_its_defaults(aws: Account) -> None:
    topic = aws.sns.create_topic(Name="news")["TopicArn"]
    shown = attributes(aws, topic)
    policy, delivery = json.loads(shown.pop("Policy")), json.loads(shown.pop("EffectiveDeliveryPolicy"))
    assert topic == f"arn:aws:sns:us-east-1:{aws.id}:news"
    assert shown == {
        "TopicArn": topic,
        "Owner": aws.id,
        "DisplayName": "",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0",
    }
    assert policy["Id"] == "__default_policy_ID"
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": aws.id}}
    assert delivery["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    assert delivery["http"]["defaultRequestPolicy"] == {"headerContentType": "text/plain; charset=UTF-8"}


@pytest.mark.parametrize("name", ["", "a" * 257, "a.b", "a b", "topic.fifo", "ä"])
def test_a_name_of_other_characters_is_refused(aws: Account, name: str) -> None:
    assert refused(aws.sns.create_topic, Name=name) == ("InvalidParameter", "Invalid parameter: Topic Name", 400)


def test_a_fifo_topic_has_to_end_in_fifo_and_only_it(aws: Account) -> None:
    assert refused(aws.sns.create_topic, Name="plain", Attributes={"FifoTopic": "true"})[1] == "Invalid parameter: Topic Name"
    topic = aws.sns.create_topic(Name="orders.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    shown = attributes(aws, topic)
    assert (shown["FifoTopic"], shown["ContentBasedDeduplication"]) == ("true", "false")


def test_creating_a_topic_again_gives_the_same_unless_something_differs(aws: Account) -> None:
    given = {"Name": "twice", "Attributes": {"DisplayName": "One"}, "Tags": [{"Key": "a", "Value": "1"}]}
    topic = aws.sns.create_topic(**given)["TopicArn"]
    assert aws.sns.create_topic(**given)["TopicArn"] == topic
    assert aws.sns.create_topic(Name="twice")["TopicArn"] == topic
    assert refused(aws.sns.create_topic, Name="twice", Attributes={"DisplayName": "Two"})[1] == (
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    )
    assert refused(aws.sns.create_topic, Name="twice", Tags=[{"Key": "b", "Value": "1"}])[1] == (
        "Invalid parameter: Tags Reason: Topic already exists with different tags"
    )


def test_attributes_are_set_one_by_one_and_checked(aws: Account, topic: str) -> None:
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="Shown")
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    assert attributes(aws, topic) | {"DisplayName": "Shown", "SignatureVersion": "2"} == attributes(aws, topic)
    for name in ("FifoTopic", "ContentBasedDeduplication", "Nonsense"):
        answer = refused(aws.sns.set_topic_attributes, TopicArn=topic, AttributeName=name, AttributeValue="true")
        assert answer == ("InvalidParameter", "Invalid parameter: AttributeName", 400)
    assert refused(aws.sns.set_topic_attributes, TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="3")[0] == "InvalidParameter"


def test_a_delivery_policy_is_kept_as_given_and_completed_where_it_is_effective(aws: Account, topic: str) -> None:
    policy = {"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1}}}
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(policy))
    shown = attributes(aws, topic)
    assert json.loads(shown["DeliveryPolicy"]) == {"http": {**policy["http"], "disableSubscriptionOverrides": False}}
    effective = json.loads(shown["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert effective == {
        "minDelayTarget": 5,
        "maxDelayTarget": 6,
        "numRetries": 1,
        "numNoDelayRetries": 0,
        "numMinDelayRetries": 0,
        "numMaxDelayRetries": 0,
        "backoffFunction": "linear",
    }
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue="")
    assert "DeliveryPolicy" not in attributes(aws, topic)


@pytest.mark.parametrize(
    "retries",
    [
        {"numRetries": 101},
        {"numRetries": 3, "minDelayTarget": 30, "maxDelayTarget": 20},
        {"numRetries": 2, "numNoDelayRetries": 2, "numMinDelayRetries": 1},
        {"numRetries": 3, "backoffFunction": "sideways"},
        {"numRetries": 100, "minDelayTarget": 100, "maxDelayTarget": 100},
    ],
)
def test_a_delivery_policy_beyond_its_limits_is_refused(aws: Account, topic: str, retries: dict[str, Any]) -> None:
    policy = json.dumps({"http": {"defaultHealthyRetryPolicy": retries}})
    code, message, _ = refused(aws.sns.set_topic_attributes, TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=policy)
    assert code == "InvalidParameter"
    assert message.startswith("Invalid parameter: DeliveryPolicy: http.defaultHealthyRetryPolicy")


def test_permissions_are_statements_of_the_policy(aws: Account, topic: str) -> None:
    aws.sns.add_permission(TopicArn=topic, Label="mine", AWSAccountId=["111122223333"], ActionName=["Publish"])
    statements = json.loads(attributes(aws, topic)["Policy"])["Statement"]
    assert statements[1] == {
        "Sid": "mine",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "SNS:Publish",
        "Resource": topic,
    }
    again = {"TopicArn": topic, "Label": "mine", "AWSAccountId": ["111122223333"], "ActionName": ["Publish"]}
    assert refused(aws.sns.add_permission, **again)[1] == "Invalid parameter: Statement already exists"
    assert refused(aws.sns.add_permission, **{**again, "Label": "x", "ActionName": ["Fly"]})[1] == (
        "Invalid parameter: Policy statement action out of service scope!"
    )
    aws.sns.remove_permission(TopicArn=topic, Label="mine")
    assert len(json.loads(attributes(aws, topic)["Policy"])["Statement"]) == 1


def test_tags(aws: Account, topic: str) -> None:
    aws.sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    aws.sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "b", "Value": "3"}])
    aws.sns.untag_resource(ResourceArn=topic, TagKeys=["a", "never"])
    assert aws.sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "b", "Value": "3"}]
    twice = [{"Key": "c", "Value": "1"}, {"Key": "c", "Value": "2"}]
    assert refused(aws.sns.tag_resource, ResourceArn=topic, Tags=twice)[1] == "Invalid parameter: Duplicated keys are not allowed."
    assert refused(aws.sns.list_tags_for_resource, ResourceArn=topic + "x") == ("ResourceNotFound", "Resource does not exist", 404)


def test_topics_are_listed_by_the_hundred_in_their_own_region(aws: Account) -> None:
    names = sorted(f"t{number:03}" for number in range(101))
    for name in names:
        aws.sns.create_topic(Name=name)
    first = aws.sns.list_topics()
    second = aws.sns.list_topics(NextToken=first["NextToken"])
    listed = [topic["TopicArn"].rpartition(":")[2] for topic in first["Topics"] + second["Topics"]]
    assert (len(first["Topics"]), listed, "NextToken" in second) == (100, names, False)
    assert aws.client("sns", region_name="eu-west-1").list_topics()["Topics"] == []
    assert refused(aws.sns.list_topics, NextToken="forged")[0] == "InvalidParameter"


def test_a_deleted_topic_is_gone_with_its_subscriptions_and_may_be_deleted_again(aws: Account, topic: str) -> None:
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{aws.id}:q")
    for _ in range(2):
        aws.sns.delete_topic(TopicArn=topic)
    assert refused(aws.sns.get_topic_attributes, TopicArn=topic) == ("NotFound", "Topic does not exist", 404)
    assert aws.sns.list_subscriptions()["Subscriptions"] == []


def test_an_arn_that_is_none_is_told_by_its_parts(aws: Account) -> None:
    assert refused(aws.sns.get_topic_attributes, TopicArn="nonsense")[1] == (
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"
    )
    elsewhere = f"arn:aws:sns:eu-west-1:{aws.id}:topic"
    assert refused(aws.sns.get_topic_attributes, TopicArn=elsewhere)[1] == "Invalid parameter: TopicArn"


def test_a_data_protection_policy_is_kept(aws: Account, topic: str) -> None:
    policy = json.dumps({"Name": "x", "Version": "2021-06-01", "Statement": []})
    aws.sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=policy)
    assert aws.sns.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"] == policy


def test_large_messages_are_for_queues_functions_and_streams_alone(aws: Account) -> None:
    topic = aws.sns.create_topic(Name="large", Attributes={"MaximumMessageSize": "1048576"})["TopicArn"]
    assert aws.sns.publish(TopicArn=topic, Message="x" * 1_000_000)["MessageId"]
    assert refused(aws.sns.publish, TopicArn=topic, Message="x" * 1_048_577)[1] == "Invalid parameter: Message too long"
    assert refused(aws.sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="a@b.example")[0] == "InvalidParameter"
    small = aws.sns.create_topic(Name="small")["TopicArn"]
    aws.sns.subscribe(TopicArn=small, Protocol="email", Endpoint="a@b.example")
    change = {"TopicArn": small, "AttributeName": "MaximumMessageSize", "AttributeValue": "524288"}
    assert refused(aws.sns.set_topic_attributes, **change)[0] == "InvalidParameter"
