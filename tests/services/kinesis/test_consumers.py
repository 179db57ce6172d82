"""Registered consumers, and records pushed to them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from tests.node import Account
from tests.services.kinesis.shards import put, refusal

FIRST = "shardId-000000000000"


def _made(aws: Account, name: str = "c") -> str:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = f"arn:aws:kinesis:us-east-1:{aws.id}:stream/s"
    consumer = aws.kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]
    assert consumer["ConsumerStatus"] == "CREATING"
    assert consumer["ConsumerARN"] == f"{arn}/consumer/{name}:{int(consumer['ConsumerCreationTimestamp'].timestamp())}"
    return consumer["ConsumerARN"]


Subscribe = Callable[..., Iterator[dict[str, Any]]]


@pytest.fixture
def subscribe() -> Iterator[Subscribe]:
    """Events of a subscription; what is open at the end is closed."""
    opened: list[Any] = []

    def make(aws: Account, consumer: str, kind: str = "TRIM_HORIZON", shard: str = FIRST, **position: Any) -> Iterator[dict[str, Any]]:
        answer = aws.kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition={"Type": kind, **position})
        opened.append(answer["EventStream"])
        return (event["SubscribeToShardEvent"] for event in answer["EventStream"])

    yield make
    for stream in opened:
        stream.close()


def _payloads(events: Iterator[dict[str, Any]], count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        found += [record["Data"] for record in next(events)["Records"]]
    return found


def test_a_consumer_is_found_by_its_name_and_by_its_arn(aws: Account) -> None:
    consumer = _made(aws)
    stream = consumer.partition("/consumer/")[0]
    by_name = aws.kinesis.describe_stream_consumer(StreamARN=stream, ConsumerName="c")["ConsumerDescription"]
    assert by_name == aws.kinesis.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]
    assert by_name["StreamARN"] == stream
    with pytest.raises(ClientError) as error:
        aws.kinesis.register_stream_consumer(StreamARN=stream, ConsumerName="c")
    assert refusal(error)[0] == "ResourceInUseException"
    with pytest.raises(ClientError) as error:
        aws.kinesis.delete_stream(StreamName="s")
    assert refusal(error)[0] == "ResourceInUseException"
    aws.kinesis.deregister_stream_consumer(ConsumerARN=consumer)
    with pytest.raises(ClientError) as error:
        aws.kinesis.describe_stream_consumer(StreamARN=stream, ConsumerName="c")
    assert refusal(error) == ("ResourceNotFoundException", f"Consumer c, account {aws.id} not found.")
    aws.kinesis.delete_stream(StreamName="s")


def test_a_stream_has_up_to_twenty_consumers_listed_in_pages(aws: Account) -> None:
    stream = _made(aws, "c00").partition("/consumer/")[0]
    for i in range(1, 20):
        aws.kinesis.register_stream_consumer(StreamARN=stream, ConsumerName=f"c{i:02d}")
    with pytest.raises(ClientError) as error:
        aws.kinesis.register_stream_consumer(StreamARN=stream, ConsumerName="one-too-many")
    assert refusal(error)[0] == "LimitExceededException"
    pages = aws.kinesis.get_paginator("list_stream_consumers").paginate(StreamARN=stream, PaginationConfig={"PageSize": 7})
    assert [consumer["ConsumerName"] for page in pages for consumer in page["Consumers"]] == [f"c{i:02d}" for i in range(20)]


def test_records_are_pushed_as_they_come(aws: Account, subscribe: Subscribe) -> None:
    consumer = _made(aws)
    put(aws, "s", b"before")
    events = subscribe(aws, consumer)
    first = next(events)
    assert [record["Data"] for record in first["Records"]] == [b"before"]
    assert first["ContinuationSequenceNumber"] == first["Records"][-1]["SequenceNumber"]
    assert first["MillisBehindLatest"] == 0
    put(aws, "s", *[b"Hello world_%d" % i for i in range(5)])
    assert _payloads(events, 5) == [b"Hello world_%d" % i for i in range(5)]


def test_a_subscription_goes_on_where_another_ended(turned: Account, subscribe: Subscribe) -> None:
    consumer = _made(turned)
    put(turned, "s", b"1")
    first = next(subscribe(turned, consumer))
    turned.node.advance(6)
    put(turned, "s", b"2")
    events = subscribe(turned, consumer, "AFTER_SEQUENCE_NUMBER", SequenceNumber=first["ContinuationSequenceNumber"])
    assert _payloads(events, 1) == [b"2"]


def test_a_subscription_lasts_five_minutes(turned: Account, subscribe: Subscribe) -> None:
    consumer = _made(turned)
    put(turned, "s", b"1")
    events = subscribe(turned, consumer)
    next(events)
    turned.node.advance(301)
    assert all(event["Records"] == [] for event in events)  # and it ends


def test_a_later_subscription_takes_over_but_not_at_once(turned: Account, subscribe: Subscribe) -> None:
    consumer = _made(turned)
    put(turned, "s", b"1")
    first = subscribe(turned, consumer)
    next(first)
    with pytest.raises(ClientError) as error:
        subscribe(turned, consumer)
    assert refusal(error)[0] == "ResourceInUseException"
    turned.node.advance(6)
    second = subscribe(turned, consumer)
    assert _payloads(second, 1) == [b"1"]
    with pytest.raises(EventStreamError) as ended:
        list(first)
    assert ended.value.response["Error"]["Code"] == "ResourceInUseException"


def test_the_end_of_a_closed_shard_names_its_children(aws: Account, subscribe: Subscribe) -> None:
    consumer = _made(aws)
    put(aws, "s", b"1")
    events = subscribe(aws, consumer)
    next(events)
    threading.Thread(target=lambda: aws.kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**100))).start()
    last = list(events)[-1]
    assert "ContinuationSequenceNumber" not in last
    assert [(child["ShardId"], child["ParentShards"]) for child in last["ChildShards"]] == [
        ("shardId-000000000001", [FIRST]),
        ("shardId-000000000002", [FIRST]),
    ]


def test_a_consumers_policy_lets_another_accountsubscribe(aws: Account, subscribe: Subscribe) -> None:
    consumer, other = _made(aws), aws.node.fresh_account()
    put(aws, "s", b"1")
    with pytest.raises(ClientError) as error:
        subscribe(other, consumer)
    assert refusal(error)[0] == "AccessDeniedException"
    statement = {"Effect": "Allow", "Principal": {"AWS": other.id}, "Action": "kinesis:SubscribeToShard", "Resource": consumer}
    aws.kinesis.put_resource_policy(ResourceARN=consumer, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert _payloads(subscribe(other, consumer), 1) == [b"1"]
