"""Targets: what they are given, how they are reached, what becomes of what does not arrive."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from tests.node import Account
from tests.services.events.house import allow, put, queue, refusal, role, rule

ORDER = {"user": "u-1", "order": {"id": 7}, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"Input": '{"fixed":  1}'}, '{"fixed":  1}'),
        ({"InputPath": "$.detail.order"}, '{"id":7}'),
        ({"InputPath": "$.detail.user"}, '"u-1"'),
        (
            {"InputTransformer": {"InputPathsMap": {"u": "$.detail.user", "o": "$.detail.order"}, "InputTemplate": '{"who": <u>, "what": <o>}'}},
            '{"who": "u-1", "what": {"id":7}}',
        ),
        (
            {"InputTransformer": {"InputPathsMap": {"t": "$.detail.tags"}, "InputTemplate": '"tags <t>"\n"of <aws.events.rule-name>"'}},
            '"tags [a,b]"\n"of r"',
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_a_target_is_given(aws: Account, target: dict[str, Any], expected: str) -> None:
    found = queue(aws)
    rule(aws, None, {"Arn": found.arn, **target})
    put(aws, ORDER)
    assert found.texts(1) == [expected]


def test_targets_are_listed_replaced_and_removed(aws: Account) -> None:
    found = queue(aws)
    rule(aws, None, *({"Arn": found.arn, "Input": str(n)} for n in range(3)))
    first = aws.events.list_targets_by_rule(Rule="r", Limit=2)
    second = aws.events.list_targets_by_rule(Rule="r", Limit=2, NextToken=first["NextToken"])
    assert first["Targets"] + second["Targets"] == [{"Id": f"t{n}", "Arn": found.arn, "Input": str(n)} for n in range(3)]
    aws.events.put_targets(Rule="r", Targets=[{"Id": "t1", "Arn": found.arn, "Input": "9"}])
    gone = aws.events.remove_targets(Rule="r", Ids=["t0", "x"])
    assert gone["FailedEntryCount"] == 1
    assert gone["FailedEntries"][0]["TargetId"] == "x"
    assert [target["Input"] for target in aws.events.list_targets_by_rule(Rule="r")["Targets"]] == ["9", "2"]
    assert refusal(aws.events.list_targets_by_rule, Rule="gone")[0] == "ResourceNotFoundException"


QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Arn": QUEUE, "Input": "{}", "InputPath": "$"}, "Only one of Input, InputPath, or InputTransformer must be provided for target a."),
        ({"Arn": "q"}, "Parameter Arn is not valid. Reason: Provided Arn is not in correct format."),
        ({"Arn": QUEUE + ".fifo"}, "Parameter(s) SqsParameters must be specified for target: a."),
        (
            {"Arn": "arn:aws:kinesis:us-east-1:123456789012:stream/s"},
            "RoleArn is required for target arn:aws:kinesis:us-east-1:123456789012:stream/s.",
        ),
        (
            {"Arn": "arn:aws:ssm:us-east-1:123456789012:document/d", "RoleArn": "arn:aws:iam::123456789012:role/r"},
            "Parameter(s) RunCommandParameters must be specified for target: a.",
        ),
        (
            {"Arn": QUEUE, "InputTransformer": {"InputPathsMap": {"a": "$.a"}, "InputTemplate": "<a> b"}},
            'Invalid InputTemplate for target a : [Source: (String)"null b"; line: 1, column: 7].',
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_targets_that_are_refused(aws: Account, target: dict[str, Any], message: str) -> None:
    rule(aws)
    assert refusal(aws.events.put_targets, Rule="r", Targets=[{"Id": "a", **target}]) == ("ValidationException", message)


def test_an_automation_of_systems_manager_needs_no_parameters_of_a_command(aws: Account) -> None:
    automation = "arn:aws:ssm:us-east-1::automation-definition/AWSSupport-ConfigureEC2Metadata"
    rule(aws)
    put = aws.events.put_targets(Rule="r", Targets=[{"Id": "a", "Arn": automation, "RoleArn": "arn:aws:iam::123456789012:role/r"}])
    assert put["FailedEntryCount"] == 0


def test_a_rule_has_five_targets(aws: Account) -> None:
    rule(aws, None, *({"Arn": QUEUE} for _ in range(5)))
    expected = ("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    assert refusal(aws.events.put_targets, Rule="r", Targets=[{"Id": "more", "Arn": QUEUE}]) == expected


def test_a_target_id_has_a_form(aws: Account) -> None:
    rule(aws)
    code, message = refusal(aws.events.put_targets, Rule="r", Targets=[{"Id": "!@#$@!#$", "Arn": QUEUE}])
    assert code == "ValidationException"
    assert message == (
        "1 validation error detected: Value '!@#$@!#$' at 'targets.1.member.id' failed to satisfy constraint:"
        " Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"
    )


def test_a_fifo_queue_gets_the_group(aws: Account) -> None:
    found = queue(aws, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    rule(aws, None, {"Arn": found.arn, "SqsParameters": {"MessageGroupId": "$.detail.user"}})
    put(aws, ORDER)
    message = aws.sqs.receive_message(QueueUrl=found.url, WaitTimeSeconds=10, AttributeNames=["MessageGroupId"])["Messages"][0]
    assert message["Attributes"]["MessageGroupId"] == "u-1"


def test_what_a_queue_does_not_let_in_becomes_a_dead_letter(aws: Account) -> None:
    closed = queue(
        aws,
        "closed",
        policy={"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sqs:GetQueueUrl", "Resource": "*"}]},
    )
    dead = queue(aws, "dead")
    arn = rule(aws, None, {"Arn": closed.arn, "DeadLetterConfig": {"Arn": dead.arn}})
    id = put(aws, ORDER)
    letter = dead.letter()
    assert json.loads(letter["Body"])["id"] == id
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"], attributes["ERROR_CODE"]) == (arn, closed.arn, "NO_PERMISSIONS")
    assert attributes["ERROR_MESSAGE"]


def test_a_target_that_is_not_there_or_not_built_becomes_a_dead_letter(aws: Account) -> None:
    dead = queue(aws, "dead")
    runner = role(aws, "runner", [allow("*")])
    letters = {"DeadLetterConfig": {"Arn": dead.arn}, "RoleArn": runner}
    gone = dead.arn.replace("dead", "gone")
    cluster = f"arn:aws:ecs:us-east-1:{aws.id}:cluster/c"
    rule(
        aws,
        None,
        {"Arn": gone, **letters},
        {"Arn": cluster, "EcsParameters": {"TaskDefinitionArn": "arn:aws:ecs:us-east-1:1:task-definition/t"}, **letters},
    )
    put(aws, ORDER)
    found = {
        letter["MessageAttributes"]["TARGET_ARN"]["StringValue"]: letter["MessageAttributes"]["ERROR_CODE"]["StringValue"]
        for letter in _letters(dead, 2)
    }
    assert found[gone] == "NO_RESOURCE"
    assert cluster in found


def _letters(dead: Any, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        letter = dead.letter()
        dead.account.sqs.delete_message(QueueUrl=dead.url, ReceiptHandle=letter["ReceiptHandle"])
        found.append(letter)
    return found


def test_a_broken_transformation_becomes_a_dead_letter(aws: Account) -> None:
    found, dead = queue(aws), queue(aws, "dead")
    transformer = {"InputPathsMap": {"t": "$.detail.tags"}, "InputTemplate": '{"tags": "<t>"}'}
    rule(aws, None, {"Arn": found.arn, "InputTransformer": transformer, "DeadLetterConfig": {"Arn": dead.arn}})
    put(aws, ORDER)
    assert dead.letter()["Body"] == '{"tags": "["a","b"]"}'


def test_a_stream_gets_records_under_the_key_of_the_event(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    aws.kinesis.get_waiter("stream_exists").wait(StreamName="s")
    arn = aws.kinesis.describe_stream(StreamName="s")["StreamDescription"]["StreamARN"]
    runner = role(aws, "runner", [allow("kinesis:PutRecord", arn)])
    marker = queue(aws)
    path = {"KinesisParameters": {"PartitionKeyPath": "$.detail.user"}}
    rule(aws, None, {"Arn": arn, "RoleArn": runner, **path}, {"Arn": arn, "RoleArn": runner}, {"Arn": marker.arn})
    id = put(aws, ORDER)
    marker.one()
    iterator = aws.kinesis.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    keys: set[str] = set()
    while len(keys) < 2:
        page = aws.kinesis.get_records(ShardIterator=iterator)
        iterator = page["NextShardIterator"]
        keys |= {record["PartitionKey"] for record in page["Records"]}
        assert all(json.loads(record["Data"])["id"] == id for record in page["Records"])
    assert keys == {"u-1", id}


def test_a_topic_gets_the_event(aws: Account) -> None:
    found = queue(
        aws,
        policy={
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}],
        },
    )
    topic = aws.sns.create_topic(Name="t")["TopicArn"]
    let_in = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [let_in]}))
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=found.arn, Attributes={"RawMessageDelivery": "true"})
    rule(aws, None, {"Arn": topic})
    id = put(aws, ORDER)
    assert found.one()["id"] == id


def test_a_log_group_gets_the_event(aws: Account) -> None:
    group = f"arn:aws:logs:us-east-1:{aws.id}:log-group:/aws/events/g"
    aws.logs.create_log_group(logGroupName="/aws/events/g")
    let_in = {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": group + ":*",
    }
    aws.logs.put_resource_policy(policyName="events", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [let_in]}))
    marker = queue(aws)
    rule(aws, None, {"Arn": group}, {"Arn": marker.arn})
    id = put(aws, ORDER)
    marker.one()
    for _ in range(200):
        events = aws.logs.filter_log_events(logGroupName="/aws/events/g")["events"]
        if events:
            break
    assert [json.loads(event["message"])["id"] for event in events] == [id]


HANDLER = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


def function(aws: Account, queue_url: str, name: str = "f") -> str:
    """A function that tells a queue what it was invoked with; its ARN."""
    runner = role(aws, f"{name}-role", [allow("sqs:SendMessage"), allow("logs:*")], service="lambda.amazonaws.com")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", HANDLER)
    made = aws.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=runner,
        Code={"ZipFile": packed.getvalue()},
        Timeout=30,
        Environment={"Variables": {"QUEUE": queue_url}},
    )
    return made["FunctionArn"]


def test_a_function_is_invoked_when_it_lets_the_rule_in(aws: Account) -> None:
    found, dead = queue(aws), queue(aws, "dead")
    arn = function(aws, found.url)
    rule_arn = rule(aws, None, {"Arn": arn, "DeadLetterConfig": {"Arn": dead.arn}})
    refused = put(aws, ORDER)
    assert json.loads(dead.letter()["Body"])["id"] == refused
    aws.lambda_.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule_arn
    )
    taken = put(aws, ORDER)
    assert found.one()["id"] == taken


def test_many_events_reach_a_queue_together_each_as_it_is(aws: Account) -> None:
    many = queue(aws, "many")
    rule(aws, {"detail-type": ["many"]}, {"Id": "q", "Arn": many.arn})
    for tens in range(3):
        entries = [{"Source": "s", "DetailType": "many", "Detail": json.dumps({"n": tens * 10 + n})} for n in range(10)]
        assert aws.events.put_events(Entries=entries)["FailedEntryCount"] == 0
    assert sorted(event["detail"]["n"] for event in many.events(30)) == list(range(30))


def test_of_events_that_come_together_each_that_is_refused_becomes_a_dead_letter(aws: Account) -> None:
    dead = queue(aws, "dead")
    small = queue(aws, "small", MaximumMessageSize="1024")
    rule(aws, {"detail-type": ["many"]}, {"Id": "q", "Arn": small.arn, "DeadLetterConfig": {"Arn": dead.arn}})
    entries = [{"Source": "s", "DetailType": "many", "Detail": json.dumps({"n": n, "fill": "x" * (2_000 if n == 3 else 1)})} for n in range(6)]
    aws.events.put_events(Entries=entries)
    assert json.loads(dead.letter()["Body"])["detail"]["n"] == 3
    assert sorted(event["detail"]["n"] for event in small.events(5)) == [0, 1, 2, 4, 5]
