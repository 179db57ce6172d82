"""A node in the test's own process with a role for pipes, queues to read and write, and functions that do what the test says."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.services.lambda_ import house as lambda_house
from tests.services.lambda_.house import ACCOUNT, REGION, House

ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipe"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "pipes.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)


def allow(*actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


class PipesHouse(House):
    async def prepare(self) -> None:
        await self.call("iam", "CreateRole", RoleName="pipe", AssumeRolePolicyDocument=json.dumps(TRUST))
        await self.allow("*")
        await self.queue("in")

    async def allow(self, *actions: str) -> None:
        """What the pipe's role may do."""
        await self.call("iam", "PutRolePolicy", RoleName="pipe", PolicyName="p", PolicyDocument=allow(*actions))

    async def queue(self, name: str, **attributes: str) -> None:
        await self.call("sqs", "CreateQueue", QueueName=name, Attributes=attributes)

    async def url(self, name: str) -> str:
        return (await self.call("sqs", "GetQueueUrl", QueueName=name))["QueueUrl"]

    async def send(self, body: Any, queue: str = "in", **settings: Any) -> str:
        text = body if isinstance(body, str) else json.dumps(body)
        return (await self.call("sqs", "SendMessage", QueueUrl=await self.url(queue), MessageBody=text, **settings))["MessageId"]

    async def received(self, queue: str = "out") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            asked = {"QueueUrl": await self.url(queue), "MaxNumberOfMessages": 10, "AttributeNames": ["All"]}
            answer = await self.call("sqs", "ReceiveMessage", **asked)
            if not answer.get("Messages"):
                return found
            found += answer["Messages"]

    async def bodies(self, queue: str = "out") -> list[str]:
        return [message["Body"] for message in await self.received(queue)]

    async def left(self, queue: str = "in") -> int:
        """Messages that are there, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = await self.call("sqs", "GetQueueAttributes", QueueUrl=await self.url(queue), AttributeNames=names)
        return sum(int(count) for count in answer["Attributes"].values())

    async def pipe(self, target: str, name: str = "p", source: str = "", **settings: Any) -> dict[str, Any]:
        """A pipe that has come to its first state."""
        made = await self.call("pipes", "CreatePipe", Name=name, Source=source or arn("sqs", "in"), Target=target, RoleArn=ROLE, **settings)
        await self.settle()
        return made

    async def state(self, name: str = "p") -> tuple[str, str]:
        shown = await self.call("pipes", "DescribePipe", Name=name)
        return shown["CurrentState"], shown["StateReason"]

    @property
    def events(self) -> list[Any]:
        return [run.payload for run in self.compute.runs]


@asynccontextmanager
async def opened(data: Path, kind: str) -> AsyncGenerator[PipesHouse]:
    async with lambda_house.opened(data, kind) as running:
        running.node.clock.freeze(int(NOON.timestamp() * 1000))
        house = PipesHouse(running.app, running.compute)
        await house.prepare()
        yield house
