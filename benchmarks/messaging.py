"""Queues, topics, buses and streams: requests a second, and how long an event takes to its reader."""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
import time
from typing import Any

from benchmarks.client import Connection, load
from benchmarks.figures import Figure
from benchmarks.target import Target

BODY = "m" * 1024
HOPS = 100  # events of which the time to their reader is taken
REPORTS_TIME = b"""import json, time
def handler(event, context):
    now = time.time()
    for record in event["Records"]:
        print("LATENCY", now - float(record["body"]))
"""


def _json(t: Target, service: str, operation: str, params: dict[str, Any], version: str = "1.0") -> bytes:
    headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": operation}
    return t.signed(service, "POST", "/", headers, json.dumps(params).encode())


def _queue(t: Target, name: str) -> str:
    return t.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "360"})["QueueUrl"]


def _arn(t: Target, url: str) -> str:
    return t.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


async def sqs_send(t: Target) -> Figure:
    request = _json(t, "sqs", "AmazonSQS.SendMessage", {"QueueUrl": _queue(t, "send"), "MessageBody": BODY})
    return Figure((await load(t.url, [request], 16, t.seconds)).per_second, "/s")


async def sqs_send_batch(t: Target) -> Figure:
    entries = [{"Id": str(number), "MessageBody": BODY} for number in range(10)]
    request = _json(t, "sqs", "AmazonSQS.SendMessageBatch", {"QueueUrl": _queue(t, "batch"), "Entries": entries})
    return Figure((await load(t.url, [request], 16, t.seconds)).per_second * 10, "messages/s")


