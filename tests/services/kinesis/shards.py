"""Reading whole shards and streams."""

from __future__ import annotations

from typing import Any

from tests.node import Account

LARGEST = 2**128 - 1


def refusal(error: Any) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def iterator(aws: Account, stream: str, shard: str, kind: str = "TRIM_HORIZON", **asked: Any) -> str:
    return aws.kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType=kind, **asked)["ShardIterator"]


def read(aws: Account, stream: str, shard: str, kind: str = "TRIM_HORIZON", **asked: Any) -> list[bytes]:
    """The payloads from there to the end."""
    at: str | None = iterator(aws, stream, shard, kind, **asked)
    found: list[bytes] = []
    while at is not None:
        answer = aws.kinesis.get_records(ShardIterator=at)
        found += [record["Data"] for record in answer["Records"]]
        if not answer["Records"] or answer["MillisBehindLatest"] == 0:
            break
        at = answer.get("NextShardIterator")
    return found


def shard_ids(aws: Account, stream: str, **asked: Any) -> list[str]:
    return [shard["ShardId"] for shard in aws.kinesis.list_shards(StreamName=stream, **asked)["Shards"]]


def put(aws: Account, stream: str, *payloads: bytes, key: str = "k", **asked: Any) -> list[dict[str, Any]]:
    records = [{"Data": data, "PartitionKey": key, **asked} for data in payloads]
    answer = aws.kinesis.put_records(StreamName=stream, Records=records)
    assert answer["FailedRecordCount"] == 0
    return answer["Records"]
