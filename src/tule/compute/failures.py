"""How an invocation fails when it is not the handler that says so; AWS's documents and words.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html and the Runtime API's error types.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from typing import Literal

from tule.compute.answers import MAX_WHOLE


@dataclass(slots=True, frozen=True)
class Failure:
    """`document` is the payload; `log` is what Lambda adds to the log, if anything."""

    status: Literal["error", "timeout"]
    error_type: str
    document: bytes
    log: str = ""


def reported(error_type: str, document: bytes) -> Failure:
    """The runtime said itself what is wrong."""
    return Failure("error", error_type, document)


def timed_out(request_id: str, timeout_s: float, now: str) -> Failure:
    text = f"Task timed out after {timeout_s:.2f} seconds"
    document = _document("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}")
    return Failure("timeout", "Sandbox.Timedout", document, f"{now} {request_id} {text}\n\n")


def exited(request_id: str, status: int | None, out_of_memory: bool) -> Failure:
    """`status` is the wait status of the runtime's process; None when it was killed with everything else."""
    message = f"RequestId: {request_id} Error: {_how_runtime_ended(status)}"
    error_type = "Runtime.OutOfMemory" if out_of_memory else "Runtime.ExitError"
    return Failure("error", error_type, _document(error_type, message), f"{message}\n{error_type}\n")


def of_extension(request_id: str, error_type: str, message: str) -> Failure:
    message = f"RequestId: {request_id} Error: {message}"
    return Failure("error", error_type, _document(error_type, message), f"{message}\n{error_type}\n")


def response_too_large(limit: int = MAX_WHOLE) -> Failure:
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return Failure("error", "Function.ResponseSizeTooLarge", _document("Function.ResponseSizeTooLarge", message))


def how_ended(status: int | None) -> str:
    """In the words of Go, in which Lambda's supervisor is written."""
    if status is None:
        return "signal: killed"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"signal: {(signal.strsignal(number) or str(number)).lower()}"
    return f"exit status {os.WEXITSTATUS(status)}"


def _how_runtime_ended(status: int | None) -> str:
    return "Runtime exited without providing a reason" if status == 0 else f"Runtime exited with error: {how_ended(status)}"


def _document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode()
