"""Invoking a durable function: an execution starts, and who wants its answer waits for its end."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from tule.platform.node import Node
from tule.services.lambda_ import errors
from tule.services.lambda_.durable import executions, state
from tule.services.lambda_.durable.state import Execution
from tule.services.lambda_.runnables import Runnable
from tule.store.store import Tx

MAX_WAITED_FOR_S = 900


async def start(node: Node, function: Runnable, payload: bytes, name: str | None, trace: str | None, *, waits: bool) -> Execution:
    """Returns when the execution is durable.  Raises InvalidParameterValueException, DurableExecutionAlreadyStartedException."""
    if function.ref.qualifier is None:
        raise errors.invalid_parameter("You cannot invoke a durable function using an unqualified ARN.")
    if waits and (function.durable or {}).get("ExecutionTimeout", 0) > MAX_WAITED_FOR_S:
        raise errors.invalid_parameter("You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.")
    text = payload.decode()
    return await node.store.write(lambda tx: executions.start(tx, function, text, name, trace))


async def end(node: Node, id: str) -> Execution:
    """The execution once it has ended."""
    ended = asyncio.Event()
    stop = node.store.subscribe(state.topic(id), ended.set)
    try:
        while True:
            ended.clear()
            execution = await node.store.read(lambda tx: _known(tx, id))
            if execution.ended:
                return execution
            await ended.wait()
    finally:
        stop()


def _known(tx: Tx, id: str) -> Execution:
    execution = state.find(tx, id)
    if execution is None:
        raise errors.not_found("The durable execution was deleted.")
    return execution


def answer(execution: Execution) -> tuple[bytes, str | None]:
    """What Invoke answers: the payload, and FunctionError when it failed."""
    if execution.status == "SUCCEEDED":
        return (execution.data.get("result") or "null").encode(), None
    error: dict[str, Any] = execution.data.get("error") or {}
    named = {"errorMessage": "ErrorMessage", "errorType": "ErrorType", "errorData": "ErrorData", "stackTrace": "StackTrace"}
    return orjson.dumps({key: error[name] for key, name in named.items() if name in error}), "Unhandled"
