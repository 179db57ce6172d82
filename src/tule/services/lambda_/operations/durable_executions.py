"""Durable executions, as seen by people and by the functions themselves.  AWS: Lambda API reference, GetDurableExecution and its kin."""

from __future__ import annotations

from typing import Any

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import errors, state
from tule.services.lambda_.durable import checkpoints, executions, history, runs
from tule.services.lambda_.durable import state as durable
from tule.services.lambda_.durable.state import Execution, Operation
from tule.services.lambda_.names import LATEST, function_ref
from tule.services.lambda_.operations.versions import pages
from tule.store.store import Tx

PAGE = 100
_TIMES = {"StepDetails": "NextAttemptTimestamp", "WaitDetails": "ScheduledEndTimestamp"}

Params = dict[str, Any]


@reads
def get_durable_execution(call: Call, tx: Tx, params: Params) -> Params:
    execution = executions.of_arn(tx, params["DurableExecutionArn"])
    data, with_data = execution.data, params.get("IncludeExecutionData", True)
    answer = _summary(execution) | {"Version": execution.version, "DurableConfig": data["config"], "ExecutionDataIncluded": with_data}
    if not execution.ended:
        answer["ExpectedExecutionTimeoutTimestamp"] = data["times_out_ms"] / 1000
    if data["trace"]:
        answer["TraceHeader"] = {"XAmznTraceId": data["trace"]}
    if data.get("pause"):
        answer["PauseDetails"] = _pause(data["pause"])
    if not with_data:
        return answer
    beginning = durable.operation(tx, execution, execution.id)
    answer["InputPayload"] = beginning["ExecutionDetails"]["InputPayload"] if beginning is not None else None
    return answer | {"Result": data.get("result"), "Error": data.get("error")}


def _summary(execution: Execution) -> Params:
    shown: Params = {
        "DurableExecutionArn": execution.arn,
        "DurableExecutionName": execution.name,
        "FunctionArn": execution.data["function_arn"],
        "Status": execution.status,
        "StartTimestamp": execution.started_ms / 1000,
    }
    return shown | ({"EndTimestamp": execution.ended_ms / 1000} if execution.ended else {})


def _pause(pause: Params) -> Params:
    return {**pause, "PauseRequestTimestamp": pause["PauseRequestTimestamp"] / 1000}


