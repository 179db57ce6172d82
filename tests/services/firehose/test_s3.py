"""Delivery to S3: buffers, names, compression, errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.node import Account, RunningNode
from tests.services.firehose.house import at_once, bucket, destination, document, gunzipped, objects, put, role, unzipped


def _stream(aws: Account, role_arn: str, bucket_name: str, name: str = "d", **more: object) -> None:
    config = destination(role_arn, bucket_name, **more)
    aws.firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=config)


def test_a_buffer_is_delivered_when_its_time_has_come(turned: Account) -> None:
    target = bucket(turned)
    _stream(turned, role(turned), target, BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 120})
    turned.firehose.put_record(DeliveryStreamName="d", Record={"Data": b"one,"})
    turned.node.advance(60)
    put(turned, "d", b"two,", b"three")
    turned.node.advance(59)
    assert objects(turned, target) == {}
    turned.node.advance(2)
    ((key, content),) = objects(turned, target).items()
    assert content == b"one,two,three"
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/\d\d/d-1-\d{{4}}-\d\d-\d\d-\d\d-\d\d-\d\d-{uuid}", key)
    put(turned, "d", b"later")
    turned.node.advance(121)
    assert sorted(objects(turned, target).values()) == [b"later", b"one,two,three"]


def test_a_buffer_is_delivered_when_it_is_full(turned: Account) -> None:
    target = bucket(turned)
    _stream(turned, role(turned), target, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    put(turned, "d", b"x" * 1_000_000)
    put(turned, "d", b"y" * 100_000)
    turned.node.advance(1)
    assert sum(map(len, objects(turned, target).values())) >= 1_000_000


def test_prefixes_hold_times_in_a_zone_and_something_random(turned: Account) -> None:
    target = bucket(turned)
    _stream(
        turned,
        role(turned),
        target,
        Prefix="y=!{timestamp:yyyy}/m=!{timestamp:MM}/!{timestamp:'at-'HH}/!{firehose:random-string}/",
        ErrorOutputPrefix="e/!{firehose:error-output-type}/",
        CustomTimeZone="Asia/Tokyo",
        FileExtension=".json",
        BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0},
    )
    put(turned, "d", b"x")
    turned.node.advance(1)
    (key,) = objects(turned, target)
    match = re.fullmatch(r"y=(\d{4})/m=(\d\d)/at-(\d\d)/\w{11}/d-1-(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)-[0-9a-f-]{36}\.json", key)
    assert match is not None
    named = datetime.strptime(match[4], "%Y-%m-%d-%H-%M-%S").replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    assert (match[1], match[2], match[3]) == (f"{named:%Y}", f"{named:%m}", f"{named:%H}")
    (entry,) = turned.s3.list_objects_v2(Bucket=target)["Contents"]
    assert abs((entry["LastModified"] - named).total_seconds()) < 60


def test_a_prefix_without_expressions_is_followed_by_the_hour(turned: Account) -> None:
    target = bucket(turned)
    turned.firehose.create_delivery_stream(DeliveryStreamName="d", S3DestinationConfiguration=at_once(role(turned), target, Prefix="logs-"))
    put(turned, "d", b"x")
    turned.node.advance(1)
    (key,) = objects(turned, target)
    assert re.match(r"logs-\d{4}/\d\d/\d\d/\d\d/d-1-", key)


@pytest.mark.parametrize(
    ("kind", "extension", "read"),
    [
        ("GZIP", ".gz", gunzipped),
        ("ZIP", ".zip", unzipped),
        ("Snappy", ".snappy", lambda content: content[18:]),
        ("HADOOP_SNAPPY", ".hsnappy", lambda content: content[12:]),
    ],
)
def test_objects_are_compressed(turned: Account, kind: str, extension: str, read: Callable[[bytes], bytes]) -> None:
    target = bucket(turned)
    turned.firehose.create_delivery_stream(DeliveryStreamName="d", S3DestinationConfiguration=at_once(role(turned), target, CompressionFormat=kind))
    put(turned, "d", b"hello ", b"world")
    turned.node.advance(1)
    ((key, content),) = objects(turned, target).items()
    assert key.endswith(extension)
    assert read(content) == b"hello world"


def test_a_role_that_may_not_write_is_told_to_the_log_and_tried_again(turned: Account) -> None:
    target, allowed = bucket(turned), role(turned, "logs:PutLogEvents")
    turned.logs.create_log_group(logGroupName="g")
    turned.logs.create_log_stream(logGroupName="g", logStreamName="s")
    options = {"Enabled": True, "LogGroupName": "g", "LogStreamName": "s"}
    _stream(turned, allowed, target, CloudWatchLoggingOptions=options, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    put(turned, "d", b"kept")
    turned.node.advance(10)
    events = turned.logs.get_log_events(logGroupName="g", logStreamName="s")["events"]
    said = json.loads(events[0]["message"])
    assert said["errorCode"] == "S3.AccessDenied"
    assert said["deliveryStreamARN"] == f"arn:aws:firehose:us-east-1:{turned.id}:deliverystream/d"
    assert said["destination"] == f"arn:aws:s3:::{target}"
    put(turned, "d", b" and more")
    turned.node.advance(3600)
    assert objects(turned, target) == {}
    write = document({"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{target}/*"})
    turned.iam.put_role_policy(RoleName="delivery", PolicyName="write", PolicyDocument=write)
    turned.node.advance(300)
    assert b"".join(sorted(objects(turned, target).values(), reverse=True)) == b"kept and more"


def test_records_of_a_kinesis_stream_are_delivered_from_when_the_stream_was_made(turned: Account) -> None:
    target, allowed = bucket(turned), role(turned)
    turned.kinesis.create_stream(StreamName="s", ShardCount=2)
    arn = f"arn:aws:kinesis:us-east-1:{turned.id}:stream/s"
    turned.kinesis.put_record(StreamName="s", Data=b"before", PartitionKey="k")
    turned.node.advance(1)
    source = {"KinesisStreamARN": arn, "RoleARN": allowed}
    turned.firehose.create_delivery_stream(
        DeliveryStreamName="d",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration=source,
        S3DestinationConfiguration=destination(allowed, target, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 60}),
    )
    described = turned.firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]["Source"]
    assert described["KinesisStreamSourceDescription"]["KinesisStreamARN"] == arn
    for i in range(6):
        turned.kinesis.put_record(StreamName="s", Data=b"%d;" % i, PartitionKey=str(i))
        if i == 2:
            turned.kinesis.split_shard(StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey="1000")
    turned.node.advance(61)
    delivered = b"".join(objects(turned, target).values())
    assert sorted(delivered.split(b";")[:-1]) == [b"%d" % i for i in range(6)]
    with pytest.raises(turned.firehose.exceptions.InvalidArgumentException):
        put(turned, "d", b"x")


def test_a_stream_that_is_deleted_delivers_no_more(turned: Account) -> None:
    target = bucket(turned)
    _stream(turned, role(turned), target)
    put(turned, "d", b"x")
    turned.firehose.delete_delivery_stream(DeliveryStreamName="d")
    turned.node.advance(400)
    assert objects(turned, target) == {}


def test_nothing_acknowledged_is_lost_through_kill_minus_nine(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    account = node.fresh_account()
    target, allowed = bucket(account), role(account)
    account.firehose.create_delivery_stream(
        DeliveryStreamName="d",
        S3DestinationConfiguration=destination(allowed, target, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 60}),
    )
    expected: list[bytes] = []
    for life in range(3):
        for i in range(30):
            payloads = [b"%d-%d-%d;" % (life, i, j) + b"x" * 2_000 + b"|" for j in range(10)]
            put(account, "d", *payloads)
            expected += payloads
        node.kill()  # a buffer of 1 MB may just be on its way
        node = start_node()
        account = Account(node, account.id)
    node.advance(120)
    found = b"".join(objects(account, target).values()).split(b"|")[:-1]
    assert {record + b"|" for record in found} == set(expected)
    assert len(found) < 2 * len(expected)
