"""What Lambda itself has to say about an instance and its invocations: one event, told as a line of text, as a line of JSON, and
to extensions by the Telemetry API.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html, and monitoring-cloudwatchlogs-log-level.html
for the levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tule.compute import reports
from tule.compute.compute import FunctionSpec, InitializationType
from tule.compute.failures import Failure

Level = Literal["DEBUG", "INFO", "WARN"]
Phase = Literal["init", "invoke"]


@dataclass(slots=True, frozen=True)
class PlatformEvent:
    """`text` is its line in a log of text, if it has one there.  Levels decide what a log of JSON keeps; without one, nothing."""

    kind: str
    record: Any
    level: Level | None
    text: str = ""


def init_start(function: FunctionSpec, initialization: InitializationType) -> PlatformEvent:
    version, arn = reports.runtime_version(function.runtime, function.region)
    record = {
        "initializationType": initialization,
        "phase": "init",
        "runtimeVersion": version,
        "runtimeVersionArn": arn,
        "functionName": function.name,
        "functionVersion": function.version,
        "instanceMaxMemory": function.memory_mb,
    }
    return PlatformEvent("platform.initStart", record, "INFO", reports.init_start(function.runtime, function.region))


def init_runtime_done(initialization: InitializationType, phase: Phase, failure: Failure | None) -> PlatformEvent:
    record = {"initializationType": initialization, "phase": phase, **_status(failure)}
    return PlatformEvent("platform.initRuntimeDone", record, "WARN" if failure else "DEBUG")


def init_report(initialization: InitializationType, phase: Phase, duration_ms: float, failure: Failure | None) -> PlatformEvent:
    record = {"initializationType": initialization, "phase": phase, **_status(failure), "metrics": {"durationMs": round(duration_ms, 3)}}
    level: Level = "WARN" if failure else "DEBUG" if initialization == "on-demand" else "INFO"
    return PlatformEvent("platform.initReport", record, level, reports.init_report(duration_ms, phase, failure) if failure else "")


def start(request_id: str, version: str, trace: str | None) -> PlatformEvent:
    record = {"requestId": request_id, "version": version, **_tracing(trace)}
    return PlatformEvent("platform.start", record, "INFO", reports.start(request_id, version))


def runtime_done(request_id: str, trace: str | None, duration_ms: float, produced: int, failure: Failure | None, failed: bool) -> PlatformEvent:
    """`failed` when the function itself said so: an `error` is of the runtime or the sandbox."""
    status = _status(failure) if failure or not failed else {"status": "failure"}
    record = {
        "requestId": request_id,
        **status,
        **_tracing(trace),
        "metrics": {"durationMs": round(duration_ms, 3), "producedBytes": produced},
    }
    return PlatformEvent("platform.runtimeDone", record, "DEBUG" if status["status"] == "success" else "WARN")


def end(request_id: str) -> PlatformEvent:
    """Only the old Logs API and logs of text have it."""
    return PlatformEvent("platform.end", {"requestId": request_id}, None, reports.end(request_id))


def fault(text: str) -> PlatformEvent:
    """Why an instance ended; only the old Logs API and logs of text have it."""
    return PlatformEvent("platform.fault", text.rstrip("\n"), None, text)


def report(
    request_id: str,
    trace: str | None,
    duration_ms: float,
    billed_ms: int,
    memory_mb: int,
    used_mb: int,
    init_ms: float | None,
    failure: Failure | None,
    failed: bool,
) -> PlatformEvent:
    metrics: dict[str, object] = {
        "durationMs": round(duration_ms, 2),
        "billedDurationMs": billed_ms,
        "memorySizeMB": memory_mb,
        "maxMemoryUsedMB": used_mb,
    }
    if init_ms is not None:
        metrics["initDurationMs"] = round(init_ms, 2)
    status = _status(failure) if failure or not failed else {"status": "failure"}
    record = {"requestId": request_id, "metrics": metrics, **_tracing(trace), **status}
    text = reports.report(request_id, duration_ms, billed_ms, memory_mb, used_mb, init_ms, failure)
    return PlatformEvent("platform.report", record, "INFO" if status["status"] == "success" else "WARN", text)


def extension(name: str, state: str, events: Sequence[str], error_type: str = "") -> PlatformEvent:
    record: dict[str, object] = {"name": name, "state": state, "events": list(events)}
    text = f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]"
    if error_type:
        record["errorType"] = error_type
        text += f"\tError Type: {error_type}"
    return PlatformEvent("platform.extension", record, "WARN" if error_type else "INFO", text + "\n")


def subscription(old: bool, name: str, types: Sequence[str]) -> PlatformEvent:
    """`old` of the Logs API."""
    kind, word = ("platform.logsSubscription", "LOGS") if old else ("platform.telemetrySubscription", "TELEMETRY")
    text = f"{word}\tName: {name}\tState: Subscribed\tTypes: [{', '.join(types)}]\n"
    return PlatformEvent(kind, {"name": name, "state": "Subscribed", "types": list(types)}, "INFO", text)


def logs_dropped(records: int, size: int) -> PlatformEvent:
    reason = "Some logs were dropped because the downstream consumer is slower than the logs production rate"
    return PlatformEvent("platform.logsDropped", {"reason": reason, "droppedRecords": records, "droppedBytes": size}, "WARN")


def _status(failure: Failure | None) -> dict[str, str]:
    if failure is None:
        return {"status": "success"}
    return {"status": failure.status} | ({"errorType": failure.error_type} if failure.status == "error" else {})


def _tracing(trace: str | None) -> dict[str, object]:
    return {} if trace is None else {"tracing": {"type": "X-Amzn-Trace-Id", "value": trace}}
