"""The life of an execution: it starts, is woken when something that it waited for has come, and ends."""

from __future__ import annotations

import hashlib
from typing import Any

from tule.backbone.jobs import Job, cancel, enqueue
from tule.core.errors import ServiceError
from tule.platform import service_events
from tule.services.lambda_ import errors
from tule.services.lambda_.durable import history, state
from tule.services.lambda_.durable.state import Execution, Operation
from tule.services.lambda_.runnables import Runnable
from tule.store.store import Tx

RUN = "durable.run"
TIMER = "durable.timer"
DAY_MS = 86_400_000
DEFAULT_RETENTION_DAYS = 14
DEFAULT_TIMEOUT_S = 86_400
MANY = 1_000_000  # attempts of jobs that go on until the execution ends
TOKEN_CHARS = 32

Error = dict[str, Any]


def start(tx: Tx, function: Runnable, payload: str, name: str | None, trace: str | None) -> Execution:
    """A new execution, or the one that was started by this name with the same input.

    Raises DurableExecutionAlreadyStartedException.
    """
    ref, digest = function.ref, hashlib.sha256(payload.encode()).hexdigest()
    known = state.named(tx, ref, name) if name else None
    if known is not None:
        if known.data["input_sha256"] != digest:
            raise _already_started(name or "")
        return known
    config: dict[str, Any] = function.durable or {}
    execution = Execution(
        id=tx.ids.uuid(),
        account=ref.account,
        region=ref.region,
        function=ref.name,
        version=function.spec.version,
        name=name or tx.ids.uuid(),
        status="RUNNING",
        started_ms=tx.now_ms,
        ended_ms=0,
        data={
            "function_arn": f"{ref.arn}:{function.spec.version}",
            "config": config,
            "role": function.role,
            "trace": trace,
            "input_sha256": digest,
            "revision": 0,
            "external": 0,
            "seen": 0,
            "begun": 0,
            "failures": 0,
        },
    )
    timeout_s = config.get("ExecutionTimeout", DEFAULT_TIMEOUT_S)
    execution.data["times_out_ms"] = tx.now_ms + timeout_s * 1000
    state.insert(tx, execution)
    details = {"InputPayload": payload}
    operation = {"Id": execution.id, "Type": "EXECUTION", "Status": "STARTED", "StartTimestamp": tx.now_ms, "ExecutionDetails": details}
    state.put_operation(tx, execution, operation)
    history.record(tx, execution, "ExecutionStarted", {"Input": history.payload(payload), "ExecutionTimeout": timeout_s})
    set_timer(tx, execution, "timeout", "", execution.data["times_out_ms"])
    wake(tx, execution)
    _tell(tx, execution)
    state.put(tx, execution)
    return execution


def _already_started(name: str) -> ServiceError:
    return ServiceError(
        "DurableExecutionAlreadyStartedException", f"A durable execution named {name} has already been started.", 409, fields={"Type": "User"}
    )


def wake(tx: Tx, execution: Execution) -> None:
    """Let the function be invoked, unless it is already or must not be.  The caller stores the execution."""
    if execution.status != "RUNNING" or execution.data.get("job"):
        return
    job = Job(RUN, execution.data["function_arn"], execution.account, execution.region, {"execution": execution.id}, max_attempts=MANY)
    execution.data["job"] = enqueue(tx, job)


def set_timer(tx: Tx, execution: Execution, what: str, operation: str, due_ms: int) -> None:
    payload = {"execution": execution.id, "what": what, "operation": operation}
    name = _timer(execution, what, operation)
    enqueue(tx, Job(TIMER, execution.data["function_arn"], execution.account, execution.region, payload, due_ms=due_ms, max_attempts=MANY, name=name))


def cancel_timer(tx: Tx, execution: Execution, what: str, operation: str = "") -> None:
    cancel(tx, _timer(execution, what, operation))


def _timer(execution: Execution, what: str, operation: str) -> str:
    return f"durable.{what}.{execution.id}.{operation}"


def settle(tx: Tx, execution: Execution, operation: Operation, status: str, details: dict[str, Any] | None = None) -> None:
    """An operation has got on without the function: a wait is over, an answer has come.  Wakes the function."""
    operation["Status"] = status
    if status in state.ENDED or status == "CANCELLED":
        operation["EndTimestamp"] = tx.now_ms
    state.put_operation(tx, execution, operation)
    execution.data["external"] = execution.data["revision"]
    if details is not None:
        history.ended(tx, execution, operation, details)
    wake(tx, execution)
    state.put(tx, execution)


def finish(tx: Tx, execution: Execution, status: str, *, result: str | None = None, error: Error | None = None) -> None:
    """The end: nothing is waited for any more, and who waits for it is told."""
    execution.status, execution.ended_ms = status, tx.now_ms
    execution.data |= {"result": result, "error": error, "job": None, "token": None}
    history.execution_ended(tx, execution)
    cancel_timer(tx, execution, "timeout")
    for _, _, operation in state.operations(tx, execution):
        for what in ("wait", "retry", "callback", "heartbeat", "chained"):
            if operation["Status"] not in state.ENDED:
                cancel_timer(tx, execution, what, operation["Id"])
    days = execution.data["config"].get("RetentionPeriodInDays", DEFAULT_RETENTION_DAYS)
    set_timer(tx, execution, "retention", "", tx.now_ms + days * DAY_MS)
    _tell(tx, execution)
    state.put(tx, execution)
    tx.wake(state.topic(execution.id))
    if execution.data.get("parent"):
        tell_parent(tx, execution)


def _tell(tx: Tx, execution: Execution) -> None:
    """AWS: Lambda developer guide, monitoring durable functions: status changes are events on the default bus."""
    detail: dict[str, Any] = {
        "version": "1",
        "durableExecutionArn": execution.arn,
        "durableExecutionName": execution.name,
        "functionArn": execution.data["function_arn"],
        "status": execution.status,
        "startTimestamp": execution.started_ms,
    }
    if execution.ended:
        detail["endTimestamp"] = execution.ended_ms
    service_events.emit(
        tx,
        account=execution.account,
        region=execution.region,
        source="aws.lambda",
        detail_type="Durable Execution Status Change",
        detail=detail,
        resources=[execution.arn],
        trace=execution.data["trace"],
    )


def tell_parent(tx: Tx, execution: Execution) -> None:
    """The chained invocation that waits for this execution ends as it did."""
    waiting = execution.data["parent"]
    parent = state.find(tx, waiting["execution"])
    operation = state.operation(tx, parent, waiting["operation"]) if parent is not None else None
    if parent is None or parent.ended or operation is None or operation["Status"] != "STARTED":
        return
    end_chained(tx, parent, operation, execution.status, result=execution.data.get("result"), error=execution.data.get("error"))


def end_chained(tx: Tx, execution: Execution, operation: Operation, status: str, *, result: str | None, error: Error | None) -> None:
    told = {"Result": result} if status == "SUCCEEDED" else {"Error": error or {}}
    operation["ChainedInvokeDetails"] = {key: value for key, value in told.items() if value is not None}
    details = {"Result": history.payload(result)} if status == "SUCCEEDED" else {"Error": history.payload(error)}
    settle(tx, execution, operation, status, details)


def of_arn(tx: Tx, arn: str) -> Execution:
    """Raises ResourceNotFoundException."""
    execution = state.find(tx, arn.rpartition("/")[2])
    if execution is None or execution.arn != arn:
        raise errors.not_found(f"Durable execution not found: {arn}")
    return execution
