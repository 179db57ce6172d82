"""What a function says of its operations, applied one update after the other.  AWS: Lambda API reference, OperationUpdate."""

from __future__ import annotations

import base64
from typing import Any

from tule.backbone.jobs import Job, enqueue
from tule.services.lambda_ import errors
from tule.services.lambda_.durable import executions, history, state
from tule.services.lambda_.durable.state import Execution, Operation
from tule.store.store import Tx

CHAINED = "durable.chained"
MAX_OPERATIONS = 3_000

Update = dict[str, Any]


def apply(tx: Tx, execution: Execution, update: Update) -> None:
    """Raises InvalidParameterValueException."""
    if update["Type"] == "EXECUTION":
        _end_execution(tx, execution, update)
        return
    operation = state.operation(tx, execution, update["Id"])
    if operation is None:
        operation = _new(tx, execution, update)
    elif operation["Type"] != update["Type"]:
        raise errors.invalid_parameter(f"Operation {update['Id']} is of type {operation['Type']}.")
    elif operation["Status"] in state.ENDED:
        raise errors.invalid_parameter(f"Operation {update['Id']} has ended already.")
    _CHANGES[update["Type"]](tx, execution, operation, update)
    state.put_operation(tx, execution, operation)


def _new(tx: Tx, execution: Execution, update: Update) -> Operation:
    """An operation begins when it is first spoken of."""
    if "ParentId" in update and state.operation(tx, execution, update["ParentId"]) is None:
        raise errors.invalid_parameter(f"The parent operation {update['ParentId']} does not exist.")
    operation: Operation = {name: update[name] for name in ("Id", "ParentId", "Name", "Type", "SubType") if name in update}
    return operation | {"Status": "STARTED", "StartTimestamp": tx.now_ms}


def _end_execution(tx: Tx, execution: Execution, update: Update) -> None:
    if update["Action"] == "SUCCEED":
        executions.finish(tx, execution, "SUCCEEDED", result=update.get("Payload", ""))
    elif update["Action"] == "FAIL":
        executions.finish(tx, execution, "FAILED", error=update.get("Error", {}))
    else:
        raise _impossible(update)


def _context(tx: Tx, execution: Execution, operation: Operation, update: Update) -> None:
    match update["Action"]:
        case "START":
            history.started(tx, execution, operation, {})
        case "SUCCEED":
            replays = update.get("ContextOptions", {}).get("ReplayChildren", False)
            details: dict[str, Any] = {"Result": update.get("Payload")} | ({"ReplayChildren": True} if replays else {})
            operation["ContextDetails"] = _without_nothing(details)
            _end(tx, operation, "SUCCEEDED")
            history.ended(tx, execution, operation, {"Result": history.payload(update.get("Payload"))})
        case "FAIL":
            operation["ContextDetails"] = {"Error": update.get("Error", {})}
            _end(tx, operation, "FAILED")
            history.ended(tx, execution, operation, {"Error": history.payload(update.get("Error"))})
        case _:
            raise _impossible(update)


def _step(tx: Tx, execution: Execution, operation: Operation, update: Update) -> None:
    details: dict[str, Any] = operation.setdefault("StepDetails", {"Attempt": 0})
    action = update["Action"]
    if action == "START":
        operation["Status"] = "STARTED"
        details.pop("NextAttemptTimestamp", None)
        history.started(tx, execution, operation, {})
        return
    details["Attempt"] += 1
    retry: dict[str, Any] = {"CurrentAttempt": details["Attempt"]}
    error, result = update.get("Error"), update.get("Payload")
    details |= _without_nothing({"Result": result, "Error": error})
    match action:
        case "SUCCEED":
            details.pop("Error", None)
            _end(tx, operation, "SUCCEEDED")
            history.ended(tx, execution, operation, {"Result": history.payload(result), "RetryDetails": retry})
        case "FAIL":
            _end(tx, operation, "FAILED")
            history.ended(tx, execution, operation, {"Error": history.payload(error), "RetryDetails": retry})
        case "RETRY":
            delay_s = update.get("StepOptions", {}).get("NextAttemptDelaySeconds", 1)
            operation["Status"] = "PENDING"
            details["NextAttemptTimestamp"] = tx.now_ms + delay_s * 1000
            executions.set_timer(tx, execution, "retry", operation["Id"], details["NextAttemptTimestamp"])
            retry["NextAttemptDelaySeconds"] = delay_s
            kind, told = (
                ("StepSucceeded", {"Result": history.payload(result)}) if error is None else ("StepFailed", {"Error": history.payload(error)})
            )
            history.record(tx, execution, kind, {**told, "RetryDetails": retry}, operation)
        case _:
            raise _impossible(update)


