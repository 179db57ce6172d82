"""Runs that fail: retries, and dead letters."""

from __future__ import annotations

import json
from typing import Any

from tests.services.lambda_.house import ACCOUNT, REGION
from tests.services.scheduler.given import allow
from tests.services.scheduler.house import FUNCTION, SchedulerHouse

DEAD = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
THROTTLED = {
    "Arn": "arn:aws:scheduler:::aws-sdk:lambda:invoke",
    "Input": json.dumps({"FunctionName": "fun", "Payload": '{"attempt": <aws.scheduler.attempt-number>}'}),
}


async def letters(house: SchedulerHouse) -> list[dict[str, Any]]:
    url = (await house.call("sqs", "GetQueueUrl", QueueName="dead"))["QueueUrl"]
    found = await house.call("sqs", "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return found.get("Messages", [])


def told(letter: dict[str, Any]) -> dict[str, str]:
    attributes = letter["MessageAttributes"]
    assert {value["DataType"] for value in attributes.values()} == {"String"}
    return {name: value["StringValue"] for name, value in attributes.items()}


async def test_what_cannot_work_is_a_dead_letter_at_once(house: SchedulerHouse) -> None:
    await house.call("sqs", "CreateQueue", QueueName="dead")
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone"
    arn = await house.schedule("at(2026-03-25T13:00:00)", target={"Arn": gone, "Input": "hello", "DeadLetterConfig": {"Arn": DEAD}})
    await house.pass_time(hours=1)
    (letter,) = await letters(house)
    assert letter["Body"] == "hello"
    attributes = told(letter)
    assert len(attributes.pop("EXECUTION_ID")) == 16
    assert attributes == {
        "ERROR_CODE": "AWS.SimpleQueueService.NonExistentQueue",
        "ERROR_MESSAGE": "The specified queue does not exist.",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": "2026-03-25T13:00:00Z",
        "SCHEDULE_ARN": arn,
        "TARGET_ARN": gone,
    }


async def throttled(house: SchedulerHouse, policy: dict[str, int]) -> None:
    await house.call("sqs", "CreateQueue", QueueName="dead")
    await house.call("lambda", "PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=0)
    await house.schedule("at(2026-03-25T13:00:00)", target={**THROTTLED, "RetryPolicy": policy, "DeadLetterConfig": {"Arn": DEAD}})


async def test_what_may_pass_is_tried_again(house: SchedulerHouse) -> None:
    await throttled(house, {})
    await house.pass_time(hours=1, seconds=20)
    await house.call("lambda", "DeleteFunctionConcurrency", FunctionName="fun")
    await house.pass_time(hours=1)
    assert house.events == [{"attempt": 6}]  # after 1, 2, 4, 8 and 16 seconds
    assert await letters(house) == []


async def test_attempts_run_out(house: SchedulerHouse) -> None:
    await throttled(house, {"MaximumRetryAttempts": 2})
    await house.pass_time(hours=2)
    (letter,) = await letters(house)
    attributes = told(letter)
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == ("TooManyRequestsException", "2")
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert json.loads(letter["Body"])["Payload"] == '{"attempt": 3}'


async def test_age_runs_out(house: SchedulerHouse) -> None:
    await throttled(house, {"MaximumEventAgeInSeconds": 60})
    await house.pass_time(hours=2)
    (letter,) = await letters(house)
    attributes = told(letter)
    assert (attributes["EXHAUSTED_RETRY_CONDITION"], attributes["RETRY_ATTEMPTS"]) == ("MaximumEventAgeInSeconds", "5")


async def test_the_role_writes_the_letter(house: SchedulerHouse) -> None:
    await house.call("sqs", "CreateQueue", QueueName="dead")
    await house.call("iam", "PutRolePolicy", RoleName="clock", PolicyName="p", PolicyDocument=allow("lambda:InvokeFunction", resource=f"{FUNCTION}x"))
    await house.schedule("at(2026-03-25T13:00:00)", target={"DeadLetterConfig": {"Arn": DEAD}})
    await house.pass_time(hours=1)
    assert await letters(house) == []
    await house.call("iam", "PutRolePolicy", RoleName="clock", PolicyName="p", PolicyDocument=allow("sqs:SendMessage"))
    await house.schedule("at(2026-03-25T14:00:00)", "t", target={"DeadLetterConfig": {"Arn": DEAD}})
    await house.pass_time(hours=1)
    (letter,) = await letters(house)
    assert told(letter)["ERROR_CODE"] == "AccessDeniedException"


async def test_a_target_whose_service_is_not_built_fails_visibly(house: SchedulerHouse) -> None:
    await house.call("sqs", "CreateQueue", QueueName="dead")
    ecs = {"Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c", "EcsParameters": {"TaskDefinitionArn": "t"}}
    await house.schedule("at(2026-03-25T13:00:00)", target={**ecs, "DeadLetterConfig": {"Arn": DEAD}})
    await house.pass_time(hours=1)
    (letter,) = await letters(house)
    assert told(letter)["ERROR_CODE"] == "NotImplemented"
