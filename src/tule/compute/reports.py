"""Lambda's own lines in a function's log.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html"""

from __future__ import annotations

import hashlib
import math
import re

from tule.compute.failures import Failure

_LANGUAGE = re.compile(r"^([a-z]+)")


def runtime_version(runtime: str, region: str) -> tuple[str, str]:
    """AWS writes `python:3.12.v38`, `nodejs:20.v12`, `provided:al2023.v5`; our versions of runtimes are all the first."""
    language, version = _split(runtime)
    name = f"{language}:{version}.v1" if version else f"{language}.v1"
    return name, f"arn:aws:lambda:{region}::runtime:{hashlib.sha256(name.encode()).hexdigest()}"


def init_start(runtime: str, region: str) -> str:
    name, arn = runtime_version(runtime, region)
    return f"INIT_START Runtime Version: {name}\tRuntime Version ARN: {arn}\n"


def _split(runtime: str) -> tuple[str, str]:
    """`python3.12` is `python` and `3.12`; `provided.al2023` is `provided` and `al2023`."""
    language, _, version = runtime.partition(".") if runtime.startswith("provided") else _LANGUAGE.sub(r"\1.", runtime, count=1).partition(".")
    return language, version.removesuffix(".x")


def init_report(duration_ms: float, phase: str, failure: Failure) -> str:
    text = f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}\tStatus: {failure.status}"
    return text + (f"\tError Type: {failure.error_type}\n" if failure.status == "error" else "\n")


def start(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str) -> str:
    return f"END RequestId: {request_id}\n"


def billed_ms(duration_ms: float, init_ms: float | None) -> int:
    """The Init phase is billed with the invocation that it was for.  AWS: Lambda pricing, since August 2025 for all functions."""
    return max(math.ceil(duration_ms + (init_ms or 0)), 1)


def report(
    request_id: str, duration_ms: float, billed: int, memory_mb: int, used_mb: int, init_ms: float | None, failure: Failure | None = None
) -> str:
    text = f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed} ms\t"
    text += f"Memory Size: {memory_mb} MB\tMax Memory Used: {used_mb} MB\t"
    if init_ms is not None:
        text += f"Init Duration: {init_ms:.2f} ms\t"
    if failure is not None:
        text += f"Status: {failure.status}"
        text += f"\tError Type: {failure.error_type}" if failure.status == "error" else ""
    return text + "\n"
