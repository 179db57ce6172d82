"""What happened to an execution, event by event.  AWS: Lambda API reference, GetDurableExecutionHistory, Event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.lambda_.durable import state
from tule.services.lambda_.durable.state import Execution, Operation
from tule.store.store import Tx

_KINDS = {"CONTEXT": "Context", "WAIT": "Wait", "STEP": "Step", "CALLBACK": "Callback", "CHAINED_INVOKE": "ChainedInvoke"}
_ENDINGS = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut", "STOPPED": "Stopped", "CANCELLED": "Cancelled"}
_DATA = ("Input", "Result", "Error", "Reason")

Details = Mapping[str, Any]


def record(tx: Tx, execution: Execution, kind: str, details: Details, operation: Operation | None = None) -> None:
    event: dict[str, Any] = {"EventType": kind, "EventTimestamp": tx.now_ms, f"{kind}Details": details}
    if operation is not None:
        event |= {name: operation[name] for name in ("Id", "Name", "ParentId", "SubType") if name in operation}
    else:
        event["Id"] = execution.id
    state.add_event(tx, execution, event)


def started(tx: Tx, execution: Execution, operation: Operation, details: Details) -> None:
    record(tx, execution, f"{_KINDS[operation['Type']]}Started", details, operation)


def ended(tx: Tx, execution: Execution, operation: Operation, details: Details) -> None:
    record(tx, execution, f"{_KINDS[operation['Type']]}{_ENDINGS[operation['Status']]}", details, operation)


def execution_ended(tx: Tx, execution: Execution) -> None:
    data = execution.data
    details = {"Result": payload(data.get("result"))} if execution.status == "SUCCEEDED" else {"Error": payload(data.get("error"))}
    record(tx, execution, f"Execution{_ENDINGS[execution.status]}", details)


def payload(value: Any) -> dict[str, Any]:
    """As results, inputs and errors stand in events."""
    return {"Truncated": False} | ({} if value is None else {"Payload": value})


def shown(event: dict[str, Any], *, with_data: bool) -> dict[str, Any]:
    """As the API answers: times in seconds, and data only where it is asked for."""
    name = f"{event['EventType']}Details"
    details = {key: _seconds(key, value) for key, value in event[name].items()}
    if not with_data:
        details = {key: ({"Truncated": True} if key in _DATA else value) for key, value in details.items()}
    return {**event, "EventTimestamp": event["EventTimestamp"] / 1000, name: details}


def _seconds(key: str, value: Any) -> Any:
    return value / 1000 if key.endswith("Timestamp") else value
