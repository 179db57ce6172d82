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
    message = f"RequestId: {request_id} Error: {_how(status)}"
    error_type = "Runtime.OutOfMemory" if out_of_memory else "Runtime.ExitError"
    return Failure("error", error_type, _document(error_type, message), f"{message}\n{error_type}\n")


def response_too_large(limit: int = MAX_WHOLE) -> Failure:
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return Failure("error", "Function.ResponseSizeTooLarge", _document("Function.ResponseSizeTooLarge", message))


def _how(status: int | None) -> str:
    if status is None:
        return "Runtime exited with error: signal: killed"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"Runtime exited with error: signal: {(signal.strsignal(number) or str(number)).lower()}"
    code = os.WEXITSTATUS(status)
    return f"Runtime exited with error: exit status {code}" if code else "Runtime exited without providing a reason"


def _document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode()
