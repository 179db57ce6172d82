"""Universal targets: any API call, as SDKs name it."""

from __future__ import annotations

import json
from typing import Any

from tests.services.scheduler.given import allow
from tests.services.scheduler.house import SchedulerHouse


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
