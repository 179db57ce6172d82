"""Universal targets: any API call, as SDKs name it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION
from tests.services.scheduler.given import allow
from tests.services.scheduler.house import SchedulerHouse

PUBLIC = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]})


async def run(house: SchedulerHouse, call: str, given: Any) -> None:
    target = {"Arn": f"arn:aws:scheduler:::aws-sdk:{call}", "Input": json.dumps(given)}
    await house.schedule("at(2026-03-25T13:00:00)", call.replace(":", "-"), target=target)
    await house.pass_time(hours=1)


async def test_a_call_is_made_with_its_parameters(house: SchedulerHouse) -> None:
    await run(house, "cloudwatchlogs:createLogGroup", {"LogGroupName": "plain", "Tags": {"Kept": "As it is"}})
    assert await log_groups(house) == ["plain"]
    tags = await house.call("logs", "ListTagsLogGroup", logGroupName="plain")
    assert tags["tags"] == {"Kept": "As it is"}


async def log_groups(house: SchedulerHouse) -> list[str]:
    return [group["logGroupName"] for group in (await house.call("logs", "DescribeLogGroups", logGroupNamePrefix="p"))["logGroups"]]


async def test_blobs_are_text(house: SchedulerHouse) -> None:
    await run(house, "lambda:invoke", {"FunctionName": "fun", "InvocationType": "Event", "Payload": '{"n": "<aws.scheduler.attempt-number>"}'})
    await house.settle()
    assert house.events == [{"n": "1"}]


async def test_a_body_is_text(house: SchedulerHouse) -> None:
    await house.call("s3", "CreateBucket", Bucket="written")
    await run(house, "s3:putObject", {"Bucket": "written", "Key": "k", "Body": "written"})
    assert (await house.call("s3", "HeadObject", Bucket="written", Key="k"))["ContentLength"] == 7


async def test_a_call_needs_the_roles_permission(house: SchedulerHouse) -> None:
    await house.call(
        "iam",
        "PutRolePolicy",
        RoleName="clock",
        PolicyName="p",
        PolicyDocument=allow("logs:CreateLogGroup", resource="arn:aws:logs:*:*:log-group:pa*"),
    )
    await run(house, "cloudwatchlogs:createLogGroup", {"LogGroupName": "pb"})
    await house.schedule(
        "at(2026-03-25T14:00:00)",
        "second",
        target={"Arn": "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup", "Input": '{"LogGroupName": "pa"}'},
    )
    await house.pass_time(hours=1)
    assert await log_groups(house) == ["pa"]


async def test_queues_are_named_by_the_urls_that_aws_gives_them(house: SchedulerHouse) -> None:
    """The example of AWS's documentation."""
    url = (await house.call("sqs", "CreateQueue", QueueName="q"))["QueueUrl"]
    given = {"MessageBody": "<aws.scheduler.scheduled-time>", "QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/q"}
    await run(house, "sqs:sendMessage", given)
    (message,) = (await house.call("sqs", "ReceiveMessage", QueueUrl=url))["Messages"]
    assert message["Body"] == "2026-03-25T13:00:00Z"


async def test_members_below_others_are_named_alike(house: SchedulerHouse) -> None:
    await house.call("events", "PutRule", Name="r", EventPattern='{"source": ["clock"]}')
    await house.call("sqs", "CreateQueue", QueueName="q", Attributes={"Policy": PUBLIC})
    await house.call("events", "PutTargets", Rule="r", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}])
    entry = {"Source": "clock", "DetailType": "Tick", "Detail": "{}", "Time": "2026-03-25T11:11:11Z"}
    await run(house, "eventbridge:putEvents", {"Entries": [entry]})
    url = (await house.call("sqs", "GetQueueUrl", QueueName="q"))["QueueUrl"]
    (message,) = (await house.call("sqs", "ReceiveMessage", QueueUrl=url))["Messages"]
    assert json.loads(message["Body"])["time"] == "2026-03-25T11:11:11Z"


async def test_a_service_that_is_not_built_fails_visibly(house: SchedulerHouse, caplog: pytest.LogCaptureFixture) -> None:
    await run(house, "sfn:startExecution", {"StateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m", "Input": "{}"})
    assert "failed for good: NotImplemented" in caplog.text