async def sqs_receive_delete(t: Target) -> Figure:
    """One message at a time from a queue of 600, by one client."""
    url = _queue(t, "receive")
    client = t.client("sqs")
    for _ in range(60):
        client.send_message_batch(QueueUrl=url, Entries=[{"Id": str(number), "MessageBody": BODY} for number in range(10)])
    receive = _json(t, "sqs", "AmazonSQS.ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 1})
    connection = Connection(t.url)
    began, done = time.perf_counter(), 0
    while done < 600 and time.perf_counter() - began < 2 * t.seconds:
        _, answer = await connection.send(receive)
        for message in json.loads(answer).get("Messages", []):
            await connection.send(_json(t, "sqs", "AmazonSQS.DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}))
            done += 1
    connection.close()
    return Figure(done / (time.perf_counter() - began), "/s")


async def sqs_receive_delete_batch(t: Target) -> Figure:
    """Ten messages at a time, by four clients, from a queue of 4000."""
    url = _queue(t, "receive-batch")
    entries = [{"Id": str(number), "MessageBody": BODY} for number in range(10)]
    fill = _json(t, "sqs", "AmazonSQS.SendMessageBatch", {"QueueUrl": url, "Entries": entries})
    receive = _json(t, "sqs", "AmazonSQS.ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})
    filler = Connection(t.url)
    for _ in range(400):
        await filler.send(fill)
    filler.close()
    began, done = time.perf_counter(), 0

    async def client() -> None:
        nonlocal done
        connection = Connection(t.url)
        while time.perf_counter() - began < t.seconds:
            _, answer = await connection.send(receive)
            found = json.loads(answer).get("Messages", [])
            if not found:
                break
            gone = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(found)]
            await connection.send(_json(t, "sqs", "AmazonSQS.DeleteMessageBatch", {"QueueUrl": url, "Entries": gone}))
            done += len(found)
        connection.close()

    await asyncio.gather(*(client() for _ in range(4)))
    return Figure(done / (time.perf_counter() - began), "messages/s")


async def sns_publish_batch(t: Target) -> Figure:
    topic = t.client("sns").create_topic(Name="publish-batch")["TopicArn"]
    entries = "".join(f"&PublishBatchRequestEntries.member.{n}.Id={n}&PublishBatchRequestEntries.member.{n}.Message={BODY}" for n in range(1, 11))
    body = f"Action=PublishBatch&Version=2010-03-31&TopicArn={topic.replace(':', '%3A')}{entries}".encode()
    request = t.signed("sns", "POST", "/", {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, body)
    return Figure((await load(t.url, [request], 16, t.seconds)).per_second * 10, "messages/s")


async def sns_publish(t: Target) -> Figure:
    topic = t.client("sns").create_topic(Name="publish")["TopicArn"]
    return Figure((await load(t.url, [_publish(t, topic, BODY)], 16, t.seconds)).per_second, "/s")


def _publish(t: Target, topic: str, message: str) -> bytes:
    body = f"Action=Publish&Version=2010-03-31&TopicArn={topic.replace(':', '%3A')}&Message={message}".encode()
    return t.signed("sns", "POST", "/", {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, body)


async def sns_to_sqs(t: Target) -> Figure:
    url = _queue(t, "from-sns")
    sns = t.client("sns")
    topic = sns.create_topic(Name="to-sqs")["TopicArn"]
    _let_in(t, url, "sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=_arn(t, url))
    return await _hops(t, url, _publish(t, topic, "x"))


async def events_put(t: Target) -> Figure:
    events = t.client("events")
    url = _queue(t, "put-events")
    _let_in(t, url, "events.amazonaws.com")
    events.put_rule(Name="put-events", EventPattern=json.dumps({"source": ["bench.put"], "detail": {"kind": ["a", {"prefix": "b"}]}}))
    events.put_targets(Rule="put-events", Targets=[{"Id": "q", "Arn": _arn(t, url)}])
    entry = {"Source": "bench.put", "DetailType": "d", "Detail": '{"kind": "a"}'}
    request = _json(t, "events", "AWSEvents.PutEvents", {"Entries": [entry]}, "1.1")
    return Figure((await load(t.url, [request], 16, t.seconds)).per_second, "/s")


async def events_to_sqs(t: Target) -> Figure:
    events = t.client("events")
    url = _queue(t, "from-events")
    _let_in(t, url, "events.amazonaws.com")
    events.put_rule(Name="to-sqs", EventPattern=json.dumps({"source": ["bench.hop"]}))
    events.put_targets(Rule="to-sqs", Targets=[{"Id": "q", "Arn": _arn(t, url)}])
    entry = {"Source": "bench.hop", "DetailType": "d", "Detail": "{}"}
    return await _hops(t, url, _json(t, "events", "AWSEvents.PutEvents", {"Entries": [entry]}, "1.1"))


def _let_in(t: Target, url: str, service: str) -> None:
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    t.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


async def _hops(t: Target, url: str, send: bytes) -> Figure:
    """From just before an event is sent until a long poll of the queue has it."""
    receive = _json(t, "sqs", "AmazonSQS.ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 5, "MaxNumberOfMessages": 1})
    connection, sender = Connection(t.url), Connection(t.url)
    took: list[float] = []
    for _ in range(HOPS):
        waiting = asyncio.ensure_future(connection.send(receive))
        await asyncio.sleep(0.005)
        began = time.perf_counter()
        sent = asyncio.ensure_future(sender.send(send))
        _, answer = await waiting
        took.append((time.perf_counter() - began) * 1000)
        status, _ = await sent
        assert status == 200
        for message in json.loads(answer).get("Messages", []):
            await connection.send(_json(t, "sqs", "AmazonSQS.DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}))
    connection.close()
    sender.close()
    return _latency(took)


async def kinesis_put(t: Target) -> Figure:
    stream = _stream(t, "bench-put")
    records = [{"Data": base64.b64encode(b"r" * 256).decode(), "PartitionKey": f"p{number}"} for number in range(10)]
    request = _json(t, "kinesis", "Kinesis_20131202.PutRecords", {"StreamName": stream, "Records": records}, "1.1")
    return Figure((await load(t.url, [request], 16, t.seconds)).per_second * 10, "records/s")


async def kinesis_put_one(t: Target) -> Figure:
    stream = _stream(t, "bench-one")
    record = {"StreamName": stream, "Data": base64.b64encode(b"r" * 256).decode(), "PartitionKey": "p"}
    return Figure((await load(t.url, [_json(t, "kinesis", "Kinesis_20131202.PutRecord", record, "1.1")], 16, t.seconds)).per_second, "/s")


async def kinesis_get(t: Target) -> Figure:
    """A page of 1000 records, which a shard gives five times a second."""
    stream = _stream(t, "bench-get")
    client = t.client("kinesis")
    for _ in range(2):
        client.put_records(StreamName=stream, Records=[{"Data": b"r" * 256, "PartitionKey": f"p{number}"} for number in range(500)])
    shard = client.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    request = _json(t, "kinesis", "Kinesis_20131202.GetRecords", {"ShardIterator": iterator, "Limit": 1000}, "1.1")
    connection = Connection(t.url)
    took: list[float] = []
    for _ in range(4):
        began = time.perf_counter()
        status, answer = await connection.send(request)
        took.append((time.perf_counter() - began) * 1000)
        assert status == 200
        assert len(json.loads(answer)["Records"]) == 1000
    connection.close()
    return _latency(took)


def _stream(t: Target, name: str) -> str:
    client = t.client("kinesis")
    client.create_stream(StreamName=name, ShardCount=1)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return name


async def sqs_to_function(t: Target) -> Figure:
    """From just before a message is sent until the function's handler begins, by the handler's own clock."""
    name = t.function(REPORTS_TIME)
    url = _queue(t, "to-function")
    functions, sqs, logs = t.client("lambda"), t.client("sqs"), t.client("logs")
    mapping = functions.create_event_source_mapping(FunctionName=name, EventSourceArn=_arn(t, url), BatchSize=1)["UUID"]
    for _ in range(300):
        if functions.get_event_source_mapping(UUID=mapping)["State"] == "Enabled":
            break
        await asyncio.sleep(0.1)
    functions.invoke(FunctionName=name, Payload=b'{"Records": []}')
    for _ in range(HOPS):
        await asyncio.to_thread(sqs.send_message, QueueUrl=url, MessageBody=repr(time.time()))
        await asyncio.sleep(0.02)
    took: list[float] = []
    end = time.perf_counter() + 30
    while len(took) < HOPS and time.perf_counter() < end:
        await asyncio.sleep(0.5)
        found: list[dict[str, Any]] = []
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}", filterPattern="LATENCY"):
            found += page["events"]
        took = [float(event["message"].split("LATENCY", 1)[1]) * 1000 for event in found]
    assert len(took) >= HOPS, f"{len(took)} of {HOPS} messages were handled"
    return _latency(took)


def _latency(took: list[float]) -> Figure:
    ordered = sorted(took)
    return Figure(statistics.median(took), "ms", more_is_better=False, note=f"p99 {ordered[int(len(ordered) * 0.99) - 1]:.1f} ms")


MEASUREMENTS = {
    "SQS SendMessage 1 KB, 16 clients": ("sqs", sqs_send),
    "SQS SendMessageBatch 10, 16 clients": ("sqs", sqs_send_batch),
    "SQS receive and delete, 1 client": ("sqs", sqs_receive_delete),
    "SQS receive and delete 10 at a time, 4 clients": ("sqs", sqs_receive_delete_batch),
    "SNS PublishBatch 10, 16 clients": ("sns", sns_publish_batch),
    "SNS Publish 1 KB, 16 clients": ("sns", sns_publish),
    "SNS to SQS, end to end": ("sns", sns_to_sqs),
    "EventBridge PutEvents, 16 clients": ("events", events_put),
    "EventBridge to SQS, end to end": ("events", events_to_sqs),
    "Kinesis PutRecords 10, 16 clients": ("kinesis", kinesis_put),
    "Kinesis PutRecord, 16 clients": ("kinesis", kinesis_put_one),
    "Kinesis GetRecords, a page of 1000": ("kinesis", kinesis_get),
    "SQS to function, end to end": ("sqs", sqs_to_function),
}
