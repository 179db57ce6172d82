"""Callbacks: what an execution waits for from outside.  AWS: Lambda API reference, SendDurableExecutionCallbackSuccess and its kin."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from tule.core.errors import ServiceError
from tule.services.lambda_ import errors
from tule.services.lambda_.durable import executions, history, state
from tule.services.lambda_.durable.state import Execution, Operation
from tule.store.store import Tx


def execution_of(callback_id: str) -> tuple[str, str]:
    """The ids of the execution and of the operation.  Raises InvalidParameterValueException."""
    try:
        execution, operation, _ = base64.b64decode(callback_id, validate=True).decode().split(":")
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise errors.invalid_parameter("The callback ID is not valid.") from error
    return execution, operation


def waiting(tx: Tx, callback_id: str) -> tuple[Execution, Operation]:
    """Raises ResourceNotFoundException or CallbackTimeoutException."""
    id, operation_id = execution_of(callback_id)
    execution = state.find(tx, id)
    operation = state.operation(tx, execution, operation_id) if execution is not None else None
    if execution is None or operation is None or operation["CallbackDetails"]["CallbackId"] != callback_id:
        raise errors.not_found("The callback was not found.")
    if execution.ended or operation["Status"] != "STARTED":
        raise ServiceError(
            "CallbackTimeoutException",
            "The callback ID token has either expired or the callback associated with the token has already been closed.",
            400,
            fields={"Type": "User"},
        )
    return execution, operation


def succeed(tx: Tx, callback_id: str, result: str | None) -> None:
    execution, operation = waiting(tx, callback_id)
    if result is not None:
        operation["CallbackDetails"]["Result"] = result
    _close(tx, execution, operation, "SUCCEEDED", {"Result": history.payload(result)})


def fail(tx: Tx, callback_id: str, error: dict[str, Any]) -> None:
    execution, operation = waiting(tx, callback_id)
    operation["CallbackDetails"]["Error"] = error
    _close(tx, execution, operation, "FAILED", {"Error": history.payload(error)})


def beat(tx: Tx, callback_id: str) -> None:
    execution, operation = waiting(tx, callback_id)
    if "heartbeat_s" in operation:
        executions.set_timer(tx, execution, "heartbeat", operation["Id"], tx.now_ms + operation["heartbeat_s"] * 1000)


def time_out(tx: Tx, execution: Execution, operation: Operation, *, heartbeat: bool) -> None:
    kind = "Callback.Heartbeat" if heartbeat else "Callback.Timeout"
    message = "Callback heartbeat timed out" if heartbeat else "Callback timed out"
    error = {"ErrorType": kind, "ErrorMessage": message}
    operation["CallbackDetails"]["Error"] = error
    _close(tx, execution, operation, "TIMED_OUT", {"Error": history.payload(error)})


def _close(tx: Tx, execution: Execution, operation: Operation, status: str, details: dict[str, Any]) -> None:
    for what in ("callback", "heartbeat"):
        executions.cancel_timer(tx, execution, what, operation["Id"])
    executions.settle(tx, execution, operation, status, details)
