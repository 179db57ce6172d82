"""Provisioned throughput, on a node that holds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.dynamodb import streaming
from tests.services.dynamodb.making import make_table


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    data: Path = tmp_path_factory.mktemp("limited")
    with RunningNode(data, env={"TULE_THROTTLING": "on", "TULE_CLOCK": "frozen"}) as node:
        yield node.fresh_account()


def _puts_until_refused(account: Account, name: str) -> int:
    for number in range(50):
        try:
            account.dynamodb.put_item(TableName=name, Item={"p": {"S": str(number)}, "g": {"S": "g"}})
        except account.dynamodb.exceptions.ProvisionedThroughputExceededException:
            return number
    return 50


def test_a_provisioned_table_takes_what_it_was_given(limited: Account) -> None:
    name = make_table(limited, units=5)
    assert _puts_until_refused(limited, name) == 5
    limited.node.advance(2)
    assert _puts_until_refused(limited, name) == 10
    limited.node.advance(3600)
    assert _puts_until_refused(limited, name) == 50  # of the five minutes' units that are kept


def test_a_table_on_demand_takes_more(limited: Account) -> None:
    assert _puts_until_refused(limited, make_table(limited)) == 50


def test_a_global_index_without_units_refuses_writes_of_its_table(limited: Account) -> None:
    name = make_table(limited, gsi="g:S", units=5)
    assert _puts_until_refused(limited, name) == 5


def test_a_large_read_is_a_debt(limited: Account) -> None:
    name = make_table(limited, units=100)
    limited.dynamodb.put_item(TableName=name, Item={"p": {"S": "a"}, "x": {"S": "x" * 90_000}})
    read = {"TableName": name, "Key": {"p": {"S": "a"}}, "ConsistentRead": True}
    for _ in range(5):
        limited.dynamodb.get_item(**read)
    with pytest.raises(ClientError) as raised:
        limited.dynamodb.get_item(**read)
    assert raised.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    limited.node.advance(1)
    limited.dynamodb.get_item(**read)


def test_a_batch_leaves_over_what_it_has_no_units_for(limited: Account) -> None:
    name = make_table(limited, units=5)
    puts = [{"PutRequest": {"Item": {"p": {"S": str(number)}}}} for number in range(10)]
    left = limited.dynamodb.batch_write_item(RequestItems={name: puts})["UnprocessedItems"][name]
    assert 3 <= len(left) <= 5
    assert limited.dynamodb.batch_write_item(RequestItems={make_table(limited): puts})["UnprocessedItems"] == {}


def test_a_maximum_on_demand_is_held(limited: Account) -> None:
    name = make_table(limited, OnDemandThroughput={"MaxReadRequestUnits": 3, "MaxWriteRequestUnits": -1})
    assert _puts_until_refused(limited, name) == 50
    for _ in range(3):
        limited.dynamodb.get_item(TableName=name, Key={"p": {"S": "1"}}, ConsistentRead=True)
    with pytest.raises(ClientError) as raised:
        limited.dynamodb.get_item(TableName=name, Key={"p": {"S": "1"}})
    assert raised.value.response["Error"]["Code"] == "ThrottlingException"


def test_a_shard_is_read_ten_times_a_second_for_two_readers(limited: Account) -> None:
    arn = streaming.table(limited, "read-often")
    at = streaming.iterator(limited, arn, streaming.shards(limited, arn)[0]["ShardId"])
    for _ in range(10):
        limited.dynamodbstreams.get_records(ShardIterator=at)
    with pytest.raises(ClientError) as refused:
        limited.dynamodbstreams.get_records(ShardIterator=at)
    assert streaming.refusal(refused) == ("LimitExceededException", "Rate exceeded")
    limited.node.advance(1)
    limited.dynamodbstreams.get_records(ShardIterator=at)


def test_a_shard_gives_two_megabytes_a_second(limited: Account) -> None:
    arn = streaming.table(limited, "read-much", "NEW_IMAGE")
    limited.dynamodb.update_table(TableName="read-much", BillingMode="PAY_PER_REQUEST")
    for number in range(9):
        streaming.put(limited, str(number), into="read-much", data={"S": "x" * 390_000})
    at = streaming.iterator(limited, arn, streaming.shards(limited, arn)[0]["ShardId"])
    for _ in range(3):
        answer = limited.dynamodbstreams.get_records(ShardIterator=at)
        assert len(answer["Records"]) == 2  # with another it were more than 1 MB
        at = answer["NextShardIterator"]
    with pytest.raises(ClientError, match="LimitExceededException"):
        limited.dynamodbstreams.get_records(ShardIterator=at)
    limited.node.advance(1)
    assert len(limited.dynamodbstreams.get_records(ShardIterator=at)["Records"]) == 2


def test_a_stream_is_described_ten_times_a_second(limited: Account) -> None:
    arn = streaming.table(limited, "described")
    for _ in range(10):
        limited.dynamodbstreams.describe_stream(StreamArn=arn)
    with pytest.raises(ClientError) as refused:
        limited.dynamodbstreams.describe_stream(StreamArn=arn)
    assert streaming.refusal(refused) == ("ThrottlingException", "Rate exceeded")
