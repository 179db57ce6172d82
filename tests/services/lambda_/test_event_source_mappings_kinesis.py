"""Streams invoke functions: events, positions, retries, destinations of what was given up, windows, shards."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION, House, Run, fail, succeed
from tests.services.lambda_.mapped import allow, batches, function, mapping, put, queue, queue_arn, received, stream, stream_arn
from tule.core.errors import ServiceError

ROLE = f"arn:aws:iam::{ACCOUNT}:role/fun-role"


@pytest.fixture
async def source(house: House) -> str:
    await function(house)
    await stream(house)
    return stream_arn("s")


def data(house: House) -> list[list[Any]]:
    """What the records of each invocation carried."""
    return [[json.loads(base64.b64decode(record["kinesis"]["data"])) for record in records] for records in batches(house)]


async def shown(house: House, uuid: str) -> dict[str, Any]:
    return await house.lam("GetEventSourceMapping", UUID=uuid)


async def test_a_record_is_handed_over_as_aws_does(house: House, source: str) -> None:
    uuid = await mapping(house, source, StartingPosition="LATEST")
    (number,) = await put(house, {"input": "hello"}, key="custom")
    await house.settle()
    ((record,),) = batches(house)
    arrival = record["kinesis"].pop("approximateArrivalTimestamp")
    assert abs(arrival * 1000 - house.node.clock.now_ms()) < 60_000
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "custom",
            "sequenceNumber": number,
            "data": base64.b64encode(b'{"input": "hello"}').decode(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": REGION,
        "eventSourceARN": source,
    }
    assert (await shown(house, uuid))["LastProcessingResult"] == "OK"


async def test_latest_begins_where_the_mapping_was_made(house: House, source: str) -> None:
    await put(house, 1)
    await house.advance(1)
    await mapping(house, source, StartingPosition="LATEST")
    await put(house, 2)
    await house.settle()
    assert data(house) == [[2]]


async def test_trim_horizon_begins_with_all_there_is(house: House, source: str) -> None:
    await put(house, 1, 2, 3)
    await mapping(house, source, StartingPosition="TRIM_HORIZON", BatchSize=2)
    assert data(house) == [[1, 2], [3]]


async def test_at_timestamp_begins_there(house: House, source: str) -> None:
    await put(house, 1)
    await house.advance(60)
    at_s = house.node.clock.now_ms() / 1000
    await house.advance(60)
    await put(house, 2)
    await mapping(house, source, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=at_s)
    assert data(house) == [[2]]


async def test_it_goes_on_behind_its_checkpoint_after_it_was_disabled(house: House, source: str) -> None:
    uuid = await mapping(house, source, StartingPosition="LATEST")
    await put(house, 1)
    await house.settle()
    await house.lam("UpdateEventSourceMapping", UUID=uuid, Enabled=False)
    await house.settle()
    await put(house, 2)
    await house.settle()
    assert data(house) == [[1]]
    await house.lam("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    await house.settle()
    assert data(house) == [[1], [2]]


async def test_a_failing_function_blocks_the_shard_and_the_mapping_says_so(house: House, source: str) -> None:
    house.compute.behave = fail
    uuid = await mapping(house, source, StartingPosition="TRIM_HORIZON", BatchSize=1)
    await put(house, 1, 2)
    await house.advance(30)
    assert {tuple(batch) for batch in data(house)} == {(1,)}
    assert (await shown(house, uuid))["LastProcessingResult"] == "PROBLEM: Function call failed"
    house.compute.behave = succeed
    await house.advance(60)
    assert data(house)[-1] == [2]
    assert (await shown(house, uuid))["LastProcessingResult"] == "OK"


async def test_what_was_given_up_is_told_to_a_queue(house: House, source: str) -> None:
    url = await queue(house, "failures")
    house.compute.behave = fail
    await mapping(
        house,
        source,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue_arn("failures")}},
    )
    numbers = await put(house, 1)
    await house.advance(30)
    (message,) = await received(house, url)
    told = json.loads(message["Body"])
    context = told["requestContext"]
    assert context.pop("requestId") == house.compute.runs[-1].request_id
    assert context == {
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 2,
    }
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert told["version"] == "1.0"
    info = told["KinesisBatchInfo"]
    assert info.pop("approximateArrivalOfFirstRecord") == info.pop("approximateArrivalOfLastRecord")
    assert info == {
        "shardId": "shardId-000000000000",
        "startSequenceNumber": numbers[0],
        "endSequenceNumber": numbers[0],
        "batchSize": 1,
        "streamArn": source,
    }
    assert "payload" not in told


async def test_a_bucket_gets_the_records_themselves_too(house: House, source: str) -> None:
    await house.call("s3", "CreateBucket", Bucket="failures")
    house.compute.behave = fail
    await put(house, 1, 2)
    uuid = await mapping(
        house,
        source,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
    )
    found = (await house.call("s3", "ListObjectsV2", Bucket="failures"))["Contents"]
    key = found[0]["Key"]
    assert key.startswith(f"aws/lambda/{uuid}/shardId-000000000000/20")
    told = json.loads(await content(house, key))
    assert told["payload"] == house.compute.runs[0].payload


async def test_a_topic_gets_the_record_as_a_notification(house: House, source: str) -> None:
    url = await queue(house, "heard")
    topic = (await house.call("sns", "CreateTopic", Name="failures"))["TopicArn"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    await house.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
    await house.call("sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("heard"))
    house.compute.behave = fail
    settings = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": topic}}}
    await mapping(house, source, StartingPosition="TRIM_HORIZON", **settings)
    await put(house, 1)
    await house.settle()
    (message,) = await received(house, url)
    told = json.loads(json.loads(message["Body"])["Message"])
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"


async def content(house: House, key: str) -> bytes:
    body = (await house.call("s3", "GetObject", Bucket="failures", Key=key))["Body"]
    return body if isinstance(body, bytes) else b"".join([part async for part in body])


async def test_records_that_are_too_old_are_told_of_without_an_answer(house: House, source: str) -> None:
    url = await queue(house, "failures")
    await put(house, 1)
    await house.advance(90)
    await mapping(
        house,
        source,
        StartingPosition="TRIM_HORIZON",
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": queue_arn("failures")}},
    )
    await house.settle()
    assert house.compute.runs == []
    (message,) = await received(house, url)
    told = json.loads(message["Body"])
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in told


async def test_batch_item_failures_are_tried_again_from_the_lowest_on(house: House, source: str) -> None:
    await put(house, 1, 2, 3)

    def report_second(run: Run) -> Any:
        failed = [record["kinesis"]["sequenceNumber"] for record in run.payload["Records"]][1:2]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}

    house.compute.behave = report_second
    await mapping(house, source, StartingPosition="TRIM_HORIZON", FunctionResponseTypes=["ReportBatchItemFailures"])
    await house.advance(30)
    assert data(house) == [[1, 2, 3], [2, 3], [3]]


async def test_filters_look_into_the_data(house: House, source: str) -> None:
    patterns = [{"Pattern": json.dumps({"data": {"kind": ["a"]}})}]
    await mapping(house, source, StartingPosition="TRIM_HORIZON", FilterCriteria={"Filters": patterns})
    await put(house, {"kind": "a"}, {"kind": "b"}, b"not json", {"kind": "a", "n": 2})
    await house.settle()
    assert [item for batch in data(house) for item in batch] == [{"kind": "a"}, {"kind": "a", "n": 2}]


async def test_a_split_shard_is_read_before_its_children(house: House, source: str) -> None:
    await put(house, 1)
    await house.call("kinesis", "SplitShard", StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    await house.settle()
    for n, key in enumerate("abcdef"):
        await put(house, 10 + n, key=key)
    await mapping(house, source, StartingPosition="TRIM_HORIZON", BatchSize=1)
    seen = [item for batch in data(house) for item in batch]
    assert seen[0] == 1
    assert sorted(seen) == [1, *range(10, 16)]
    await put(house, 99, key="z")
    await house.settle()
    assert data(house)[-1] == [99]


async def test_tumbling_windows_hand_the_state_on(house: House, source: str) -> None:
    house.compute.behave = lambda run: {"state": {"sum": run.payload["state"].get("sum", 0) + len(run.payload["Records"])}}
    await mapping(house, source, StartingPosition="TRIM_HORIZON", TumblingWindowInSeconds=60, BatchSize=2)
    await put(house, 1, 2, 3)
    await house.advance(120)
    last = house.compute.runs[-1].payload
    assert last["isFinalInvokeForWindow"] is True
    assert last["Records"] == []
    assert last["state"] == {"sum": 3}
    assert last["shardId"] == "shardId-000000000000"
    assert last["eventSourceARN"] == source
    assert last["window"]["start"].endswith(":00Z")
    first = house.compute.runs[0].payload
    assert (first["state"], first["isFinalInvokeForWindow"], first["isWindowTerminatedEarly"]) == ({}, False, False)


async def test_a_consumer_s_arn_reads_its_stream(house: House, source: str) -> None:
    made = await house.call("kinesis", "RegisterStreamConsumer", StreamARN=source, ConsumerName="c")
    await house.settle()
    arn = made["Consumer"]["ConsumerARN"]
    await put(house, 1)
    await mapping(house, arn, StartingPosition="TRIM_HORIZON")
    assert data(house) == [[1]]
    assert batches(house)[0][0]["eventSourceARN"] == arn


async def test_a_consumer_must_be_there_and_open_to_the_role(house: House, source: str) -> None:
    made = await house.call("kinesis", "RegisterStreamConsumer", StreamARN=source, ConsumerName="c")
    await house.settle()
    arn = made["Consumer"]["ConsumerARN"]
    with pytest.raises(ServiceError) as refused:
        await mapping(house, f"{source}/consumer/absent:1", StartingPosition="LATEST")
    assert refused.value.message == f"Stream not found: {source}/consumer/absent:1"
    statements = [
        {"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "kinesis:SubscribeToShard", "Resource": "*"},
    ]
    await allow(house, {"Version": "2012-10-17", "Statement": statements})
    with pytest.raises(ServiceError) as refused:
        await mapping(house, arn, StartingPosition="LATEST")
    assert refused.value.message.startswith(f"Cannot access stream {arn}.")


async def test_a_deleted_stream_is_a_problem_that_the_mapping_shows(house: House, source: str) -> None:
    uuid = await mapping(house, source, StartingPosition="LATEST")
    await house.call("kinesis", "DeleteStream", StreamName="s")
    await house.advance(60)
    assert (await shown(house, uuid))["LastProcessingResult"].startswith("PROBLEM: ")


async def test_a_stream_that_is_made_again_is_read_from_its_beginning(house: House, source: str) -> None:
    await mapping(house, source, StartingPosition="TRIM_HORIZON")
    await house.call("kinesis", "SplitShard", StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    await house.settle()
    await house.call("kinesis", "DeleteStream", StreamName="s")
    await house.advance(120)
    await stream(house)
    await put(house, 1)
    await house.advance(120)
    assert data(house) == [[1]]
