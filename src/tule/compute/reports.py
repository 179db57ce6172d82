"""Lambda's own lines in a function's log.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"""

from __future__ import annotations

import json
import math


def start(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str) -> str:
    return f"END RequestId: {request_id}\n"


def billed_ms(duration_ms: float) -> int:
    return max(math.ceil(duration_ms), 1)


def report(request_id: str, duration_ms: float, memory_mb: int, used_mb: int, init_ms: float | None) -> str:
    text = f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed_ms(duration_ms)} ms\t"
    text += f"Memory Size: {memory_mb} MB\tMax Memory Used: {used_mb} MB\t"
    return text + (f"Init Duration: {init_ms:.2f} ms\t\n" if init_ms is not None else "\n")


def document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode()
