"""Streams of tables invoke functions.  The streams are a stand-in that speaks their API."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.services.lambda_.house import ACCOUNT, REGION, House, fail
from tests.services.lambda_.mapped import batches, function, mapping, queue, queue_arn, received, table_stream_arn
from tule.core.errors import ServiceError
from tule.platform.service import Operation, Service

ARN = table_stream_arn("table")
SHARD = "shardId-00000001700000000000-00000001"


class TableStream:
    """One stream with shards of changes."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.shards: dict[str, SimpleNamespace] = {SHARD: SimpleNamespace(parent=None, records=[], closed=False)}
        self.count = 0
        operations = {"DescribeStream": self.describe, "GetShardIterator": self.iterator, "GetRecords": self.records}
        house.node.services["dynamodbstreams"] = Service(
            "dynamodbstreams", {name: Operation(name, run, is_coroutine=True, is_read=False) for name, run in operations.items()}
        )

    async def change(self, key: str, event: str = "INSERT", shard: str = SHARD, at_ms: int | None = None, **image: Any) -> str:
        self.count += 1
        number = str(100 + self.count)
        keys = {"id": {"S": key}}
        at_s = (self.house.node.clock.now_ms() if at_ms is None else at_ms) // 1000
        change = {
            "ApproximateCreationDateTime": float(at_s),
            "Keys": keys,
            "NewImage": keys | image,
            "SequenceNumber": number,
            "SizeBytes": 54,
            "StreamViewType": "NEW_IMAGE",
        }
        record = {"eventID": f"e{number}", "eventName": event, "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": REGION}
        self.shards[shard].records.append(record | {"dynamodb": change})
        await self.house.node.store.write(lambda tx: tx.wake(ARN))
        return number

    async def describe(self, call: Any, params: dict[str, Any]) -> dict[str, Any]:
        if params["StreamArn"] != ARN:
            raise ServiceError("ResourceNotFoundException", "Requested resource not found: Stream not found", 400)
        shown = [{"ShardId": id, **({"ParentShardId": shard.parent} if shard.parent else {})} for id, shard in self.shards.items()]
        return {"StreamDescription": {"StreamArn": ARN, "Shards": shown}}

    async def iterator(self, call: Any, params: dict[str, Any]) -> dict[str, Any]:
        records = self.shards[params["ShardId"]].records
        after = int(params.get("SequenceNumber", 0))
        begin = sum(1 for record in records if int(record["dynamodb"]["SequenceNumber"]) <= after)
        return {"ShardIterator": f"{params['ShardId']}|{begin}"}

    async def records(self, call: Any, params: dict[str, Any]) -> dict[str, Any]:
        id, _, begin = params["ShardIterator"].partition("|")
        shard = self.shards[id]
        found = shard.records[int(begin) : int(begin) + params["Limit"]]
        end = int(begin) + len(found)
        following = {} if shard.closed and end == len(shard.records) else {"NextShardIterator": f"{id}|{end}"}
        return {"Records": found, **following}


@pytest.fixture
async def table(house: House) -> TableStream:
    await function(house)
    return TableStream(house)


async def test_a_change_is_handed_over_as_aws_does(house: House, table: TableStream) -> None:
    number = await table.change("hello world", raw={"B": b"foobar"}, more={"M": {"x": {"BS": [b"a"]}, "l": {"L": [{"B": b"b"}]}}})
    await mapping(house, ARN, StartingPosition="TRIM_HORIZON")
    ((record,),) = batches(house)
    at_s = record["dynamodb"].pop("ApproximateCreationDateTime")
    assert abs(at_s * 1000 - house.node.clock.now_ms()) < 60_000
    assert record == {
        "eventID": f"e{number}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "Keys": {"id": {"S": "hello world"}},
            "NewImage": {
                "id": {"S": "hello world"},
                "raw": {"B": "Zm9vYmFy"},
                "more": {"M": {"x": {"BS": ["YQ=="]}, "l": {"L": [{"B": "Yg=="}]}}},
            },
            "SequenceNumber": number,
            "SizeBytes": 54,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": ARN,
    }


async def test_latest_passes_over_what_was_changed_before(house: House, table: TableStream) -> None:
    await table.change("old", at_ms=house.node.clock.now_ms() - 5_000)
    await mapping(house, ARN, StartingPosition="LATEST")
    await table.change("new")
    await house.settle()
    assert [record["dynamodb"]["Keys"]["id"]["S"] for batch in batches(house) for record in batch] == ["new"]


async def test_filters_look_at_the_whole_change(house: House, table: TableStream) -> None:
    pattern = {"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"n": {"N": ["7"]}}}}
    await mapping(house, ARN, StartingPosition="TRIM_HORIZON", FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    await table.change("a", n={"N": "7"})
    await table.change("b", "MODIFY", n={"N": "8"})
    await table.change("c", "MODIFY", n={"N": "7"})
    await house.settle()
    assert [record["dynamodb"]["Keys"]["id"]["S"] for batch in batches(house) for record in batch] == ["c"]


async def test_child_shards_follow_their_parents(house: House, table: TableStream) -> None:
    await table.change("a")
    table.shards["shardId-00000001700000000001-00000002"] = SimpleNamespace(parent=SHARD, records=[], closed=False)
    await table.change("b", shard="shardId-00000001700000000001-00000002")
    table.shards[SHARD].closed = True
    await mapping(house, ARN, StartingPosition="TRIM_HORIZON")
    assert [record["dynamodb"]["Keys"]["id"]["S"] for batch in batches(house) for record in batch] == ["a", "b"]


async def test_what_was_given_up_is_told_with_the_words_of_tables(house: House, table: TableStream) -> None:
    url = await queue(house, "failures")
    house.compute.behave = fail
    await mapping(
        house,
        ARN,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue_arn("failures")}},
    )
    number = await table.change("a")
    await house.advance(30)
    (message,) = await received(house, url)
    told = json.loads(message["Body"])
    assert told["requestContext"]["functionArn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fun"
    info = told["DDBStreamBatchInfo"]
    first = info.pop("approximateArrivalOfFirstRecord")
    assert first == info.pop("approximateArrivalOfLastRecord")
    assert len(first) == len("2022-07-13T13:48:01Z")
    assert info == {"shardId": SHARD, "startSequenceNumber": number, "endSequenceNumber": number, "batchSize": 1, "streamArn": ARN}


async def test_an_absent_stream_is_refused(house: House, table: TableStream) -> None:
    absent = table_stream_arn("absent")
    with pytest.raises(ServiceError) as refused:
        await mapping(house, absent, StartingPosition="LATEST")
    assert refused.value.message == f"Stream not found: {absent}"


async def test_a_time_to_begin_at_is_refused(house: House, table: TableStream) -> None:
    with pytest.raises(ServiceError) as refused:
        await mapping(house, ARN, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1.0)
    assert refused.value.message == f"Unsupported starting position for arn type: {ARN}"
