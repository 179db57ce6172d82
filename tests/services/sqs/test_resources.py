"""AWS::SQS::Queue, QueuePolicy and QueueInlinePolicy in stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.node import Account
from tests.services.sqs.conftest import NewQueue, arn_of
from tests.services.sqs.messages import attributes, bodies, refused, send

WAITING = {"Delay": 1, "MaxAttempts": 60}
Resources = dict[str, Any]


def _queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def _create(account: Account, resources: Resources, outputs: Resources | None = None) -> dict[str, str]:
    """Make a stack; its outputs."""
    shown = {key: {"Value": value} for key, value in (outputs or {}).items()}
    template = {"Resources": resources, **({"Outputs": shown} if shown else {})}
    tags = [{"Key": "stage", "Value": "test"}]
    account.cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps(template), Tags=tags)
    account.cloudformation.get_waiter("stack_create_complete").wait(StackName="stack", WaiterConfig=WAITING)
    return _outputs(account)


def _update(account: Account, resources: Resources, outputs: Resources | None = None) -> dict[str, str]:
    shown = {key: {"Value": value} for key, value in (outputs or {}).items()}
    template = {"Resources": resources, **({"Outputs": shown} if shown else {})}
    account.cloudformation.update_stack(StackName="stack", TemplateBody=json.dumps(template), Tags=[{"Key": "stage", "Value": "test"}])
    account.cloudformation.get_waiter("stack_update_complete").wait(StackName="stack", WaiterConfig=WAITING)
    return _outputs(account)


def _outputs(account: Account) -> dict[str, str]:
    stack = account.cloudformation.describe_stacks(StackName="stack")["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}


def _delete(account: Account) -> None:
    account.cloudformation.delete_stack(StackName="stack")
    account.cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig=WAITING)


URL = {"Url": {"Ref": "Q"}}


def test_a_queue_with_nothing_said_gets_a_name_and_its_attributes(aws: Account) -> None:
    outputs = {**URL, **{name: {"Fn::GetAtt": ["Q", name]} for name in ("Arn", "QueueName", "QueueUrl")}}
    got = _create(aws, {"Q": {"Type": "AWS::SQS::Queue"}}, outputs)
    name = got["QueueName"]
    assert name.startswith("stack-Q-")
    assert got["Url"] == got["QueueUrl"] == aws.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert got["Arn"] == arn_of(aws, got["Url"])
    assert aws.sqs.list_queue_tags(QueueUrl=got["Url"])["Tags"] == {"stage": "test"}
    _delete(aws)
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        aws.sqs.get_queue_url(QueueName=name)


def test_all_properties_of_a_fifo_queue_arrive(aws: Account) -> None:
    queue = _queue(
        QueueName="all.fifo",
        FifoQueue=True,
        ContentBasedDeduplication=True,
        DeduplicationScope="messageGroup",
        FifoThroughputLimit="perMessageGroupId",
        DelaySeconds=13,
        KmsMasterKeyId="alias/aws/sqs",
        KmsDataKeyReusePeriodSeconds=200,
        MaximumMessageSize=3232,
        MessageRetentionPeriod=13425,
        ReceiveMessageWaitTimeSeconds=15,
        RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 7},
        VisibilityTimeout=42,
        Tags=[{"Key": "Department", "Value": "Finance"}],
    )
    dead = _queue(FifoQueue=True, RedriveAllowPolicy={"redrivePermission": "allowAll"})
    got = _create(aws, {"Q": queue, "Dead": dead}, {**URL, "Dead": {"Ref": "Dead"}})
    shown = attributes(aws, got["Url"])
    assert json.loads(shown.pop("RedrivePolicy")) == {"deadLetterTargetArn": arn_of(aws, got["Dead"]), "maxReceiveCount": 7}
    expected = {
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
        "DelaySeconds": "13",
        "FifoQueue": "true",
        "FifoThroughputLimit": "perMessageGroupId",
        "KmsDataKeyReusePeriodSeconds": "200",
        "KmsMasterKeyId": "alias/aws/sqs",
        "MaximumMessageSize": "3232",
        "MessageRetentionPeriod": "13425",
        "ReceiveMessageWaitTimeSeconds": "15",
        "SqsManagedSseEnabled": "false",
        "VisibilityTimeout": "42",
    }
    assert {name: shown[name] for name in expected} == expected
    assert got["Dead"].endswith(".fifo")
    assert json.loads(attributes(aws, got["Dead"])["RedriveAllowPolicy"]) == {"redrivePermission": "allowAll"}
    assert aws.sqs.list_queue_tags(QueueUrl=got["Url"])["Tags"] == {"stage": "test", "Department": "Finance"}


def test_an_update_changes_in_place_and_takes_back_what_is_said_no_more(aws: Account) -> None:
    dead = _queue()
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
    before = _queue(DelaySeconds=5, VisibilityTimeout=40, RedrivePolicy=redrive, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}])
    first = _create(aws, {"Q": before, "Dead": dead}, URL)
    aws.sqs.send_message(QueueUrl=first["Url"], MessageBody="kept", DelaySeconds=0)
    after = _queue(VisibilityTimeout=50, SqsManagedSseEnabled=False, Tags=[{"Key": "a", "Value": "2"}])
    second = _update(aws, {"Q": after, "Dead": dead}, URL)
    assert second == first
    shown = attributes(aws, second["Url"])
    assert (shown["DelaySeconds"], shown["VisibilityTimeout"], shown["SqsManagedSseEnabled"]) == ("0", "50", "false")
    assert "RedrivePolicy" not in shown
    assert aws.sqs.list_queue_tags(QueueUrl=second["Url"])["Tags"] == {"stage": "test", "a": "2"}
    assert bodies(aws, second["Url"]) == ["kept"]


def test_a_new_name_makes_a_new_queue(aws: Account) -> None:
    first = _create(aws, {"Q": _queue(QueueName="one")}, URL)
    second = _update(aws, {"Q": _queue(QueueName="two")}, URL)
    assert second["Url"].endswith("/two")
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        send(aws, first["Url"], "x")


def test_a_stack_frees_the_name_of_its_queue(aws: Account) -> None:
    resources = {"Q": _queue(QueueName="named")}
    _create(aws, resources)
    _delete(aws)
    _create(aws, resources)


def test_a_queue_that_somebody_has_is_not_taken_over(aws: Account, new_queue: NewQueue) -> None:
    url = new_queue("mine")
    send(aws, url, "x")
    with pytest.raises(WaiterError):
        _create(aws, {"Q": _queue(QueueName="mine")})
    assert bodies(aws, url) == ["x"]


def test_a_policy_holds_for_all_its_queues_and_goes_with_the_stack(aws: Account, new_queue: NewQueue) -> None:
    def policy(*queues: str) -> Resources:
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return {"P": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": list(queues), "PolicyDocument": document}}}

    first, second, third = new_queue(), new_queue(), new_queue()
    got = _create(aws, policy(first, second), {"Id": {"Ref": "P"}, "Att": {"Fn::GetAtt": ["P", "Id"]}})
    assert got["Id"] == got["Att"]
    assert [_has_policy(aws, url) for url in (first, second, third)] == [True, True, False]
    _update(aws, policy(second, third))
    assert [_has_policy(aws, url) for url in (first, second, third)] == [False, True, True]
    _delete(aws)
    assert [_has_policy(aws, url) for url in (first, second, third)] == [False, False, False]


def _has_policy(account: Account, url: str) -> bool:
    return "Policy" in attributes(account, url)


def test_an_inline_policy_belongs_to_one_queue(aws: Account, new_queue: NewQueue) -> None:
    url = new_queue()
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    resource = {"Type": "AWS::SQS::QueueInlinePolicy", "Properties": {"Queue": url, "PolicyDocument": document}}
    got = _create(aws, {"P": resource}, {"Queue": {"Ref": "P"}})
    assert got["Queue"] == url
    assert json.loads(attributes(aws, url)["Policy"]) == document
    _delete(aws)
    assert not _has_policy(aws, url)
