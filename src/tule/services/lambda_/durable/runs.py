"""Invoking the function of an execution: one job, which goes on until there is nothing to do but to wait.

The job tells the function of all operations and gives it a token for its checkpoints; what the function returns ends the
execution, or leaves it waiting.  A node that dies meanwhile begins the invocation again, with another token: what the first
one still says is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tule.backbone.delivery import Delivery, Done, Outcome, Retry
from tule.compute.compute import Invocation
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.lambda_.durable import executions, history, state
from tule.services.lambda_.durable.state import Execution, Operation
from tule.services.lambda_.names import of_arn
from tule.services.lambda_.runnables import Runnable
from tule.services.lambda_.running import functions
from tule.store.store import Tx

MAX_FAILURES = 5
RETRY_AFTER_MS = 5_000
THROTTLED_AFTER_MS = 1_000
FIRST_PAGE_BYTES = 4 * 1024 * 1024
WAITED_FOR = ("WAIT", "CALLBACK", "CHAINED_INVOKE")


@dataclass(slots=True, frozen=True)
class _Turn:
    """One invocation of the function."""

    payload: bytes
    trace: str | None
    began_ms: int


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    turn = await node.store.write(lambda tx: _begin(node, tx, delivery))
    if turn is None:
        return Done()
    here, request_id = functions(node), node.ids.uuid()
    try:
        function: Runnable = await here.runnables.get(of_arn(delivery.target))
    except ServiceError as error:
        message = error.message
        return await node.store.write(lambda tx: _lost(tx, delivery, message))
    try:
        done = await here.run(function, turn.payload, request_id, trace=turn.trace, waits=False)
    except ServiceError as error:
        if error.status == 429:
            return Retry(error.message, THROTTLED_AFTER_MS, counts=False)
        refusal = {"ErrorType": error.code, "ErrorMessage": error.message}
        return await node.store.write(lambda tx: _refused(tx, delivery, refusal))
    return await node.store.write(lambda tx: _conclude(tx, delivery, turn, done, request_id))


def _current(tx: Tx, delivery: Delivery) -> Execution | None:
    """The execution, if this job is the one that invokes its function."""
    execution = state.find(tx, delivery.payload["execution"])
    return execution if execution is not None and not execution.ended and execution.data.get("job") == delivery.id else None


def _begin(node: Node, tx: Tx, delivery: Delivery) -> _Turn | None:
    execution = _current(tx, delivery)
    if execution is None:
        return None
    data = execution.data
    if execution.status != "RUNNING":
        data["interrupted"] = True
        _rest(tx, execution)
        return None
    known = data["seen"]
    data |= {"token": _token(tx), "begun": data["revision"], "seen": data["revision"], "answered": None}
    state.put(tx, execution)
    return _Turn(_event(node, tx, execution, known), data["trace"], tx.now_ms)


def _token(tx: Tx) -> str:
    return tx.ids.alnum(executions.TOKEN_CHARS)


def _event(node: Node, tx: Tx, execution: Execution, known: int) -> bytes:
    rows = replayed(tx, execution)
    page, marker = first_page(node, execution, rows)
    event = {
        "DurableExecutionArn": execution.arn,
        "CheckpointToken": execution.data["token"],
        "InitialExecutionState": {"Operations": page, "NextMarker": marker},
        "UpdatedOperationIds": [operation["Id"] for _, revision, operation in rows if revision > known and operation["Type"] != "EXECUTION"],
    }
    return orjson.dumps(event)


def replayed(tx: Tx, execution: Execution, after: int = 0) -> list[tuple[int, int, Operation]]:
    """The operations that a function must know: not those inside of contexts that have ended, unless they ask for that."""
    rows = state.operations(tx, execution)
    closed: set[str] = set()
    kept: list[tuple[int, int, Operation]] = []
    for row in rows:
        operation = row[2]
        hidden = operation.get("ParentId") in closed
        details = operation.get("ContextDetails", {})
        if hidden or (operation["Type"] == "CONTEXT" and operation["Status"] in state.ENDED and not details.get("ReplayChildren")):
            closed.add(operation["Id"])
        if not hidden and row[0] > after:
            kept.append(row)
    return kept


def first_page(node: Node, execution: Execution, rows: list[tuple[int, int, Operation]]) -> tuple[list[Operation], str]:
    """As many operations as an invocation can carry, and the marker of the rest."""
    shown: list[Operation] = []
    size = 0
    for sequence, _, operation in rows:
        size += len(orjson.dumps(operation))
        if shown and size > FIRST_PAGE_BYTES:
            return shown, marker_after(node, execution, sequence - 1)
        shown.append(operation)
    return shown, ""


def marker_after(node: Node, execution: Execution, sequence: int) -> str:
    return node.pager.token(f"lambda.durable.{execution.id}", sequence)


def _rest(tx: Tx, execution: Execution) -> None:
    """The function is not invoked for now."""
    execution.data["job"] = None
    if execution.status == "PAUSING":
        execution.status = "PAUSED"
    state.put(tx, execution)


def _lost(tx: Tx, delivery: Delivery, message: str) -> Outcome:
    execution = _current(tx, delivery)
    if execution is not None:
        executions.finish(tx, execution, "FAILED", error={"ErrorType": "ResourceNotFoundException", "ErrorMessage": message})
    return Done()


def _conclude(tx: Tx, delivery: Delivery, turn: _Turn, done: Invocation, request_id: str) -> Outcome:
    execution = state.find(tx, delivery.payload["execution"])
    if execution is None:
        return Done()
    told: dict[str, Any] = {"StartTimestamp": turn.began_ms, "EndTimestamp": tx.now_ms, "RequestId": request_id}
    error = _error_of(done)
    history.record(tx, execution, "InvocationCompleted", told | ({"Error": history.payload(error)} if error else {}))
    if execution.ended or execution.data.get("job") != delivery.id:
        return Done()
    if error is not None:
        return _failed(tx, execution, error)
    execution.data["failures"] = 0
    return _answered(tx, execution, _output(done.payload))


def _refused(tx: Tx, delivery: Delivery, error: dict[str, Any]) -> Outcome:
    execution = _current(tx, delivery)
    return Done() if execution is None else _failed(tx, execution, error)


def _error_of(done: Invocation) -> dict[str, Any] | None:
    if done.error is None:
        return None
    return error_object(done.payload)


def error_object(document: bytes) -> dict[str, Any]:
    """A function's error document as the ErrorObject of an execution."""
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        return {"ErrorMessage": document.decode(errors="replace")}
    named = {"ErrorMessage": "errorMessage", "ErrorType": "errorType", "StackTrace": "stackTrace"}
    return {name: parsed[key] for name, key in named.items() if key in parsed}


