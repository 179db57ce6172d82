"""A table's changes on their way to Kinesis streams."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.dynamodb.streaming import delete, put, refusal, table

MICRO = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}


def stream(aws: Account, name: str = "changes") -> str:
    aws.kinesis.create_stream(StreamName=name, ShardCount=2)
    return f"arn:aws:kinesis:us-east-1:{aws.id}:stream/{name}"


def enable(aws: Account, arn: str, **settings: Any) -> dict[str, Any]:
    answer = aws.dynamodb.enable_kinesis_streaming_destination(TableName="tab", StreamArn=arn, **settings)
    del answer["ResponseMetadata"]
    return answer


def described(aws: Account) -> list[dict[str, str]]:
    return aws.dynamodb.describe_kinesis_streaming_destination(TableName="tab")["KinesisDataStreamDestinations"]


def arrived(aws: Account, name: str = "changes") -> list[dict[str, Any]]:
    """Once all that is due has been delivered."""
    aws.node.advance(0.001)
    found: list[dict[str, Any]] = []
    for shard in aws.kinesis.list_shards(StreamName=name)["Shards"]:
        at = aws.kinesis.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        found += [json.loads(record["Data"]) for record in aws.kinesis.get_records(ShardIterator=at)["Records"]]
    return found


def test_changes_arrive_as_aws_writes_them(turned: Account) -> None:
    table(turned, view=None)
    arn = stream(turned)
    assert enable(turned, arn) == {
        "TableName": "tab",
        "StreamArn": arn,
        "DestinationStatus": "ENABLING",
        "EnableKinesisStreamingConfiguration": {},
    }
    assert described(turned) == [{"StreamArn": arn, "DestinationStatus": "ACTIVE"}]
    put(turned, "a", raw={"B": b"foobar"})
    put(turned, "a", n={"N": "1"})
    delete(turned, "a")
    first, second, third = arrived(turned)
    at_ms = first["dynamodb"].pop("ApproximateCreationDateTime")
    assert abs(at_ms - turned.node.get("/_tule/clock")["now_ms"]) < 60_000
    assert len(first.pop("eventID")) == 36
    assert first == {
        "awsRegion": "us-east-1",
        "eventName": "INSERT",
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": "tab",
        "dynamodb": {"Keys": {"p": {"S": "a"}}, "NewImage": {"p": {"S": "a"}, "raw": {"B": "Zm9vYmFy"}}, "SizeBytes": 13},
        "eventSource": "aws:dynamodb",
    }
    assert (second["eventName"], second["dynamodb"]["NewImage"]["n"], "OldImage" in second["dynamodb"]) == ("MODIFY", {"N": "1"}, True)
    assert (third["eventName"], "NewImage" in third["dynamodb"]) == ("REMOVE", False)


def test_each_item_s_changes_keep_their_order(turned: Account) -> None:
    table(turned, view=None)
    enable(turned, stream(turned))
    for number in range(10):
        for key in "abc":
            put(turned, key, n={"N": str(number)})
    seen: dict[str, list[int]] = {}
    for record in arrived(turned):
        seen.setdefault(record["dynamodb"]["Keys"]["p"]["S"], []).append(int(record["dynamodb"]["NewImage"]["n"]["N"]))
    assert seen == {key: list(range(10)) for key in "abc"}


def test_times_may_be_in_microseconds(turned: Account) -> None:
    table(turned, view=None)
    arn = stream(turned)
    enable(turned, arn, EnableKinesisStreamingConfiguration=MICRO)
    assert described(turned) == [{"StreamArn": arn, "DestinationStatus": "ACTIVE", **MICRO}]
    put(turned, "a")
    (record,) = arrived(turned)
    assert record["dynamodb"]["ApproximateCreationDateTimePrecision"] == "MICROSECOND"
    assert abs(record["dynamodb"]["ApproximateCreationDateTime"] / 1000 - turned.node.get("/_tule/clock")["now_ms"]) < 60_000


def test_an_expiry_carries_its_identity(turned: Account) -> None:
    table(turned, view=None)
    enable(turned, stream(turned))
    turned.dynamodb.update_time_to_live(TableName="tab", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    put(turned, "a", until={"N": str(turned.node.get("/_tule/clock")["now_ms"] // 1000 + 60)})
    turned.node.advance(120)
    assert arrived(turned)[-1]["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def test_a_destination_that_was_disabled_gets_no_more(turned: Account) -> None:
    table(turned, view=None)
    arn = stream(turned)
    enable(turned, arn)
    put(turned, "a")
    answer = turned.dynamodb.disable_kinesis_streaming_destination(TableName="tab", StreamArn=arn)
    assert answer["DestinationStatus"] == "DISABLING"
    put(turned, "b")
    assert [record["dynamodb"]["Keys"]["p"]["S"] for record in arrived(turned)] == ["a"]
    assert described(turned) == [{"StreamArn": arn, "DestinationStatus": "DISABLED"}]
    enable(turned, arn)
    assert described(turned) == [{"StreamArn": arn, "DestinationStatus": "ACTIVE"}]


def test_what_is_asked_wrongly_is_refused_in_aws_words(aws: Account) -> None:
    table(aws, view=None)
    arn = stream(aws)
    client = aws.dynamodb

    def refused(operation: Any, **asked: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            operation(**{"TableName": "tab", "StreamArn": arn} | asked)
        return refusal(error)

    no_table = ("ResourceNotFoundException", "Requested resource not found: Table: bad-table not found")
    assert refused(client.enable_kinesis_streaming_destination, TableName="bad-table") == no_table
    assert refused(client.disable_kinesis_streaming_destination, TableName="bad-table") == no_table
    assert refused(client.enable_kinesis_streaming_destination, StreamArn=arn + "x")[0] == "ResourceNotFoundException"
    assert refused(client.disable_kinesis_streaming_destination) == (
        "ValidationException",
        "Table is not in a valid state to disable Kinesis Streaming Destination: KinesisStreamingDestination must be ACTIVE to perform"
        " DISABLE operation.",
    )
    enable(aws, arn)
    assert refused(client.enable_kinesis_streaming_destination)[0] == "ValidationException"
    update = client.update_kinesis_streaming_destination
    assert refused(update) == (
        "ValidationException",
        "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain"
        " only null values",
    )
    assert refused(update, StreamArn=arn + "x", UpdateKinesisStreamingConfiguration=MICRO) == (
        "ValidationException",
        "Table is not in a valid state to enable Kinesis Streaming Destination: No streaming destination with streamArn:"
        f" {arn}x found for table with tableName: tab",
    )
    assert refused(update, UpdateKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": "SECOND"}) == (
        "ValidationException",
        "1 validation error detected: Value 'SECOND' at 'updateKinesisStreamingConfiguration.approximateCreationDateTimePrecision' failed to"
        " satisfy constraint: Member must satisfy enum value set: [MILLISECOND, MICROSECOND]",
    )
    answer = update(TableName="tab", StreamArn=arn, UpdateKinesisStreamingConfiguration=MICRO)
    assert (answer["DestinationStatus"], answer["UpdateKinesisStreamingConfiguration"]) == ("UPDATING", MICRO)
    table_id = client.describe_table(TableName="tab")["Table"]["TableId"]
    assert refused(update, UpdateKinesisStreamingConfiguration=MICRO) == (
        "ValidationException",
        f"Invalid Request: Precision is already set to the desired value of MICROSECOND for tableId: {table_id}, kdsArn: {arn}",
    )
