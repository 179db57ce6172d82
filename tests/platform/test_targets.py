"""Bringing events to targets: as whom, how often, and what becomes of the dead."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION, House, fail, opened
from tule.backbone.jobs import enqueue
from tule.core.errors import ServiceError
from tule.platform import targets

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"
GROUP = "/aws/events/all"
LOG_GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deliverer"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House]:
    async with opened(tmp_path, request.param) as house:
        yield house


async def send(house: House, target: str, text: str = '{"a": 1}', **how: Any) -> None:
    how = {"source_service": "events.amazonaws.com", "source_arn": RULE} | how
    job = targets.job(target, text, account=ACCOUNT, region=REGION, **how)
    await house.node.store.write(lambda tx: enqueue(tx, job))
    await house.settle()


async def logged(house: House) -> list[str]:
    return [event["message"] for event in (await house.call("logs", "FilterLogEvents", logGroupName=GROUP))["events"]]


async def queue(house: House) -> None:
    await house.call("sqs", "CreateQueue", QueueName="dead")
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    await house.call("sqs", "SetQueueAttributes", QueueUrl=url(), Attributes={"Policy": policy})


def url() -> str:
    return f"http://127.0.0.1:4566/{ACCOUNT}/dead"


async def letters(house: House) -> list[dict[str, Any]]:
    return (await house.call("sqs", "ReceiveMessage", QueueUrl=url(), MaxNumberOfMessages=10, MessageAttributeNames=["All"])).get("Messages", [])


async def test_a_function_is_invoked_when_its_policy_lets_the_source_in(house: House) -> None:
    await house.function()
    await house.lam(
        "AddPermission", FunctionName="fun", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=RULE
    )
    await send(house, FUNCTION)
    await send(house, FUNCTION, source_arn=RULE + "-of-another-name")
    await send(house, FUNCTION, source_service="s3.amazonaws.com")
    assert [run.payload for run in house.compute.runs] == [{"a": 1}]


async def test_a_role_needs_to_trust_the_sender_and_to_be_allowed(house: House) -> None:
    await house.call("logs", "CreateLogGroup", logGroupName=GROUP)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "pipes.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    await house.call("iam", "CreateRole", RoleName="deliverer", AssumeRolePolicyDocument=json.dumps(trust))
    await send(house, LOG_GROUP, '"not allowed yet"', role=ROLE, source_service="pipes.amazonaws.com")
    allow = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    await house.call("iam", "PutRolePolicy", RoleName="deliverer", PolicyName="p", PolicyDocument=document)
    await send(house, LOG_GROUP, '"allowed"', role=ROLE, source_service="pipes.amazonaws.com")
    await send(house, LOG_GROUP, '"not trusted"', role=ROLE, source_service="scheduler.amazonaws.com")
    assert await logged(house) == ['"allowed"']


async def test_a_service_writes_logs_by_a_resource_policy(house: House) -> None:
    await house.call("logs", "CreateLogGroup", logGroupName=GROUP)
    await send(house, LOG_GROUP, "before")
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{LOG_GROUP}:*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    await house.call("logs", "PutResourcePolicy", policyName="p", policyDocument=document)
    await send(house, LOG_GROUP, "after")
    assert await logged(house) == ["after"]


async def test_what_is_refused_for_good_becomes_a_dead_letter_at_once(house: House) -> None:
    await queue(house)
    await house.function()
    attributes = {"RULE_ARN": {"DataType": "String", "StringValue": RULE}}
    await send(house, FUNCTION, dead_letter=QUEUE, letter={"attributes": attributes, "errors": True})
    (letter,) = await letters(house)
    found = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert letter["Body"] == '{"a": 1}'
    assert found.pop("ERROR_MESSAGE").startswith("User: events.amazonaws.com is not authorized to perform: lambda:InvokeFunction")
    assert found == {"RULE_ARN": RULE, "ERROR_CODE": "NO_PERMISSIONS", "RETRY_ATTEMPTS": "0"}


async def test_what_may_pass_is_tried_again_until_its_attempts_are_used_up(house: House) -> None:
    await queue(house)
    await house.function()
    await house.lam("AddPermission", FunctionName="fun", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com")
    calls: list[str] = []
    invoke = house.node.dispatcher.invoke

    async def throttled(service: str, operation: str, params: Any, **how: Any) -> dict[str, Any]:
        if service == "lambda":
            calls.append(operation)
            raise ServiceError("TooManyRequestsException", "Rate Exceeded.", 429)
        return await invoke(service, operation, params, **how)

    house.node.dispatcher.invoke = throttled  # type: ignore[method-assign]
    await send(house, FUNCTION, dead_letter=QUEUE, letter={"errors": True}, max_attempts=3)
    assert (len(calls), await letters(house)) == (1, [])
    await house.advance(10)
    (letter,) = await letters(house)
    assert len(calls) == 3
    assert {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()} == {
        "ERROR_CODE": "THROTTLING",
        "ERROR_MESSAGE": "Rate Exceeded.",
        "RETRY_ATTEMPTS": "2",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
    }


async def test_a_service_that_is_not_built_is_a_visible_failure(house: House) -> None:
    await queue(house)
    await send(house, f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:pipe", dead_letter=QUEUE, letter={"errors": True})
    (letter,) = await letters(house)
    assert "not implemented" in letter["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


async def test_a_functions_own_failure_is_not_the_senders(house: House) -> None:
    await house.function()
    await house.lam("AddPermission", FunctionName="fun", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com")
    house.compute.behave = fail
    await send(house, FUNCTION)
    assert len(house.compute.runs) == 1  # the retry belongs to the asynchronous invocation, a minute later
