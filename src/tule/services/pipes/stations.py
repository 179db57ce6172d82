"""What the enrichment and the target of a pipe have in common: calls as the pipe's role, events in, an answer out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tule.access.principal import Principal
from tule.core import arn as arns
from tule.core.arn import Arn
from tule.platform import targets
from tule.platform.node import Node
from tule.services.pipes import parameters
from tule.services.pipes.names import PipeRef


class StationFailed(Exception):
    """What runs there failed: a function's error, an execution that did not succeed.  `answer` is what it said."""

    def __init__(self, message: str, answer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.answer = answer


@dataclass(slots=True, frozen=True)
class Item:
    """One event on its way, and the text that a station gets of it."""

    event: Any
    text: str


@dataclass(slots=True, frozen=True)
class Station:
    """`parameters` are EnrichmentParameters or TargetParameters."""

    node: Node
    ref: PipeRef
    arn: Arn
    parameters: Mapping[str, Any]
    principal: Principal
    trace: str | None = None

    async def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ServiceError."""
        region = self.arn.region or self.ref.region
        return await self.node.dispatcher.invoke(
            service, operation, params, principal=self.principal, region=region, account=self.arn.account or None, trace=self.trace
        )


@dataclass(slots=True, frozen=True)
class Answer:
    """`failed` are positions of items that the station did not take."""

    payload: bytes = b""
    failed: frozenset[int] = field(default_factory=frozenset[int])


def station(node: Node, ref: PipeRef, arn: str, parameters: Mapping[str, Any], principal: Principal, trace: str | None) -> Station:
    return Station(node, ref, arns.parse(arn), parameters, principal, trace)


def array(items: Sequence[Item]) -> bytes:
    """The items as one JSON array, which functions and state machines get even for a single one.  Raises StationFailed."""
    text = f"[{','.join(item.text for item in items)}]".encode()
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise StationFailed("The transformed event is not valid JSON.") from error
    return text


async def invoke_function(at: Station, payload: bytes) -> bytes:
    """What the function answers.  Raises ServiceError, and StationFailed for a function that fails."""
    answer = await at.call("lambda", "Invoke", {"FunctionName": str(at.arn), "InvocationType": "RequestResponse", "Payload": payload})
    body: bytes = answer["Payload"]
    if answer.get("FunctionError"):
        raise StationFailed("The function returned an error.", body.decode(errors="replace"))
    return body


async def run_state_machine(at: Station, payload: bytes) -> bytes:
    """The output of a synchronous express execution.  Raises ServiceError, and StationFailed for one that does not succeed."""
    answer = await at.call("stepfunctions", "StartSyncExecution", {"stateMachineArn": str(at.arn), "input": payload.decode()})
    if answer["status"] != "SUCCEEDED":
        raise StationFailed(f"The execution ended as {answer['status']}: {answer.get('error', '')}", answer.get("cause", ""))
    return answer.get("output", "").encode()


async def request_destination(at: Station, item: Item) -> bytes:
    """What an API destination answers.  Raises ServiceError."""
    given = parameters.resolved(at.parameters.get("HttpParameters", {}), item.event)
    answer = await targets.send(at.node, str(at.arn), item.text, principal=at.principal, region=at.ref.region, settings=given, trace=at.trace)
    body: bytes = answer.get("Body", b"")
    return body
