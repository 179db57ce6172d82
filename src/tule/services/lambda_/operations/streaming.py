"""Invoking functions and reading their answers while they are written.  AWS: Lambda API reference, InvokeWithResponseStream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from tule.platform.call import Call
from tule.services.lambda_ import client_context, tenancy
from tule.services.lambda_.names import function_ref
from tule.services.lambda_.operations.invocations import check_payload, log_tail
from tule.services.lambda_.running import RunningStream, functions

Params = dict[str, Any]


async def invoke_with_response_stream(call: Call, params: Params) -> Params:
    kind = params.get("InvocationType", "RequestResponse")
    payload: bytes = params.get("Payload") or b"{}"
    check_payload(payload, kind)
    told = client_context.of(params)
    here = functions(call.node)
    function = await here.runnables.get(function_ref(call, params["FunctionName"], params.get("Qualifier")))
    function = tenancy.of_tenant(function, params.get("TenantId"))
    if kind == "DryRun":
        return {"StatusCode": 204, "EventStream": _nothing()}
    stream = await here.stream(function, payload, call.id, told, call.trace)
    return {
        "StatusCode": 200,
        "ExecutedVersion": function.spec.version,
        "EventStream": _events(stream, with_log=params.get("LogType") == "Tail"),
    }


async def _nothing() -> AsyncIterator[Params]:
    return
    yield {}


async def _events(stream: RunningStream, *, with_log: bool) -> AsyncIterator[Params]:
    async for chunk in stream.chunks():
        yield {"PayloadChunk": {"Payload": chunk}}
    done = await stream.end()
    complete: Params = {}
    if done.error is not None:
        complete |= {"ErrorCode": done.error, "ErrorDetails": done.payload.decode()}
    if with_log:
        complete["LogResult"] = log_tail(done)
    yield {"InvokeComplete": complete}