@reads
def list_durable_executions_by_function(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    state.function(tx, ref._replace(qualifier=None))
    versions = _versions(tx, ref)
    found = [_summary(execution) for execution in durable.of_function(tx, ref) if _fits(execution, params, versions)]
    shown = found[::-1] if params.get("ReverseOrder") else found
    scope = f"lambda.ListDurableExecutionsByFunction.{ref.arn}.{params.get('ReverseOrder', False)}"
    return pages(call, params, scope, "DurableExecutions", shown, limit=params.get("MaxItems") or PAGE)


def _versions(tx: Tx, ref: Any) -> set[str] | None:
    """Those that the qualifier names; None for all."""
    if ref.qualifier is None:
        return None
    if ref.qualifier == LATEST or ref.qualifier.isdecimal():
        return {ref.qualifier}
    _, version = state.resolve(tx, ref)
    return {version["configuration"]["Version"]}


def _fits(execution: Execution, params: Params, versions: set[str] | None) -> bool:
    after, before = params.get("StartedAfter"), params.get("StartedBefore")
    return (
        (versions is None or execution.version in versions)
        and params.get("DurableExecutionName") in (None, execution.name)
        and execution.status in params.get("Statuses", (execution.status,))
        and (after is None or execution.started_ms > after * 1000)
        and (before is None or execution.started_ms < before * 1000)
    )


@reads
def get_durable_execution_history(call: Call, tx: Tx, params: Params) -> Params:
    execution = executions.of_arn(tx, params["DurableExecutionArn"])
    backwards, limit = params.get("ReverseOrder", False), params.get("MaxItems") or PAGE
    scope = f"lambda.history.{execution.id}.{backwards}"
    start = _position(call, scope, params, 1 << 62 if backwards else 0)
    found = durable.events(tx, execution, start, limit + 1, backwards=backwards)
    answer: Params = {"Events": [history.shown(event, with_data=params.get("IncludeExecutionData", True)) for event in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = call.node.pager.token(scope, found[limit - 1]["EventId"])
    return answer


@reads
def get_durable_execution_state(call: Call, tx: Tx, params: Params) -> Params:
    execution = executions.of_arn(tx, params["DurableExecutionArn"])
    if params["CheckpointToken"] != execution.data.get("token"):
        raise _bad_token()
    start = _position(call, f"lambda.durable.{execution.id}", params, 0)
    rows = runs.replayed(tx, execution, start)
    limit = params.get("MaxItems") or PAGE
    answer: Params = {"Operations": [_shown(operation) for _, _, operation in rows[:limit]]}
    if len(rows) > limit:
        answer["NextMarker"] = runs.marker_after(call.node, execution, rows[limit - 1][0])
    return answer


def _position(call: Call, scope: str, params: Params, beginning: int) -> int:
    if not params.get("Marker"):
        return beginning
    try:
        return int(call.node.pager.position(scope, params["Marker"]))
    except InvalidToken as error:
        raise errors.invalid_parameter("The Marker provided is invalid.") from error


def checkpoint_durable_execution(call: Call, tx: Tx, params: Params) -> Params:
    execution = executions.of_arn(tx, params["DurableExecutionArn"])
    data = execution.data
    token, client = params["CheckpointToken"], params.get("ClientToken")
    if token != data.get("token"):
        answered = data.get("answered")
        if client and answered and answered["client"] == client and answered["consumed"] == token:
            return _answer(tx, execution, answered["token"], answered["from"])
        raise _bad_token()
    if len(durable.operations(tx, execution)) + len(params.get("Updates", [])) > checkpoints.MAX_OPERATIONS:
        executions.finish(tx, execution, "FAILED", error={"ErrorType": "ServiceQuotaExceeded", "ErrorMessage": "Too many operations."})
        return {"NewExecutionState": {}}
    for update in params.get("Updates", []):
        checkpoints.apply(tx, execution, update)
        if execution.ended:
            return {"NewExecutionState": {}}
    before, following = data["seen"], None if execution.status == "PAUSING" else tx.ids.alnum(executions.TOKEN_CHARS)
    data |= {"token": following, "seen": data["revision"]}
    data["interrupted"] = following is None
    data["answered"] = {"client": client, "consumed": token, "token": following, "from": before}
    durable.put(tx, execution)
    return _answer(tx, execution, following, before)


def _answer(tx: Tx, execution: Execution, token: str | None, revision: int) -> Params:
    """The next token (none while the execution is to pause), and what has changed since the revision that the function knew."""
    changed = [_shown(operation) for _, changed, operation in durable.operations(tx, execution) if changed > revision]
    return {"NewExecutionState": {"Operations": changed}} | ({"CheckpointToken": token} if token else {})


def _bad_token() -> Exception:
    return errors.invalid_parameter("Invalid checkpoint token")


def _shown(operation: Operation) -> Params:
    """Times in seconds; what the API does not know is left out."""
    shown = {name: value for name, value in operation.items() if name != "heartbeat_s"}
    for name in ("StartTimestamp", "EndTimestamp"):
        if name in shown:
            shown[name] /= 1000
    for member, name in _TIMES.items():
        if name in shown.get(member, {}):
            shown[member] = {**shown[member], name: shown[member][name] / 1000}
    return shown


def stop_durable_execution(call: Call, tx: Tx, params: Params) -> Params:
    execution = executions.of_arn(tx, params["DurableExecutionArn"])
    if not execution.ended:
        executions.finish(tx, execution, "STOPPED", error=params.get("Error", {}))
    return {"StopTimestamp": execution.ended_ms / 1000}


def pause_durable_execution(call: Call, tx: Tx, params: Params) -> Params:
    execution = executions.of_arn(tx, params["DurableExecutionArn"])
    if execution.status != "RUNNING":
        return _unless_again(execution, params, "pause", "Only a running execution can be paused.")
    stops = params.get("ExecutionTimeoutPaused", True)
    reason = {"Reason": params["Reason"]} if "Reason" in params else {}
    details = {"PauseRequestTimestamp": tx.now_ms, "ExecutionTimeoutPaused": stops}
    execution.data |= {"pause": {**details, **reason}, "pause_token": params.get("ClientToken")}
    execution.status = "PAUSING" if execution.data.get("job") else "PAUSED"
    if stops:
        executions.cancel_timer(tx, execution, "timeout")
    history.record(tx, execution, "ExecutionPaused", details | ({"Reason": history.payload(params["Reason"])} if reason else {}))
    durable.put(tx, execution)
    return {}


def resume_durable_execution(call: Call, tx: Tx, params: Params) -> Params:
    execution = executions.of_arn(tx, params["DurableExecutionArn"])
    if execution.status not in ("PAUSED", "PAUSING"):
        return _unless_again(execution, params, "resume", "Only a paused execution can be resumed.")
    data, was = execution.data, execution.status
    pause = data.pop("pause")
    data["resume_token"] = params.get("ClientToken")
    if pause["ExecutionTimeoutPaused"]:
        data["times_out_ms"] += tx.now_ms - pause["PauseRequestTimestamp"]
        executions.set_timer(tx, execution, "timeout", "", data["times_out_ms"])
    execution.status = "RUNNING"
    if was == "PAUSED" and (data.pop("interrupted", False) or data["external"] > data["begun"]):
        executions.wake(tx, execution)
    reason = {"Reason": history.payload(params["Reason"])} if "Reason" in params else {}
    history.record(tx, execution, "ExecutionResumed", {"ResumeRequestTimestamp": tx.now_ms, **reason})
    durable.put(tx, execution)
    return {}


def _unless_again(execution: Execution, params: Params, what: str, complaint: str) -> Params:
    """The same request once more is no error."""
    token = params.get("ClientToken")
    if token and execution.data.get(f"{what}_token") == token:
        return {}
    raise errors.conflict(complaint)


def delete_durable_execution(call: Call, tx: Tx, params: Params) -> Params:
    execution = executions.of_arn(tx, params["DurableExecutionArn"])
    if not execution.ended:
        raise errors.conflict("Only an execution that has ended can be deleted.")
    executions.cancel_timer(tx, execution, "retention")
    durable.delete(tx, execution.id)
    return {"DeletionRequestTimestamp": tx.now_ms / 1000}