def _wait(tx: Tx, execution: Execution, operation: Operation, update: Update) -> None:
    match update["Action"]:
        case "START":
            seconds = update.get("WaitOptions", {}).get("WaitSeconds", 1)
            ends_ms = tx.now_ms + seconds * 1000
            operation["WaitDetails"] = {"ScheduledEndTimestamp": ends_ms}
            executions.set_timer(tx, execution, "wait", operation["Id"], ends_ms)
            history.started(tx, execution, operation, {"Duration": seconds, "ScheduledEndTimestamp": ends_ms})
        case "CANCEL":
            executions.cancel_timer(tx, execution, "wait", operation["Id"])
            _end(tx, operation, "CANCELLED")
            history.ended(tx, execution, operation, {"Error": history.payload(update.get("Error"))})
        case _:
            raise _impossible(update)


def _callback(tx: Tx, execution: Execution, operation: Operation, update: Update) -> None:
    if update["Action"] != "START":
        raise _impossible(update)
    options = update.get("CallbackOptions", {})
    operation["CallbackDetails"] = {"CallbackId": callback_id(tx, execution, operation)}
    timeout_s, heartbeat_s = options.get("TimeoutSeconds", 0), options.get("HeartbeatTimeoutSeconds", 0)
    if timeout_s:
        executions.set_timer(tx, execution, "callback", operation["Id"], tx.now_ms + timeout_s * 1000)
    if heartbeat_s:
        operation["heartbeat_s"] = heartbeat_s
        executions.set_timer(tx, execution, "heartbeat", operation["Id"], tx.now_ms + heartbeat_s * 1000)
    limits = {name: seconds for name, seconds in (("Timeout", timeout_s), ("HeartbeatTimeout", heartbeat_s)) if seconds}
    history.started(tx, execution, operation, {"CallbackId": operation["CallbackDetails"]["CallbackId"], **limits})


def _chained(tx: Tx, execution: Execution, operation: Operation, update: Update) -> None:
    options = update.get("ChainedInvokeOptions")
    if update["Action"] != "START" or not options:
        raise _impossible(update)
    operation["ChainedInvokeDetails"] = {}
    payload = {"execution": execution.id, "operation": operation["Id"], "options": options, "input": update.get("Payload", "null")}
    job = Job(CHAINED, execution.data["function_arn"], execution.account, execution.region, payload, max_attempts=executions.MANY)
    enqueue(tx, job)
    history.started(tx, execution, operation, {"FunctionName": options["FunctionName"], "Input": history.payload(update.get("Payload"))})


_CHANGES = {"CONTEXT": _context, "STEP": _step, "WAIT": _wait, "CALLBACK": _callback, "CHAINED_INVOKE": _chained}


def callback_id(tx: Tx, execution: Execution, operation: Operation) -> str:
    """Names its execution and operation, and cannot be guessed."""
    return base64.b64encode(f"{execution.id}:{operation['Id']}:{tx.ids.hex(32)}".encode()).decode()


def _end(tx: Tx, operation: Operation, status: str) -> None:
    operation["Status"], operation["EndTimestamp"] = status, tx.now_ms


def _without_nothing(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value is not None}


def _impossible(update: Update) -> Exception:
    return errors.invalid_parameter(f"The action {update['Action']} is not valid for an operation of type {update['Type']}.")
