"""Who may publish and subscribe: identity policies, topic policies, condition keys, other accounts, services."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.sns.endpoints import Queue
from tests.services.sns.test_topics import refused


def user(account: Account, *statements: dict[str, Any]) -> Any:
    """An SNS client of a user with these permissions."""
    account.iam.create_user(UserName="ann")
    if statements:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        account.iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps(document))
    key = account.iam.create_access_key(UserName="ann")["AccessKey"]
    return account.client("sns", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def test_a_permission_is_for_the_topic_that_it_names(aws: Account, topic: str) -> None:
    other = aws.sns.create_topic(Name="other")["TopicArn"]
    ann = user(aws, {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic})
    ann.publish(TopicArn=topic, Message="m")
    ann.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "m"}])
    assert refused(ann.publish, TopicArn=other, Message="m") == (
        "AuthorizationError",
        f"User: arn:aws:iam::{aws.id}:user/ann is not authorized to perform: SNS:Publish on resource: {other}"
        " because no identity-based policy allows the SNS:Publish action",
        403,
    )


def test_the_policy_that_a_topic_is_born_with_gives_its_people_nothing(aws: Account, topic: str) -> None:
    assert refused(user(aws).publish, TopicArn=topic, Message="m")[0] == "AuthorizationError"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [("sns:Protocol", "sqs", True), ("sns:Protocol", "email", False), ("sns:Endpoint", "arn:aws:sqs:*", True), ("sns:Endpoint", "https://*", False)],
)
def test_subscribing_can_be_bound_to_protocol_and_endpoint(aws: Account, topic: str, key: str, value: str, allowed: bool) -> None:
    ann = user(aws, {"Effect": "Allow", "Action": "sns:Subscribe", "Resource": topic, "Condition": {"StringLike": {key: value}}})
    params = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": f"arn:aws:sqs:us-east-1:{aws.id}:q"}
    if allowed:
        assert ann.subscribe(**params)["SubscriptionArn"]
    else:
        assert refused(ann.subscribe, **params)[0] == "AuthorizationError"


def test_another_account_publishes_only_when_the_topic_lets_it(aws: Account, topic: str) -> None:
    stranger = aws.node.fresh_account()
    assert refused(stranger.sns.publish, TopicArn=topic, Message="m")[0] == "AuthorizationError"
    aws.sns.add_permission(TopicArn=topic, Label="let", AWSAccountId=[stranger.id], ActionName=["Publish"])
    assert stranger.sns.publish(TopicArn=topic, Message="m")["MessageId"]
    aws.sns.remove_permission(TopicArn=topic, Label="let")
    assert refused(stranger.sns.publish, TopicArn=topic, Message="m")[0] == "AuthorizationError"


def test_a_subscriber_of_another_account_owns_its_subscription(aws: Account, topic: str) -> None:
    reader, stranger = aws.node.fresh_account(), aws.node.fresh_account()
    aws.sns.add_permission(TopicArn=topic, Label="let", AWSAccountId=[reader.id], ActionName=["Subscribe"])
    queue = Queue(reader)
    subscription = reader.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)["SubscriptionArn"]
    aws.sns.publish(TopicArn=topic, Message="for both")
    assert queue.texts(1) == ["for both"]
    assert [entry["Owner"] for entry in reader.sns.list_subscriptions()["Subscriptions"]] == [reader.id]
    assert refused(stranger.sns.unsubscribe, SubscriptionArn=subscription)[0] == "AuthorizationError"
    for owner in (reader, aws):
        assert owner.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["Owner"] == reader.id
    reader.sns.unsubscribe(SubscriptionArn=subscription)


def test_a_statement_that_denies_binds_even_the_root_of_the_account(aws: Account, topic: str) -> None:
    deny = {"Sid": "no", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "SNS:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        aws.sns.publish(TopicArn=topic, Message="m")


def test_a_bucket_publishes_when_the_topic_lets_s3_in(aws: Account, topic: str) -> None:
    queue = Queue(aws)
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    bucket = f"pictures-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": topic,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}, "StringEquals": {"aws:SourceAccount": aws.id}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    configuration = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}
    aws.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration, SkipDestinationValidation=True)
    aws.s3.put_object(Bucket=bucket, Key="cat.jpg", Body=b"meow")
    events = [json.loads(text) for text in queue.texts(1)]
    assert events[0]["Records"][0]["s3"]["object"]["key"] == "cat.jpg"
