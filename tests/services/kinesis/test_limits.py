"""What a shard takes and gives in a second, where the limits hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.kinesis.shards import iterator, put, refusal
from tule.core.config import Config

FIRST = "shardId-000000000000"


@pytest.fixture
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with a stream of one shard, on a node that holds the limits and whose clock stands."""
    with RunningNode(tmp_path_factory.mktemp("limited"), env={"TULE_THROTTLING": "on"}, clock="frozen") as node:
        account = node.fresh_account()
        account.kinesis.create_stream(StreamName="s", ShardCount=1)
        yield account


def _put(account: Account, count: int, size: int = 1) -> int:
    """How many of so many records were refused."""
    answer = account.kinesis.put_records(StreamName="s", Records=[{"Data": b"x" * size, "PartitionKey": "k"}] * count)
    refused = [record for record in answer["Records"] if "ErrorCode" in record]
    assert len(refused) == answer["FailedRecordCount"]
    said = f"Rate exceeded for shard {FIRST} in stream s under account {account.id}."
    assert all((record["ErrorCode"], record["ErrorMessage"]) == ("ProvisionedThroughputExceededException", said) for record in refused)
    return len(refused)


def test_a_shard_takes_a_thousand_records_a_second(limited: Account) -> None:
    assert [_put(limited, 500), _put(limited, 400), _put(limited, 200)] == [0, 0, 100]
    with pytest.raises(ClientError) as error:
        limited.kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")
    assert refusal(error)[0] == "ProvisionedThroughputExceededException"
    limited.node.advance(1)
    assert _put(limited, 500) == 0


def test_a_shard_takes_a_mebibyte_a_second(limited: Account) -> None:
    assert _put(limited, 4, size=300_000) == 1
    limited.node.advance(1)
    assert _put(limited, 1, size=1_000_000) == 0


def test_a_shard_is_read_five_times_a_second(limited: Account) -> None:
    at = iterator(limited, "s", FIRST)
    for _ in range(5):
        at = limited.kinesis.get_records(ShardIterator=at)["NextShardIterator"]
    with pytest.raises(ClientError) as error:
        limited.kinesis.get_records(ShardIterator=at)
    assert refusal(error) == ("ProvisionedThroughputExceededException", f"Rate exceeded for shard {FIRST} in stream s under account {limited.id}.")
    limited.node.advance(1)
    limited.kinesis.get_records(ShardIterator=at)


def test_a_shard_that_gave_ten_megabytes_rests_for_five_seconds(limited: Account) -> None:
    for _ in range(10):
        put(limited, "s", b"x" * 1_000_000)
        limited.node.advance(1)
    answer = limited.kinesis.get_records(ShardIterator=iterator(limited, "s", FIRST))
    assert len(answer["Records"]) == 10
    limited.node.advance(3)
    with pytest.raises(ClientError):
        limited.kinesis.get_records(ShardIterator=answer["NextShardIterator"])
    limited.node.advance(2)
    limited.kinesis.get_records(ShardIterator=answer["NextShardIterator"])


def test_on_a_laptop_nobody_waits(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    assert [_put(aws, 500) for _ in range(3)] == [0, 0, 0]
    at = iterator(aws, "s", FIRST)
    for _ in range(10):
        at = aws.kinesis.get_records(ShardIterator=at)["NextShardIterator"]


def test_limits_hold_by_themselves_in_strict_mode_only() -> None:
    assert Config(strict=True).throttled
    assert Config(throttling="on").throttled
    assert not Config().throttled
    assert not Config(strict=True, throttling="off").throttled


@pytest.mark.parametrize("batch", [1, 25])
def test_what_was_acknowledged_is_there_after_kill_minus_nine(start_node: Callable[..., RunningNode], batch: int) -> None:
    node = start_node()
    account = node.fresh_account()
    account.kinesis.create_stream(StreamName="s", ShardCount=3)
    acknowledged: list[tuple[str, bytes]] = []
    for i in range(40):
        payloads = [b"%d-%d" % (i, j) for j in range(batch)]
        records = [{"Data": data, "PartitionKey": data.decode()} for data in payloads]
        answers = account.kinesis.put_records(StreamName="s", Records=records)["Records"]
        acknowledged += [(answer["SequenceNumber"], data) for answer, data in zip(answers, payloads, strict=True)]
    node.kill()
    again = Account(start_node(), account.id)
    found: list[tuple[str, bytes]] = []
    for shard in range(3):
        answer = again.kinesis.get_records(ShardIterator=iterator(again, "s", f"shardId-{shard:012d}"))
        numbers = [record["SequenceNumber"] for record in answer["Records"]]
        assert numbers == sorted(numbers)
        found += [(record["SequenceNumber"], record["Data"]) for record in answer["Records"]]
    assert sorted(found) == sorted(acknowledged)
