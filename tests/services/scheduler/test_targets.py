"""Templated targets: what each service gets of a run."""

from __future__ import annotations

import json
from typing import Any

from tests.services.lambda_.house import ACCOUNT, REGION
from tests.services.scheduler.house import SchedulerHouse


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


async def run(house: SchedulerHouse, target: str, **settings: Any) -> None:
    await house.schedule("at(2026-03-25T13:00:00)", target={"Arn": target, **settings})
    await house.pass_time(hours=1)


async def received(house: SchedulerHouse, name: str) -> list[dict[str, Any]]:
    url = (await house.call("sqs", "GetQueueUrl", QueueName=name))["QueueUrl"]
    return (await house.call("sqs", "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])).get("Messages", [])


async def open_queue(house: SchedulerHouse, service: str) -> None:
    """A queue `out` that the service may write to."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await house.call("sqs", "CreateQueue", QueueName="out", Attributes={"Policy": policy})


async def test_a_queue_gets_the_text(house: SchedulerHouse) -> None:
    await house.call("sqs", "CreateQueue", QueueName="out")
    await run(house, arn("sqs", "out"), Input="plain text")
    assert [message["Body"] for message in await received(house, "out")] == ["plain text"]


async def test_a_fifo_queue_gets_it_in_its_group(house: SchedulerHouse) -> None:
    await house.call("sqs", "CreateQueue", QueueName="out.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})
    await run(house, arn("sqs", "out.fifo"), Input="text", SqsParameters={"MessageGroupId": "g"})
    (message,) = await received(house, "out.fifo")
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ("text", "g")


async def test_a_topic_gets_the_text(house: SchedulerHouse) -> None:
    topic = (await house.call("sns", "CreateTopic", Name="t"))["TopicArn"]
    await open_queue(house, "sns.amazonaws.com")
    await house.call("sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "out"), Attributes={"RawMessageDelivery": "true"})
    await run(house, topic, Input="text")
    assert [message["Body"] for message in await received(house, "out")] == ["text"]


async def test_a_bus_gets_an_event(house: SchedulerHouse) -> None:
    await open_queue(house, "events.amazonaws.com")
    await house.call("events", "PutRule", Name="r", EventPattern='{"source": ["clock"]}')
    await house.call("events", "PutTargets", Rule="r", Targets=[{"Id": "1", "Arn": arn("sqs", "out")}])
    await run(house, arn("events", "event-bus/default"), Input='{"n": 1}', EventBridgeParameters={"Source": "clock", "DetailType": "Tick"})
    (message,) = await received(house, "out")
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("clock", "Tick", {"n": 1})


async def test_a_stream_gets_a_record(house: SchedulerHouse) -> None:
    await house.call("kinesis", "CreateStream", StreamName="s", ShardCount=1)
    await run(house, arn("kinesis", "stream/s"), Input="text", KinesisParameters={"PartitionKey": "k"})
    shard = (await house.call("kinesis", "ListShards", StreamName="s"))["Shards"][0]["ShardId"]
    iterator = await house.call("kinesis", "GetShardIterator", StreamName="s", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    (record,) = (await house.call("kinesis", "GetRecords", ShardIterator=iterator["ShardIterator"]))["Records"]
    assert (record["Data"], record["PartitionKey"]) == (b"text", "k")
