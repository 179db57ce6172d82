"""Subscription filters: what they send to functions, and what they refuse."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION, House, opened
from tule.core.errors import ServiceError

GROUP = "/app/web"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House]:
    async with opened(tmp_path, request.param) as house:
        await house.function()
        await house.call("logs", "CreateLogGroup", logGroupName=GROUP)
        await house.call("logs", "CreateLogStream", logGroupName=GROUP, logStreamName="one")
        yield house


async def let_in(house: House) -> None:
    allowed = {"FunctionName": "fun", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": f"logs.{REGION}.amazonaws.com"}
    await house.lam("AddPermission", SourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*", **allowed)


async def subscribe(house: House, name: str = "errors", pattern: str = "ERROR", to: str = FUNCTION, **more: str) -> None:
    params = {"logGroupName": GROUP, "filterName": name, "filterPattern": pattern, "destinationArn": to, **more}
    await house.call("logs", "PutSubscriptionFilter", **params)


async def put(house: House, *messages: str) -> None:
    now_ms = house.node.clock.now_ms()
    events = [{"timestamp": now_ms + i, "message": text} for i, text in enumerate(messages)]
    await house.call("logs", "PutLogEvents", logGroupName=GROUP, logStreamName="one", logEvents=events)
    await house.settle()


def read(payload: Any) -> dict[str, Any]:
    return json.loads(gzip.decompress(base64.b64decode(payload["awslogs"]["data"])))


async def test_a_function_gets_the_events_that_match(house: House) -> None:
    await let_in(house)
    await subscribe(house)
    await put(house, "INFO fine", "ERROR one", "ERROR two")
    (run,) = house.compute.runs
    told = read(run.payload)
    ids = [event.pop("id") for event in told["logEvents"]]
    now_ms = house.node.clock.now_ms()
    assert len(set(ids)) == 2
    assert [event["message"] for event in told["logEvents"]] == ["ERROR one", "ERROR two"]
    assert all(abs(event["timestamp"] - now_ms) < 60_000 for event in told["logEvents"])
    assert {key: told[key] for key in told if key != "logEvents"} == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": GROUP,
        "logStream": "one",
        "subscriptionFilters": ["errors"],
    }


async def test_nothing_is_sent_of_what_does_not_match_nor_after_the_filter_went(house: House) -> None:
    await let_in(house)
    await subscribe(house)
    await put(house, "INFO fine")
    await house.call("logs", "DeleteSubscriptionFilter", logGroupName=GROUP, filterName="errors")
    await put(house, "ERROR late")
    assert house.compute.runs == []


async def test_many_bytes_come_in_several_messages(house: House) -> None:
    await let_in(house)
    await subscribe(house, pattern="")
    await put(house, *("x" * 200_000 for _ in range(4)))
    assert [len(read(run.payload)["logEvents"]) for run in house.compute.runs] == [2, 2]


async def test_a_function_that_does_not_let_logs_in_is_refused(house: House) -> None:
    with pytest.raises(ServiceError) as error:
        await subscribe(house)
    assert (error.value.code, error.value.message) == (
        "InvalidParameterException",
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.",
    )


async def test_filters_are_listed_by_name_and_replaced(house: House) -> None:
    await let_in(house)
    await subscribe(house, "b", "x")
    await subscribe(house, "a", "y")
    await subscribe(house, "b", "z")
    listed = (await house.call("logs", "DescribeSubscriptionFilters", logGroupName=GROUP))["subscriptionFilters"]
    assert [(each["filterName"], each["filterPattern"], each["distribution"]) for each in listed] == [
        ("a", "y", "ByLogStream"),
        ("b", "z", "ByLogStream"),
    ]
    page = await house.call("logs", "DescribeSubscriptionFilters", logGroupName=GROUP, limit=1)
    rest = await house.call("logs", "DescribeSubscriptionFilters", logGroupName=GROUP, nextToken=page["nextToken"])
    assert [each["filterName"] for each in page["subscriptionFilters"] + rest["subscriptionFilters"]] == ["a", "b"]


async def test_a_group_has_two_filters_at_most(house: House) -> None:
    await let_in(house)
    await subscribe(house, "a")
    await subscribe(house, "b")
    with pytest.raises(ServiceError) as error:
        await subscribe(house, "c")
    assert (error.value.code, error.value.message) == ("LimitExceededException", "Resource limit exceeded.")


@pytest.mark.parametrize(
    ("to", "more", "message"),
    [
        (f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", {}, "destinationArn for vendor kinesis cannot be used without roleArn"),
        (FUNCTION, {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}, "destinationArn for vendor lambda cannot be used with roleArn"),
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", {}, "PutSubscriptionFilter operation cannot work with destinationArn for vendor sqs"),
    ],
)
async def test_destinations_that_cannot_be(house: House, to: str, more: dict[str, str], message: str) -> None:
    with pytest.raises(ServiceError) as error:
        await subscribe(house, to=to, **more)
    assert (error.value.code, error.value.message) == ("InvalidParameterException", message)


async def test_deleting_an_unknown_filter_is_refused(house: House) -> None:
    with pytest.raises(ServiceError) as error:
        await house.call("logs", "DeleteSubscriptionFilter", logGroupName=GROUP, filterName="none")
    assert error.value.message == "The specified subscription filter does not exist."


async def test_destinations_are_kept_with_their_policies(house: House) -> None:
    made = {"destinationName": "d", "targetArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", "roleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}
    await house.call("logs", "PutDestination", **made)
    await house.call("logs", "PutDestinationPolicy", destinationName="d", accessPolicy="{}")
    (found,) = (await house.call("logs", "DescribeDestinations"))["destinations"]
    assert found.pop("creationTime") > 0
    assert found == {**made, "arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:d", "accessPolicy": "{}"}
    await house.call("logs", "DeleteDestination", destinationName="d")
    assert (await house.call("logs", "DescribeDestinations"))["destinations"] == []
