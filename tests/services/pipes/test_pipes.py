"""Pipes through the API: states, settings, refusals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.services.pipes.house import ROLE, PipesHouse, arn
from tule.core.errors import ServiceError

OUT = arn("sqs", "out")


async def test_a_pipe_is_created_and_then_runs(house: PipesHouse) -> None:
    await house.queue("out")
    made = await house.call("pipes", "CreatePipe", Name="p", Source=arn("sqs", "in"), Target=OUT, RoleArn=ROLE, Tags={"a": "b"})
    assert (made["Arn"], made["DesiredState"], made["CurrentState"]) == (arn("pipes", "pipe/p"), "RUNNING", "CREATING")
    await house.settle()
    shown = await house.call("pipes", "DescribePipe", Name="p")
    assert shown.pop("CreationTime") == shown.pop("LastModifiedTime")
    assert shown == {
        "Arn": arn("pipes", "pipe/p"),
        "CurrentState": "RUNNING",
        "DesiredState": "RUNNING",
        "Name": "p",
        "RoleArn": ROLE,
        "Source": arn("sqs", "in"),
        "SourceParameters": {"SqsQueueParameters": {"BatchSize": 10}},
        "StateReason": "USER_INITIATED",
        "Tags": {"a": "b"},
        "Target": OUT,
    }


async def test_a_pipe_may_be_stopped_and_started(house: PipesHouse) -> None:
    await house.queue("out")
    await house.pipe(OUT, DesiredState="STOPPED")
    assert (await house.state())[0] == "STOPPED"
    await house.send("1")
    await house.settle()
    assert await house.bodies() == []
    assert (await house.call("pipes", "StartPipe", Name="p"))["CurrentState"] == "STARTING"
    await house.settle()
    assert (await house.state())[0] == "RUNNING"
    assert len(await house.bodies()) == 1
    assert (await house.call("pipes", "StopPipe", Name="p"))["CurrentState"] == "STOPPING"
    await house.settle()
    assert (await house.state())[0] == "STOPPED"
    await house.send("2")
    await house.settle()
    assert await house.left() == 1


async def test_a_pipe_that_is_stopped_ends_what_it_had_begun(house: PipesHouse) -> None:
    await house.function()
    house.compute.hold = asyncio.Event()
    await house.pipe(arn("lambda", "function:fun"))
    await house.send("1")
    await house.compute.started.wait()
    await house.call("pipes", "StopPipe", Name="p")
    assert (await house.state())[0] == "STOPPING"
    house.compute.hold.set()
    await house.settle()
    assert ((await house.state())[0], await house.left()) == ("STOPPED", 0)


async def test_a_deleted_pipe_is_gone(house: PipesHouse) -> None:
    await house.queue("out")
    await house.pipe(OUT)
    gone = await house.call("pipes", "DeletePipe", Name="p")
    assert (gone["CurrentState"], gone["DesiredState"]) == ("DELETING", "DELETED")
    await house.settle()
    with pytest.raises(ServiceError) as error:
        await house.call("pipes", "DescribePipe", Name="p")
    assert (error.value.code, error.value.status) == ("NotFoundException", 404)


async def test_an_update_changes_what_it_says(house: PipesHouse) -> None:
    await house.queue("out")
    await house.function()
    await house.pipe(OUT, Description="d", Enrichment=arn("lambda", "function:fun"), TargetParameters={"InputTemplate": "1"})
    updated = await house.call(
        "pipes", "UpdatePipe", Name="p", RoleArn=ROLE, Enrichment="", TargetParameters={"InputTemplate": '{"new": <$.body.n>}'}
    )
    assert updated["CurrentState"] == "UPDATING"
    await house.settle()
    shown = await house.call("pipes", "DescribePipe", Name="p")
    assert (shown["CurrentState"], shown["Description"], "Enrichment" in shown) == ("RUNNING", "d", False)
    await house.send({"n": 3})
    await house.settle()
    assert await house.bodies() == ['{"new": 3}']


async def test_where_a_stream_is_read_from_stays(house: PipesHouse) -> None:
    await house.call("kinesis", "CreateStream", StreamName="s", ShardCount=1)
    await house.advance(60)
    await house.queue("out")
    given = {"StartingPosition": "LATEST", "BatchSize": 5}
    await house.pipe(OUT, source=arn("kinesis", "stream/s"), SourceParameters={"KinesisStreamParameters": given})
    await house.call("pipes", "UpdatePipe", Name="p", RoleArn=ROLE, SourceParameters={"KinesisStreamParameters": {"BatchSize": 7}})
    await house.settle()
    shown = (await house.call("pipes", "DescribePipe", Name="p"))["SourceParameters"]["KinesisStreamParameters"]
    assert (shown["StartingPosition"], shown["BatchSize"]) == ("LATEST", 7)


@pytest.mark.parametrize("missing", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"])
async def test_a_role_that_may_not_read_fails_the_creation(house: PipesHouse, missing: str) -> None:
    await house.queue("out")
    await house.allow(*({"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} - {missing}))
    await house.pipe(OUT)
    call = missing.removeprefix("sqs:")
    assert await house.state() == (
        "CREATE_FAILED",
        f"Input parameter is invalid from the request due to : The provided customer role does not have permissions to call {call} on SQS",
    )
    await house.allow("*")
    await house.call("pipes", "StartPipe", Name="p")
    await house.settle()
    assert (await house.state())[0] == "RUNNING"


async def test_large_batches_need_a_window(house: PipesHouse) -> None:
    await house.function()
    await house.pipe(arn("lambda", "function:fun"), SourceParameters={"SqsQueueParameters": {"BatchSize": 11}})
    state, reason = await house.state()
    assert state == "CREATE_FAILED"
    assert reason.endswith("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")


async def test_a_role_that_lets_nobody_in_fails_the_creation(house: PipesHouse) -> None:
    await house.function()
    runner = arn("iam", "role/fun-role").replace("us-east-1", "")
    await house.call("pipes", "CreatePipe", Name="p", Source=arn("sqs", "in"), Target=OUT, RoleArn=runner)
    await house.settle()
    state, reason = await house.state()
    assert state == "CREATE_FAILED"
    assert reason.endswith(f"Provided role '{runner}' cannot be assumed by principal 'pipes.amazonaws.com'.")


async def test_a_dead_letter_queue_must_be_writable(house: PipesHouse) -> None:
    await house.call("kinesis", "CreateStream", StreamName="s", ShardCount=1)
    await house.advance(60)
    given = {"StartingPosition": "LATEST", "DeadLetterConfig": {"Arn": arn("sqs", "none")}, "BatchSize": 1}
    await house.pipe(OUT, source=arn("kinesis", "stream/s"), SourceParameters={"KinesisStreamParameters": given})
    assert await house.state() == (
        "CREATE_FAILED",
        f"Input parameter is invalid from the request due to : Error occurred while sending message to SQS queue: {arn('sqs', 'none')}",
    )


async def test_pipes_are_listed(house: PipesHouse) -> None:
    for name, desired in (("b", "STOPPED"), ("a", "RUNNING"), ("ab", "STOPPED")):
        await house.pipe(OUT, name, DesiredState=desired)

    async def names(**filters: Any) -> list[str]:
        return [pipe["Name"] for pipe in (await house.call("pipes", "ListPipes", **filters))["Pipes"]]

    assert await names() == ["a", "ab", "b"]
    assert await names(NamePrefix="a") == ["a", "ab"]
    assert await names(DesiredState="STOPPED") == ["ab", "b"]
    assert await names(CurrentState="RUNNING") == ["a"]
    assert await names(SourcePrefix=arn("sqs", "in"), TargetPrefix="arn:aws:lambda") == []
    first = await house.call("pipes", "ListPipes", Limit=2)
    second = await house.call("pipes", "ListPipes", Limit=2, NextToken=first["NextToken"])
    assert [pipe["Name"] for pipe in second["Pipes"]] == ["b"]
    assert "NextToken" not in second


async def test_a_pipe_has_tags(house: PipesHouse) -> None:
    made = await house.pipe(OUT, Tags={"a": "1"})
    await house.call("pipes", "TagResource", resourceArn=made["Arn"], tags={"b": "2"})
    await house.call("pipes", "UntagResource", resourceArn=made["Arn"], tagKeys=["a"])
    assert (await house.call("pipes", "ListTagsForResource", resourceArn=made["Arn"]))["tags"] == {"b": "2"}


async def test_a_name_is_taken_once(house: PipesHouse) -> None:
    await house.pipe(OUT)
    with pytest.raises(ServiceError) as error:
        await house.pipe(OUT)
    assert (error.value.code, error.value.status) == ("ConflictException", 409)
    assert error.value.fields == {"resourceId": "p", "resourceType": "pipe"}


@pytest.mark.parametrize(
    ("settings", "name", "message"),
    [
        ({"Target": "arn:aws:sqs:eu-west-1:123456789012:q"}, "Target", "Creating cross-region pipe is not permitted."),
        ({"Source": "arn:aws:sqs:eu-west-1:123456789012:q"}, "Source", "Creating cross-region pipe is not permitted."),
        ({"Source": arn("sns", "t")}, "Source", "Invalid pipe source."),
        ({"Source": arn("kinesis", "stream/s")}, "SourceParameters.KinesisStreamParameters", "Missing required parameter."),
        (
            {"SourceParameters": {"KinesisStreamParameters": {"StartingPosition": "LATEST"}}},
            "SourceParameters.KinesisStreamParameters",
            "Invalid source parameter provided for source.",
        ),
        (
            {"TargetParameters": {"KinesisStreamParameters": {"PartitionKey": "k"}}},
            "TargetParameters.KinesisStreamParameters",
            "Invalid target parameter provided for target.",
        ),
        ({"Target": arn("sns", "t.fifo")}, "Target", "SNS FIFO topics are not supported as a pipe target."),
        ({"Enrichment": arn("sqs", "q")}, "Enrichment", "Invalid pipe enrichment."),
        (
            {"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}},
            "SourceParameters.FilterCriteria.Filters",
            "Invalid Event Pattern. Reason: Empty objects are not allowed",
        ),
        (
            {"TargetParameters": {"InputTemplate": "<aws.pipes.bogus>"}},
            "TargetParameters.InputTemplate",
            "Invalid json path reference or predefined variable for placeholder: aws.pipes.bogus",
        ),
        ({"LogConfiguration": {"Level": "INFO"}}, "LogConfiguration", "Must provide at least 1 log destination in LogConfiguration."),
    ],
)
async def test_settings_that_do_not_fit_are_refused(house: PipesHouse, settings: dict[str, Any], name: str, message: str) -> None:
    with pytest.raises(ServiceError) as error:
        await house.call("pipes", "CreatePipe", **({"Name": "p", "Source": arn("sqs", "in"), "Target": OUT, "RoleArn": ROLE} | settings))
    assert error.value.code == "ValidationException"
    (field,) = json.loads(error.value.message)["ValidationErrorFields"]
    assert field["Name"] == name
    assert field["Message"].startswith(message)


async def test_a_role_of_another_account_cannot_be_passed(house: PipesHouse) -> None:
    with pytest.raises(ServiceError, match="Cross-account pass role is not allowed"):
        await house.call("pipes", "CreatePipe", Name="p", Source=arn("sqs", "in"), Target=OUT, RoleArn="arn:aws:iam::111122223333:role/r")


async def test_a_pipe_that_runs_cannot_be_started(house: PipesHouse) -> None:
    await house.pipe(OUT)
    with pytest.raises(ServiceError) as error:
        await house.call("pipes", "StartPipe", Name="p")
    assert error.value.code == "ConflictException"


async def test_nothing_is_lost_when_the_target_is_throttled(house: PipesHouse) -> None:
    await house.function()
    await house.call("lambda", "PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=0)
    await house.pipe(arn("lambda", "function:fun"))
    await house.send("1")
    await house.advance(300)
    assert (house.events, await house.left()) == ([], 1)
    await house.call("lambda", "DeleteFunctionConcurrency", FunctionName="fun")
    await house.advance(300)
    assert (len(house.events), await house.left()) == (1, 0)
