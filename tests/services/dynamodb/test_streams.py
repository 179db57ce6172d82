"""Streams of tables: what is recorded, and how it is read."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.node import Account, RunningNode
from tests.services.dynamodb.streaming import delete, iterator, put, read, read_shard, refusal, shards, table

HOUR = 3600


def test_every_change_is_recorded_as_aws_records_it(aws: Account) -> None:
    arn = table(aws)
    put(aws, "Fred")
    put(aws, "Fred", name={"S": "Fred"})
    delete(aws, "Fred")
    records = read(aws, arn)
    for record in records:
        assert len(record.pop("eventID")) == 32
        assert record["dynamodb"].pop("ApproximateCreationDateTime").microsecond == 0
        assert record["dynamodb"].pop("SequenceNumber").isdecimal()
    shared = {"eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1"}
    key, named = {"p": {"S": "Fred"}}, {"p": {"S": "Fred"}, "name": {"S": "Fred"}}
    view = {"Keys": key, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert records == [
        {**shared, "eventName": "INSERT", "dynamodb": {**view, "NewImage": key, "SizeBytes": 10}},
        {**shared, "eventName": "MODIFY", "dynamodb": {**view, "NewImage": named, "OldImage": key, "SizeBytes": 23}},
        {**shared, "eventName": "REMOVE", "dynamodb": {**view, "OldImage": named, "SizeBytes": 18}},
    ]


@pytest.mark.parametrize(
    ("view", "images"),
    [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"}), ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"})],
)
def test_a_view_shows_only_its_images(aws: Account, view: str, images: set[str]) -> None:
    arn = table(aws, view=view)
    put(aws, "a", x={"N": "1"})
    put(aws, "a", x={"N": "2"})
    changes = [record["dynamodb"] for record in read(aws, arn)]
    assert set(changes[1]) & {"NewImage", "OldImage"} == images
    assert all(change["StreamViewType"] == view for change in changes)
    assert changes[1].get("OldImage", {}).get("x") == ({"N": "1"} if "OldImage" in images else None)


def test_what_changes_nothing_is_not_recorded(aws: Account) -> None:
    arn = table(aws)
    put(aws, "a", x={"SS": ["one", "two"]}, m={"M": {"k": {"S": "v"}, "l": {"S": "w"}}})
    put(aws, "a", x={"SS": ["two", "one"]}, m={"M": {"l": {"S": "w"}, "k": {"S": "v"}}})
    delete(aws, "absent")
    assert [record["eventName"] for record in read(aws, arn)] == ["INSERT"]


def test_sequence_numbers_grow_and_an_item_stays_in_its_shard(aws: Account) -> None:
    arn = table(aws, shards=4)
    for round in range(3):
        for key in range(12):
            put(aws, f"k{key}", round={"N": str(round)})
    found = {shard["ShardId"]: read_shard(aws, arn, shard["ShardId"]) for shard in shards(aws, arn)}
    assert len(found) == 4
    assert sum(bool(records) for records in found.values()) > 1
    seen: dict[str, str] = {}
    for shard, records in found.items():
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
        assert numbers == sorted(set(numbers))
        for record in records:
            assert seen.setdefault(record["dynamodb"]["Keys"]["p"]["S"], shard) == shard
    everything = [record["dynamodb"]["SequenceNumber"] for records in found.values() for record in records]
    assert len(set(everything)) == 36
    rounds = [record["dynamodb"]["NewImage"]["round"]["N"] for record in next(iter(filter(None, found.values())))]
    assert rounds == sorted(rounds)


def test_iterators_begin_where_they_are_asked_to(aws: Account) -> None:
    arn = table(aws)
    (shard,) = shards(aws, arn)
    name = shard["ShardId"]
    late = iterator(aws, arn, name, "LATEST")
    for key in "abc":
        put(aws, key)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in read_shard(aws, arn, name)]

    def keys(kind: str, number: str) -> str:
        found = read_shard(aws, arn, name, kind, SequenceNumber=number)
        return "".join(record["dynamodb"]["Keys"]["p"]["S"] for record in found)

    assert keys("AT_SEQUENCE_NUMBER", numbers[1]) == "bc"
    assert keys("AFTER_SEQUENCE_NUMBER", numbers[1]) == "c"
    assert keys("AT_SEQUENCE_NUMBER", shard["SequenceNumberRange"]["StartingSequenceNumber"]) == "abc"
    assert len(aws.dynamodbstreams.get_records(ShardIterator=late)["Records"]) == 3
    assert read_shard(aws, arn, name, "LATEST") == []


def test_pages_are_joined_by_iterators(aws: Account) -> None:
    arn = table(aws)
    for key in "abcde":
        put(aws, key)
    at = iterator(aws, arn, shards(aws, arn)[0]["ShardId"])
    first = aws.dynamodbstreams.get_records(ShardIterator=at, Limit=2)
    second = aws.dynamodbstreams.get_records(ShardIterator=first["NextShardIterator"], Limit=2)
    keys = [record["dynamodb"]["Keys"]["p"]["S"] for record in first["Records"] + second["Records"]]
    assert keys == ["a", "b", "c", "d"]


def test_a_page_has_a_megabyte_at_most(aws: Account) -> None:
    arn = table(aws, view="NEW_IMAGE")
    for key in "abcd":
        put(aws, key, big={"S": "x" * 390_000})
    at = iterator(aws, arn, shards(aws, arn)[0]["ShardId"])
    assert len(aws.dynamodbstreams.get_records(ShardIterator=at)["Records"]) == 2
    assert len(read(aws, arn)) == 4


def test_a_stream_is_described_as_the_table_says(aws: Account) -> None:
    arn = table(aws, view="KEYS_ONLY")
    described = aws.dynamodbstreams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described.pop("CreationRequestDateTime").timestamp() > 1_600_000_000
    (shard,) = described.pop("Shards")
    assert 28 <= len(shard["ShardId"]) <= 65
    assert described == {
        "StreamArn": arn,
        "StreamLabel": arn.rpartition("/")[2],
        "StreamStatus": "ENABLED",
        "StreamViewType": "KEYS_ONLY",
        "TableName": "tab",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    }
    shown = aws.dynamodb.describe_table(TableName="tab")["Table"]
    assert (shown["LatestStreamArn"], shown["LatestStreamLabel"]) == (arn, described["StreamLabel"])


def test_shards_come_in_pages(aws: Account) -> None:
    arn = table(aws, shards=4)
    names = [shard["ShardId"] for shard in shards(aws, arn)]
    assert names == sorted(names)
    page = aws.dynamodbstreams.describe_stream(StreamArn=arn, Limit=3)["StreamDescription"]
    assert page["LastEvaluatedShardId"] == names[2]
    assert [shard["ShardId"] for shard in shards(aws, arn, ExclusiveStartShardId=names[2])] == names[3:]
    assert shards(aws, arn, ExclusiveStartShardId=names[3]) == []


def test_streams_are_listed_in_pages_and_by_table(aws: Account) -> None:
    arns = [table(aws, name) for name in ("one", "three", "two")]
    table(aws, "without", view=None)
    first = aws.dynamodbstreams.list_streams(Limit=2)
    assert first["LastEvaluatedStreamArn"] == arns[1]
    rest = aws.dynamodbstreams.list_streams(ExclusiveStartStreamArn=arns[1])
    assert [stream["StreamArn"] for stream in first["Streams"] + rest["Streams"]] == arns
    assert "LastEvaluatedStreamArn" not in rest
    (only,) = aws.dynamodbstreams.list_streams(TableName="two")["Streams"]
    assert only == {"StreamArn": arns[2], "TableName": "two", "StreamLabel": arns[2].rpartition("/")[2]}
    assert aws.dynamodbstreams.list_streams(TableName="without")["Streams"] == []


def test_a_stream_that_was_disabled_ends_and_stays_readable(aws: Account) -> None:
    arn = table(aws)
    put(aws, "a")
    aws.dynamodb.update_table(TableName="tab", StreamSpecification={"StreamEnabled": False})
    put(aws, "unheard")
    described = aws.dynamodbstreams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    numbers = described["Shards"][0]["SequenceNumberRange"]
    assert int(numbers["EndingSequenceNumber"]) > int(numbers["StartingSequenceNumber"])
    answer = aws.dynamodbstreams.get_records(ShardIterator=iterator(aws, arn, described["Shards"][0]["ShardId"]))
    assert len(answer["Records"]) == 1
    assert "NextShardIterator" not in answer
    aws.dynamodb.update_table(TableName="tab", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    again = aws.dynamodb.describe_table(TableName="tab")["Table"]["LatestStreamArn"]
    assert again != arn
    assert read(aws, again) == []
    assert [stream["StreamArn"] for stream in aws.dynamodbstreams.list_streams(TableName="tab")["Streams"]] == [arn, again]


def test_the_stream_of_a_deleted_table_stays_readable(aws: Account) -> None:
    arn = table(aws)
    put(aws, "a")
    aws.dynamodb.delete_table(TableName="tab")
    assert [record["eventName"] for record in read(aws, arn)] == ["INSERT"]


def test_what_is_asked_wrongly_is_refused_in_aws_words(aws: Account) -> None:
    arn = table(aws)
    name = shards(aws, arn)[0]["ShardId"]
    streams = aws.dynamodbstreams
    wrong = [
        (lambda: streams.describe_stream(StreamArn="x" * 40), "ValidationException"),
        (lambda: streams.describe_stream(StreamArn=arn.replace("/tab/", "/absent/")), "ResourceNotFoundException"),
        (lambda: streams.describe_stream(StreamArn=arn, ShardFilter={"Type": "CHILD_SHARDS"}), "ValidationException"),
        (lambda: streams.describe_stream(StreamArn=arn, ShardFilter={"ShardId": name}), "ValidationException"),
        (lambda: iterator(aws, arn, "shardId-00000000000000000000-00000000"), "ResourceNotFoundException"),
        (lambda: iterator(aws, arn, name, "AT_SEQUENCE_NUMBER"), "ValidationException"),
        (lambda: iterator(aws, arn, name, "LATEST", SequenceNumber="1" * 24), "ValidationException"),
        (lambda: iterator(aws, arn, name, "AT_SEQUENCE_NUMBER", SequenceNumber="9" * 30), "ValidationException"),
        (lambda: streams.get_records(ShardIterator="nonsense"), "ValidationException"),
        (lambda: streams.get_records(ShardIterator=iterator(aws, arn, name), Limit=1001), "ValidationException"),
        (lambda: streams.list_streams(Limit=101), "ValidationException"),
    ]
    for ask, code in wrong:
        with pytest.raises(ClientError) as refused:
            ask()
        assert refusal(refused)[0] == code


def test_an_iterator_lasts_a_quarter_of_an_hour(turned: Account) -> None:
    arn = table(turned)
    at = iterator(turned, arn, shards(turned, arn)[0]["ShardId"])
    turned.node.advance(14 * 60)
    turned.dynamodbstreams.get_records(ShardIterator=at)
    turned.node.advance(2 * 60)
    with pytest.raises(ClientError) as refused:
        turned.dynamodbstreams.get_records(ShardIterator=at)
    assert refusal(refused)[0] == "ExpiredIteratorException"


def test_shards_roll_and_children_follow(turned: Account) -> None:
    arn = table(turned)
    (parent,) = shards(turned, arn)
    put(turned, "a")
    turned.node.advance(5 * HOUR)
    put(turned, "b")
    shown = shards(turned, arn)
    assert [shard.get("ParentShardId") for shard in shown] == [None, parent["ShardId"]]
    assert int(shown[0]["SequenceNumberRange"]["EndingSequenceNumber"]) < int(shown[1]["SequenceNumberRange"]["StartingSequenceNumber"])
    assert shards(turned, arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": parent["ShardId"]}) == [shown[1]]
    assert [record["dynamodb"]["Keys"]["p"]["S"] for record in read(turned, arn)] == ["a", "b"]


def test_records_are_gone_after_a_day(turned: Account) -> None:
    arn = table(turned)
    put(turned, "old")
    (record,) = read(turned, arn)
    first = shards(turned, arn)[0]["ShardId"]
    turned.node.advance(23 * HOUR)
    put(turned, "new")
    assert [record["dynamodb"]["Keys"]["p"]["S"] for record in read(turned, arn)] == ["old", "new"]
    with_old = iterator(turned, arn, first)
    assert turned.dynamodbstreams.get_records(ShardIterator=with_old)["Records"]
    turned.node.advance(2 * HOUR)
    assert [record["dynamodb"]["Keys"]["p"]["S"] for record in read(turned, arn)] == ["new"]
    with pytest.raises(ClientError) as refused:
        iterator(turned, arn, first, "AT_SEQUENCE_NUMBER", SequenceNumber=record["dynamodb"]["SequenceNumber"])
    assert refusal(refused)[0] == "TrimmedDataAccessException"
    turned.dynamodb.delete_table(TableName="tab")
    turned.node.advance(25 * HOUR)
    assert turned.dynamodbstreams.list_streams()["Streams"] == []


def test_stream_and_table_agree_after_a_kill(start_node: Callable[..., RunningNode]) -> None:
    """Every acknowledged write is in the table and once in the stream, and so is any other that is in one of them."""
    node = start_node()
    account = node.fresh_account()
    arn = table(account, view="NEW_IMAGE", shards=4)
    acknowledged = 0
    killer = threading.Timer(0.1, node.kill)
    with contextlib.suppress(BotoCoreError):
        while True:
            put(account, f"k{acknowledged % 7}", n={"N": str(acknowledged)})
            acknowledged += 1
            if acknowledged == 20:
                killer.start()
    killer.join()
    account = Account(start_node(), account.id)
    numbers = sorted(int(record["dynamodb"]["NewImage"]["n"]["N"]) for record in read(account, arn))
    assert numbers in (list(range(acknowledged)), list(range(acknowledged + 1)))
    for key in range(7):
        item = account.dynamodb.get_item(TableName="tab", Key={"p": {"S": f"k{key}"}}, ConsistentRead=True)["Item"]
        assert int(item["n"]["N"]) == max(number for number in numbers if number % 7 == key)
