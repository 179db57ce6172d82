"""Queues invoke functions: batches, windows, groups, filters, partial failures, retries, dead letters."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.services.lambda_.functions import ECHO, zipped
from tests.services.lambda_.house import House, Run, fail, succeed
from tests.services.lambda_.mapped import EVERYTHING, allow, batches, bodies, function, left, mapping, queue, queue_arn, received, send
from tule.core import trace as traces
from tule.core.errors import ServiceError


@pytest.fixture
async def url(house: House) -> str:
    await function(house)
    return await queue(house)


async def test_a_message_is_handed_over_as_aws_does_and_deleted(house: House, url: str) -> None:
    await mapping(house, queue_arn("q"))
    attributes = {
        "Title": {"DataType": "String", "StringValue": "The Whistler"},
        "Raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    (id,) = await send(house, url, "hello", MessageAttributes=attributes)
    await house.settle()
    ((record,),) = batches(house)
    assert record.pop("receiptHandle") and record.pop("md5OfMessageAttributes")
    system = record.pop("attributes")
    assert system.keys() == {"ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"}
    assert system["ApproximateReceiveCount"] == "1"
    assert record == {
        "messageId": id,
        "body": "hello",
        "messageAttributes": {
            "Title": {"stringValue": "The Whistler", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "Raw": {"binaryValue": "AAE=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn("q"),
        "awsRegion": "us-east-1",
    }
    assert await left(house, url) == 0


async def test_what_waits_already_comes_in_batches(house: House, url: str) -> None:
    await send(house, url, *[f"m{n}" for n in range(7)])
    await mapping(house, queue_arn("q"), BatchSize=3)
    assert [len(batch) for batch in bodies(house)] == [3, 3, 1]
    assert sorted(body for batch in bodies(house) for body in batch) == [f"m{n}" for n in range(7)]


async def test_a_window_gathers_more_than_one_receive(house: House, url: str) -> None:
    await send(house, url, *[f"m{n}" for n in range(25)])
    await mapping(house, queue_arn("q"), BatchSize=100, MaximumBatchingWindowInSeconds=20)
    await house.advance(19)
    assert bodies(house) == []
    await house.advance(2)
    assert [len(batch) for batch in bodies(house)] == [25]
    assert batches(house)[0][0]["md5OfMessageAttributes"] is None


async def test_a_failure_comes_back_after_the_visibility_timeout_and_goes_to_the_dead_letters(house: House) -> None:
    await function(house)
    dead = await queue(house, "dead")
    url = await queue(house, VisibilityTimeout=10, RedrivePolicy=json.dumps({"deadLetterTargetArn": queue_arn("dead"), "maxReceiveCount": 3}))
    await mapping(house, queue_arn("q"))
    house.compute.behave = fail
    await send(house, url, "poison")
    await house.advance(9)
    assert len(house.compute.runs) == 1
    await house.advance(60)
    assert [run.payload["Records"][0]["attributes"]["ApproximateReceiveCount"] for run in house.compute.runs] == ["1", "2", "3"]
    assert [message["Body"] for message in await received(house, dead)] == ["poison"]
    assert await left(house, url) == 0


async def test_only_what_is_reported_as_failed_comes_back(house: House, url: str) -> None:
    def report(run: Run) -> Any:
        failed = [record for record in run.payload["Records"] if record["body"].startswith("bad")]
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}

    house.compute.behave = report
    await send(house, url, "good1", "bad", "good2")
    await mapping(house, queue_arn("q"), FunctionResponseTypes=["ReportBatchItemFailures"])
    assert await left(house, url) == 1
    house.compute.behave = succeed
    await house.advance(31)
    assert bodies(house)[1] == ["bad"]


@pytest.mark.parametrize("answer", [{"batchItemFailures": [{"itemIdentifier": "no message"}]}, "not an object"])
async def test_an_answer_that_makes_no_sense_fails_the_whole_batch(house: House, url: str, answer: Any) -> None:
    house.compute.behave = lambda run: answer
    await send(house, url, "a", "b")
    await mapping(house, queue_arn("q"), FunctionResponseTypes=["ReportBatchItemFailures"])
    assert await left(house, url) == 2


@pytest.mark.parametrize("answer", [None, {"batchItemFailures": []}])
async def test_an_answer_without_failures_is_a_success(house: House, url: str, answer: Any) -> None:
    house.compute.behave = lambda run: answer
    await send(house, url, "a", "b")
    await mapping(house, queue_arn("q"), FunctionResponseTypes=["ReportBatchItemFailures"])
    assert await left(house, url) == 0


@pytest.mark.parametrize(
    ("pattern", "wanted", "unwanted"),
    [
        ({"body": {"n": [{"numeric": [">", 5]}]}}, {"n": 6}, {"n": 5}),
        ({"body": {"kind": ["a"], "level": [{"anything-but": "low"}]}}, {"kind": "a", "level": "high"}, {"kind": "a", "level": "low"}),
        ({"body": {"n": [{"exists": True}]}}, {"n": 1}, "plain text"),
        ({"body": [{"prefix": "order-"}]}, "order-1", {"order": 1}),
        ({"messageAttributes": {"kind": {"stringValue": ["a"]}}}, None, "no attributes"),
    ],
)
async def test_filters_choose_messages_and_the_rest_is_deleted(house: House, url: str, pattern: Any, wanted: Any, unwanted: Any) -> None:
    await mapping(house, queue_arn("q"), FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    attributes = {"kind": {"DataType": "String", "StringValue": "a"}}
    await send(house, url, unwanted)
    await send(house, url, "with attributes" if wanted is None else wanted, MessageAttributes=attributes)
    await house.settle()
    (body,) = [body for batch in bodies(house) for body in batch]
    assert body == ("with attributes" if wanted is None else wanted if isinstance(wanted, str) else json.dumps(wanted))
    assert await left(house, url) == 0


async def test_one_of_several_filters_is_enough(house: House, url: str) -> None:
    patterns = [{"Pattern": json.dumps({"body": {"n": [n]}})} for n in (1, 2)]
    await mapping(house, queue_arn("q"), FilterCriteria={"Filters": patterns})
    await send(house, url, {"n": 1}, {"n": 2}, {"n": 3})
    await house.settle()
    assert sorted(body for batch in bodies(house) for body in batch) == ['{"n": 1}', '{"n": 2}']


async def test_of_a_message_group_one_batch_is_in_flight_and_order_holds(house: House) -> None:
    await function(house)
    url = await queue(house, "q.fifo", ContentBasedDeduplication="true")
    house.compute.hold = asyncio.Event()
    await mapping_of_fifo(house)
    for n in range(3):
        await send(house, url, f"a{n}", MessageGroupId="a")
    await send(house, url, "b0", MessageGroupId="b")
    while len(house.compute.runs) < 2:
        house.compute.started.clear()
        await house.compute.started.wait()
    assert sorted(bodies(house)) == [["a0"], ["b0"]]
    house.compute.hold.set()
    await house.settle()
    assert [body for (body,) in bodies(house) if body.startswith("a")] == ["a0", "a1", "a2"]


async def test_a_failure_blocks_its_message_group_and_no_other(house: House) -> None:
    await function(house)
    url = await queue(house, "q.fifo", ContentBasedDeduplication="true")

    def refuse_a(run: Run) -> Any:
        if run.payload["Records"][0]["body"] == "a0":
            raise RuntimeError("not yet")

    house.compute.behave = refuse_a
    await mapping_of_fifo(house)
    for body in ("a0", "a1", "b0", "b1"):
        await send(house, url, body, MessageGroupId=body[0])
    await house.settle()
    assert sorted(bodies(house)) == [["a0"], ["b0"], ["b1"]]
    house.compute.behave = succeed
    await house.advance(31)
    assert bodies(house)[3:] == [["a0"], ["a1"]]


async def mapping_of_fifo(house: House) -> None:
    await mapping(house, queue_arn("q.fifo"), BatchSize=1)


async def test_five_batches_run_at_a_time_at_first(house: House, url: str) -> None:
    await running_at_once(house, url, 5)


async def test_a_maximum_concurrency_is_the_limit(house: House, url: str) -> None:
    await running_at_once(house, url, 2, ScalingConfig={"MaximumConcurrency": 2})


async def running_at_once(house: House, url: str, expected: int, **settings: Any) -> None:
    house.node.clock.freeze()
    house.compute.hold = asyncio.Event()
    await house.lam("CreateEventSourceMapping", FunctionName="fun", EventSourceArn=queue_arn("q"), BatchSize=1, **settings)
    await send(house, url, *[f"m{n}" for n in range(12)])
    while len(house.compute.runs) < expected:
        house.compute.started.clear()
        await house.compute.started.wait()
    await asyncio.sleep(0.05)
    assert len(house.compute.runs) == expected
    house.compute.hold.set()
    await house.settle()
    assert len(house.compute.runs) == 12


async def test_throttling_uses_up_no_receives(house: House, url: str) -> None:
    await house.lam("PutFunctionConcurrency", FunctionName="fun", ReservedConcurrentExecutions=0)
    await mapping(house, queue_arn("q"))
    await send(house, url, "m")
    await house.advance(20)
    assert house.compute.runs == []
    await house.lam("DeleteFunctionConcurrency", FunctionName="fun")
    await house.advance(10)
    ((record,),) = batches(house)
    assert record["attributes"]["ApproximateReceiveCount"] == "1"


async def test_a_disabled_mapping_leaves_messages_alone_and_goes_on_when_it_is_enabled(house: House, url: str) -> None:
    uuid = await mapping(house, queue_arn("q"))
    await house.lam("UpdateEventSourceMapping", UUID=uuid, Enabled=False)
    await house.settle()
    await send(house, url, "m")
    await house.settle()
    assert house.compute.runs == []
    await house.lam("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    await house.settle()
    assert bodies(house) == [["m"]]


async def test_messages_wait_while_the_function_is_gone(house: House, url: str) -> None:
    await mapping(house, queue_arn("q"))
    await house.lam("DeleteFunction", FunctionName="fun")
    await house.settle()
    await send(house, url, "m")
    await house.settle()
    assert await left(house, url) == 1
    role, code = "arn:aws:iam::123456789012:role/fun-role", {"ZipFile": zipped(index=ECHO)}
    await house.lam("CreateFunction", FunctionName="fun", Role=role, Runtime="python3.12", Handler="index.handler", Code=code)
    await house.settle()
    assert bodies(house) == [["m"]]


async def test_a_delayed_message_is_handed_over_when_its_time_comes(house: House, url: str) -> None:
    await mapping(house, queue_arn("q"))
    await send(house, url, "later", DelaySeconds=60)
    await house.advance(59)
    assert house.compute.runs == []
    await house.advance(2)
    assert bodies(house) == [["later"]]


async def test_the_message_s_trace_goes_on_into_the_function(house: House, url: str) -> None:
    """A function that sends to its own queue is stopped after some rounds, and the message goes where failures go."""
    rounds = f"{traces.mark('arn:aws:lambda:us-east-1:123456789012:function:fun')}:16"
    trace = f"Root=1-65432100-0123456789abcdef01234567;Lineage={rounds}"
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    await mapping(house, queue_arn("q"))
    await send(house, url, "looping", MessageSystemAttributes=system)
    await house.settle()
    assert house.compute.runs == []
    assert await left(house, url) == 1


async def test_a_batch_that_was_never_finished_comes_back(house: House, url: str) -> None:
    """What a killed node had in hand is invisible until its time is over, and then handed over again."""
    await send(house, url, "m")
    assert (await house.call("sqs", "ReceiveMessage", QueueUrl=url))["Messages"]
    await mapping(house, queue_arn("q"))
    assert house.compute.runs == []
    await house.advance(31)
    assert bodies(house) == [["m"]]


async def test_a_queue_that_is_made_again_is_read_again(house: House, url: str) -> None:
    await mapping(house, queue_arn("q"))
    await house.call("sqs", "DeleteQueue", QueueUrl=url)
    await house.advance(120)
    await send(house, await queue(house), "m")
    await house.settle()
    assert bodies(house) == [["m"]]


async def test_messages_wait_while_the_role_may_not_read(house: House, url: str) -> None:
    await mapping(house, queue_arn("q"))
    await house.call("iam", "DeleteRolePolicy", RoleName="fun-role", PolicyName="sources")
    await send(house, url, "m")
    await house.advance(30)
    assert house.compute.runs == []
    await allow(house, EVERYTHING)
    await house.advance(61)
    assert bodies(house) == [["m"]]


async def test_a_batch_is_handed_over_once_more_when_its_deletion_was_cut(house: House, url: str) -> None:
    """The function has run, and the node died before it could delete: at least once, and the message says how often."""
    await mapping(house, queue_arn("q"))
    sqs = house.node.services["sqs"]
    deleting = sqs.operations["DeleteMessageBatch"]

    async def broken(call: Any, params: Any) -> Any:
        raise ServiceError("InternalFailure", "cut", 500)

    sqs.operations["DeleteMessageBatch"] = replace(deleting, run=broken, is_coroutine=True)  # type: ignore[index]
    await send(house, url, "m")
    await house.settle()
    sqs.operations["DeleteMessageBatch"] = deleting  # type: ignore[index]
    await house.advance(31)
    assert [records[0]["attributes"]["ApproximateReceiveCount"] for records in batches(house)] == ["1", "2"]
    assert await left(house, url) == 0
