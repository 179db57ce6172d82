"""Topics, subscriptions and policies of templates, and functions that SAM subscribes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import Account
from tests.services.sns.endpoints import Queue, eventually
from tests.services.sns.test_functions import lines

SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Topic: {Type: AWS::SNS::Topic}
  Direct:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${AWS::StackName}-direct"
      Handler: index.handler
      Runtime: python3.11
      InlineCode: "def handler(event, context): print('got', event['Records'][0]['Sns']['Message'])"
      Events:
        Told: {Type: SNS, Properties: {Topic: !Ref Topic, FilterPolicy: {kind: [wanted]}}}
  Queued:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${AWS::StackName}-queued"
      Handler: index.handler
      Runtime: python3.11
      InlineCode: "def handler(event, context): [print('got', record['messageId']) for record in event['Records']]"
      Events:
        Told: {Type: SNS, Properties: {Topic: !Ref Topic, SqsSubscription: true}}
Outputs:
  Topic: {Value: !Ref Topic}
"""


def template(**resources: Any) -> str:
    outputs = {"Topic": {"Value": {"Ref": "Topic"}}, "Name": {"Value": {"Fn::GetAtt": ["Topic", "TopicName"]}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def deployed(aws: Account, text: str, *, update: bool = False, **settings: Any) -> dict[str, str]:
    """The stack's outputs."""
    change = aws.cloudformation.update_stack if update else aws.cloudformation.create_stack
    change(StackName="s", TemplateBody=text, **settings)
    aws.cloudformation.get_waiter("stack_update_complete" if update else "stack_create_complete").wait(
        StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    stack = aws.cloudformation.describe_stacks(StackName="s")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def deleted(aws: Account) -> None:
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def test_a_topic_with_inline_subscriptions_is_made_changed_and_deleted(aws: Account) -> None:
    first, second = Queue(aws, "first"), Queue(aws, "second")

    def topic(queue: Queue, **properties: Any) -> dict[str, Any]:
        return {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": [{"Protocol": "sqs", "Endpoint": queue.arn}], **properties}}

    made = deployed(aws, template(Topic=topic(first, DisplayName="One", Tags=[{"Key": "a", "Value": "1"}])))
    assert made["Topic"] == f"arn:aws:sns:us-east-1:{aws.id}:{made['Name']}"
    assert aws.sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]["DisplayName"] == "One"
    changed = deployed(aws, template(Topic=topic(second, TracingConfig="Active", Tags=[{"Key": "b", "Value": "2"}])), update=True)
    assert changed == made
    attributes = aws.sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert (attributes["DisplayName"], attributes["TracingConfig"]) == ("", "Active")
    assert {"Key": "b", "Value": "2"} in aws.sns.list_tags_for_resource(ResourceArn=made["Topic"])["Tags"]
    listed = aws.sns.list_subscriptions_by_topic(TopicArn=made["Topic"])["Subscriptions"]
    assert [entry["Endpoint"] for entry in listed] == [second.arn]
    deleted(aws)
    assert aws.sns.list_topics()["Topics"] == []


def test_a_fifo_topic_has_its_ending_when_its_name_is_made_up(aws: Account) -> None:
    properties = {"FifoTopic": True, "ContentBasedDeduplication": True, "ArchivePolicy": {"MessageRetentionPeriod": 3}}
    made = deployed(aws, template(Topic={"Type": "AWS::SNS::Topic", "Properties": properties}))
    attributes = aws.sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert made["Name"].endswith(".fifo")
    assert (attributes["FifoTopic"], attributes["ContentBasedDeduplication"]) == ("true", "true")
    assert json.loads(attributes["ArchivePolicy"]) == {"MessageRetentionPeriod": "3"}


def test_a_subscription_keeps_its_arn_when_its_filter_changes(aws: Account) -> None:
    queue = Queue(aws)
    topic = {"Type": "AWS::SNS::Topic"}

    def subscription(**properties: Any) -> dict[str, Any]:
        return {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": queue.arn, **properties},
        }

    policy = {"FilterPolicy": {"a": ["b"]}, "FilterPolicyScope": "MessageBody", "RawMessageDelivery": True}
    made = deployed(aws, template(Topic=topic, Subscription=subscription(**policy)))
    [before] = aws.sns.list_subscriptions_by_topic(TopicArn=made["Topic"])["Subscriptions"]
    shown = aws.sns.get_subscription_attributes(SubscriptionArn=before["SubscriptionArn"])["Attributes"]
    assert (json.loads(shown["FilterPolicy"]), shown["FilterPolicyScope"], shown["RawMessageDelivery"]) == ({"a": ["b"]}, "MessageBody", "true")
    deployed(aws, template(Topic=topic, Subscription=subscription(FilterPolicy={"c": ["d"]})), update=True)
    [after] = aws.sns.list_subscriptions_by_topic(TopicArn=made["Topic"])["Subscriptions"]
    shown = aws.sns.get_subscription_attributes(SubscriptionArn=after["SubscriptionArn"])["Attributes"]
    assert after["SubscriptionArn"] == before["SubscriptionArn"]
    assert (json.loads(shown["FilterPolicy"]), shown["FilterPolicyScope"], shown["RawMessageDelivery"]) == (
        {"c": ["d"]},
        "MessageAttributes",
        "false",
    )


@pytest.mark.parametrize("kind", ["TopicPolicy", "TopicInlinePolicy"])
def test_a_topic_s_policy_comes_and_goes_with_its_resource(aws: Account, kind: str) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    statement = {"Sid": "s3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*"}
    target = {"Topics": [{"Ref": "Topic"}]} if kind == "TopicPolicy" else {"TopicArn": {"Ref": "Topic"}}
    policy = {"Type": f"AWS::SNS::{kind}", "Properties": {**target, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}}
    made = deployed(aws, template(Topic=topic, Policy=policy))
    shown = json.loads(aws.sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]["Policy"])
    assert shown["Statement"] == [statement]
    deployed(aws, template(Topic=topic), update=True)
    shown = json.loads(aws.sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]["Policy"])
    assert shown["Id"] == "__default_policy_ID"


def test_a_name_that_is_taken_is_not_taken_over(aws: Account) -> None:
    aws.sns.create_topic(Name="mine")
    aws.cloudformation.create_stack(
        StackName="s", TemplateBody=template(Topic={"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "mine"}}), OnFailure="DELETE"
    )
    with pytest.raises(Exception, match="Waiter StackCreateComplete failed"):
        aws.cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert len(aws.sns.list_topics()["Topics"]) == 1


def test_sam_subscribes_functions_directly_and_through_a_queue(aws: Account) -> None:
    outputs = deployed(aws, SAM, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
    wanted = {"kind": {"DataType": "String", "StringValue": "wanted"}}
    aws.sns.publish(TopicArn=outputs["Topic"], Message="unwanted")
    aws.sns.publish(TopicArn=outputs["Topic"], Message="wanted", MessageAttributes=wanted)
    assert eventually(lambda: lines(aws, "/aws/lambda/s-direct", "got")) == ["got wanted\n"]
    eventually(lambda: len(lines(aws, "/aws/lambda/s-queued", "got")) >= 2)
    deleted(aws)
