"""What the tests of event source mappings share: a function that may read and write everything, queues, streams."""

from __future__ import annotations

import json
from typing import Any

from tests.services.lambda_.house import ACCOUNT, REGION, House

EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["sqs:*", "kinesis:*", "dynamodb:*", "sns:*", "s3:*"], "Resource": "*"}],
}


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def stream_arn(name: str) -> str:
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


def table_stream_arn(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}/stream/2026-01-01T00:00:00.000"


async def allow(house: House, policy: dict[str, Any], name: str = "fun") -> None:
    await house.call("iam", "PutRolePolicy", RoleName=f"{name}-role", PolicyName="sources", PolicyDocument=json.dumps(policy))


async def function(house: House, name: str = "fun", **settings: Any) -> None:
    await house.function(name, **settings)
    await allow(house, EVERYTHING, name)


async def queue(house: House, name: str = "q", **attributes: Any) -> str:
    """Its URL."""
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    attributes = {key: str(value) for key, value in attributes.items()} | fifo
    return (await house.call("sqs", "CreateQueue", QueueName=name, Attributes=attributes))["QueueUrl"]


async def stream(house: House, name: str = "s", shards: int = 1) -> None:
    await house.call("kinesis", "CreateStream", StreamName=name, ShardCount=shards)
    await house.settle()


async def mapping(house: House, source: str, **settings: Any) -> str:
    """Its UUID, once it is enabled."""
    made = await house.lam("CreateEventSourceMapping", **{"FunctionName": "fun", "EventSourceArn": source, **settings})
    await house.settle()
    return made["UUID"]


async def send(house: House, url: str, *bodies: Any, **more: Any) -> list[str]:
    """Message ids."""
    sent: list[str] = []
    for body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        sent.append((await house.call("sqs", "SendMessage", QueueUrl=url, MessageBody=text, **more))["MessageId"])
    return sent


async def put(house: House, *data: Any, key: str = "k", name: str = "s") -> list[str]:
    """Sequence numbers."""
    numbers: list[str] = []
    for item in data:
        text = item if isinstance(item, bytes) else json.dumps(item).encode()
        numbers.append((await house.call("kinesis", "PutRecord", StreamName=name, Data=text, PartitionKey=key))["SequenceNumber"])
    return numbers


async def left(house: House, url: str) -> int:
    """Messages in the queue, visible or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    found = await house.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=names)
    return sum(int(found["Attributes"][name]) for name in names)


async def received(house: House, url: str) -> list[dict[str, Any]]:
    found = await house.call("sqs", "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600)
    return found.get("Messages", [])


def batches(house: House) -> list[list[dict[str, Any]]]:
    """The records of each invocation."""
    return [run.payload["Records"] for run in house.compute.runs]


def bodies(house: House) -> list[list[str]]:
    return [[record["body"] for record in records] for records in batches(house)]
