"""Streams of tables invoke functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION, House, Run, fail
from tests.services.lambda_.mapped import batches, function, mapping, queue, queue_arn, received, table_stream_arn
from tule.core.errors import ServiceError

HOUR = 3600


class Table:
    """A table with a stream of one shard."""

    def __init__(self, house: House, arn: str) -> None:
        self.house = house
        self.arn = arn

    async def put(self, key: str, **attributes: dict[str, Any]) -> None:
        await self.house.call("dynamodb", "PutItem", TableName="table", Item={"id": {"S": key}, **attributes})

    async def delete(self, key: str) -> None:
        await self.house.call("dynamodb", "DeleteItem", TableName="table", Key={"id": {"S": key}})


@pytest.fixture
async def table(house: House) -> Table:
    await function(house)
    made = await house.call(
        "dynamodb",
        "CreateTable",
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return Table(house, made["TableDescription"]["LatestStreamArn"])


def keys(house: House) -> list[str]:
    """Of the records of each invocation, as one text."""
    return ["".join(record["dynamodb"]["Keys"]["id"]["S"] for record in batch) for batch in batches(house)]


async def test_a_change_is_handed_over_as_aws_does(house: House, table: Table) -> None:
    more = {"M": {"x": {"BS": ["YQ=="]}, "l": {"L": [{"B": "Yg=="}]}}}
    await table.put("hello world", raw={"B": "Zm9vYmFy"}, more=more)
    await mapping(house, table.arn, StartingPosition="TRIM_HORIZON")
    ((record,),) = batches(house)
    at_s = record["dynamodb"].pop("ApproximateCreationDateTime")
    assert abs(at_s * 1000 - house.node.clock.now_ms()) < 60_000
    assert len(record.pop("eventID")) == 32
    assert record["dynamodb"].pop("SequenceNumber").isdecimal()
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "Keys": {"id": {"S": "hello world"}},
            "NewImage": {"id": {"S": "hello world"}, "raw": {"B": "Zm9vYmFy"}, "more": more},
            "SizeBytes": 52,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": table.arn,
    }


async def test_latest_passes_over_what_was_changed_before(house: House, table: Table) -> None:
    await table.put("old")
    await house.advance(0.01)
    await mapping(house, table.arn, StartingPosition="LATEST")
    await table.put("new")
    await house.settle()
    assert keys(house) == ["new"]


async def test_filters_look_at_the_whole_change(house: House, table: Table) -> None:
    pattern = {"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"n": {"N": ["7"]}}}}
    await mapping(house, table.arn, StartingPosition="TRIM_HORIZON", FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    await table.put("a", n={"N": "7"})
    await table.put("b", n={"N": "1"})
    await table.put("b", n={"N": "8"})
    await table.put("c", n={"N": "1"})
    await table.put("c", n={"N": "7"})
    await house.settle()
    assert keys(house) == ["c"]


async def test_changes_of_an_item_come_in_their_order(house: House, table: Table) -> None:
    await mapping(house, table.arn, StartingPosition="TRIM_HORIZON", BatchSize=2, ParallelizationFactor=3)
    for number in range(5):
        for key in "xyz":
            await table.put(key, n={"N": str(number)})
    await house.settle()
    seen: dict[str, list[str]] = {}
    for batch in batches(house):
        for record in batch:
            seen.setdefault(record["dynamodb"]["Keys"]["id"]["S"], []).append(record["dynamodb"]["NewImage"]["n"]["N"])
    assert seen == {key: ["0", "1", "2", "3", "4"] for key in "xyz"}


async def test_a_batch_is_halved_until_the_poison_is_alone(house: House, table: Table) -> None:
    def behave(run: Run) -> None:
        if any(record["dynamodb"]["Keys"]["id"]["S"] == "c" for record in run.payload["Records"]):
            raise RuntimeError("poison")

    house.compute.behave = behave
    for key in "abcd":
        await table.put(key)
    await mapping(house, table.arn, StartingPosition="TRIM_HORIZON", BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)
    await house.advance(60)
    assert keys(house)[0] == "abcd"
    assert keys(house)[1] == "ab"
    assert "c" in keys(house)
    assert keys(house)[-1] == "d"


async def test_only_what_failed_is_tried_again(house: House, table: Table) -> None:
    async def behave(run: Run) -> Any:
        records = run.payload["Records"]
        bad = [record["dynamodb"]["SequenceNumber"] for record in records if record["dynamodb"]["Keys"]["id"]["S"] == "b"]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in bad]} if len(house.compute.runs) == 1 else None

    house.compute.behave = behave
    for key in "abc":
        await table.put(key)
    await mapping(house, table.arn, StartingPosition="TRIM_HORIZON", FunctionResponseTypes=["ReportBatchItemFailures"])
    await house.advance(60)
    assert keys(house) == ["abc", "bc"]


async def test_a_window_tumbles_over_changes(house: House, table: Table) -> None:
    def behave(run: Run) -> Any:
        counted = run.payload.get("state", {}).get("count", 0) + len(run.payload["Records"])
        return {"state": {"count": counted}}

    house.compute.behave = behave
    house.node.clock.freeze(house.node.clock.now_ms() // 60_000 * 60_000 + 60_000)
    await mapping(house, table.arn, StartingPosition="TRIM_HORIZON", TumblingWindowInSeconds=30, BatchSize=2)
    for key in "abc":
        await table.put(key)
    await house.settle()
    await house.advance(31)
    final = house.compute.runs[-1].payload
    assert final["isFinalInvokeForWindow"] is True
    assert final["state"] == {"count": 3}
    assert final["eventSourceARN"] == table.arn


async def test_child_shards_follow_their_parents(house: House, table: Table) -> None:
    await table.put("a")
    await house.advance(5 * HOUR)
    await table.put("b")
    await mapping(house, table.arn, StartingPosition="TRIM_HORIZON")
    assert keys(house) == ["a", "b"]
    await house.advance(5 * HOUR)
    await table.put("c")
    await house.settle()
    assert keys(house) == ["a", "b", "c"]


async def test_what_was_given_up_is_told_with_the_words_of_tables(house: House, table: Table) -> None:
    url = await queue(house, "failures")
    house.compute.behave = fail
    await mapping(
        house,
        table.arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue_arn("failures")}},
    )
    await table.put("a")
    await house.advance(30)
    (message,) = await received(house, url)
    told = json.loads(message["Body"])
    assert told["requestContext"]["functionArn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"
    info = told["DDBStreamBatchInfo"]
    first = info.pop("approximateArrivalOfFirstRecord")
    assert first == info.pop("approximateArrivalOfLastRecord")
    assert len(first) == len("2022-07-13T13:48:01Z")
    (record,) = batches(house)[0]
    number = record["dynamodb"]["SequenceNumber"]
    assert info.pop("shardId").startswith("shardId-")
    assert info == {"startSequenceNumber": number, "endSequenceNumber": number, "batchSize": 1, "streamArn": table.arn}


async def test_an_expiry_is_told_with_the_identity_of_the_service(house: House, table: Table) -> None:
    await house.call("dynamodb", "UpdateTimeToLive", TableName="table", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    pattern = {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}
    await mapping(house, table.arn, StartingPosition="TRIM_HORIZON", FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    await table.put("a", until={"N": str(house.node.clock.now_ms() // 1000 + HOUR)})
    await table.put("b")
    await table.delete("b")
    await house.advance(2 * HOUR)
    ((record,),) = batches(house)
    assert (record["eventName"], record["dynamodb"]["Keys"]) == ("REMOVE", {"id": {"S": "a"}})
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


async def test_an_absent_stream_is_refused(house: House, table: Table) -> None:
    absent = table_stream_arn("absent")
    with pytest.raises(ServiceError) as refused:
        await mapping(house, absent, StartingPosition="LATEST")
    assert refused.value.message == f"Stream not found: {absent}"


async def test_a_time_to_begin_at_is_refused(house: House, table: Table) -> None:
    with pytest.raises(ServiceError) as refused:
        await mapping(house, table.arn, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1.0)
    assert refused.value.message == f"Unsupported starting position for arn type: {table.arn}"
