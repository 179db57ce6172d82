"""Tables with streams, and reading all that a stream has."""

from __future__ import annotations

from typing import Any

from tests.node import Account

STREAM = "NEW_AND_OLD_IMAGES"


def table(aws: Account, name: str = "tab", view: str | None = STREAM, *, sorted: bool = False, shards: int = 1, **settings: Any) -> str:
    """Make a table of the key `p` (and `c`); the ARN of its stream, empty without one."""
    names = ["p", "c"] if sorted else ["p"]
    made = aws.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(names, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in names],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False},
        **({"BillingMode": "PAY_PER_REQUEST"} if shards == 4 else {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}),
        **settings,
    )
    return made["TableDescription"].get("LatestStreamArn", "")


def put(aws: Account, key: str, *, into: str = "tab", **attributes: dict[str, Any]) -> None:
    aws.dynamodb.put_item(TableName=into, Item={"p": {"S": key}, **attributes})


def delete(aws: Account, key: str, name: str = "tab") -> None:
    aws.dynamodb.delete_item(TableName=name, Key={"p": {"S": key}})


def shards(aws: Account, arn: str, **asked: Any) -> list[dict[str, Any]]:
    return aws.dynamodbstreams.describe_stream(StreamArn=arn, **asked)["StreamDescription"]["Shards"]


def iterator(aws: Account, arn: str, shard: str, kind: str = "TRIM_HORIZON", **asked: Any) -> str:
    return aws.dynamodbstreams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **asked)["ShardIterator"]


def read(aws: Account, arn: str) -> list[dict[str, Any]]:
    """All records of all shards, each shard's in their order."""
    return [record for shard in shards(aws, arn) for record in read_shard(aws, arn, shard["ShardId"])]


def read_shard(aws: Account, arn: str, shard: str, kind: str = "TRIM_HORIZON", **asked: Any) -> list[dict[str, Any]]:
    at: str | None = iterator(aws, arn, shard, kind, **asked)
    found: list[dict[str, Any]] = []
    while at is not None:
        answer = aws.dynamodbstreams.get_records(ShardIterator=at)
        found += answer["Records"]
        at = answer.get("NextShardIterator") if answer["Records"] else None
    return found


def refusal(error: Any) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]