def _failed(tx: Tx, execution: Execution, error: dict[str, Any]) -> Outcome:
    """An invocation that broke off is tried again, ever more rarely, and ends the execution when it goes on to fail."""
    failures = execution.data["failures"] = execution.data["failures"] + 1
    if failures >= MAX_FAILURES:
        executions.finish(tx, execution, "FAILED", error=error)
        return Done()
    execution.data["token"] = None
    state.put(tx, execution)
    return Retry("the function failed", RETRY_AFTER_MS * 2 ** (failures - 1), counts=False)


def _output(payload: bytes) -> dict[str, Any]:
    try:
        output = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    return output if isinstance(output, dict) else {}


def _answered(tx: Tx, execution: Execution, output: dict[str, Any]) -> Outcome:
    match output.get("Status"):
        case "SUCCEEDED":
            executions.finish(tx, execution, "SUCCEEDED", result=output.get("Result"))
        case "FAILED":
            executions.finish(tx, execution, "FAILED", error=output.get("Error") or {})
        case "PENDING":
            return _waiting(tx, execution)
        case _:
            executions.finish(
                tx, execution, "FAILED", error={"ErrorType": "InvalidParameterValueException", "ErrorMessage": "Invalid Status in invocation output."}
            )
    return Done()


def _waiting(tx: Tx, execution: Execution) -> Outcome:
    data = execution.data
    data["token"] = None
    if execution.status != "RUNNING":
        _rest(tx, execution)
        return Done()
    if data["external"] > data["begun"]:
        state.put(tx, execution)
        return Retry("something came while the function ran", 0, counts=False)
    if not any(is_awaited(operation) for _, _, operation in state.operations(tx, execution)):
        message = "Cannot return PENDING status with no pending operations."
        executions.finish(tx, execution, "FAILED", error={"ErrorType": "InvalidParameterValueException", "ErrorMessage": message})
        return Done()
    _rest(tx, execution)
    return Done()


def is_awaited(operation: Operation) -> bool:
    if operation["Type"] == "STEP":
        return operation["Status"] == "PENDING"
    return operation["Type"] in WAITED_FOR and operation["Status"] == "STARTED"
