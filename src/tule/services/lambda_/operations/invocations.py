"""Invoking functions.  AWS: Lambda API reference, Invoke, InvokeAsync."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from tule.compute.compute import Invocation
from tule.platform.call import Call
from tule.services.lambda_ import asynchronous, client_context, errors, tenancy
from tule.services.lambda_.durable import invoking
from tule.services.lambda_.json_complaints import complaint
from tule.services.lambda_.names import function_ref
from tule.services.lambda_.recursion import heard
from tule.services.lambda_.runnables import Runnable
from tule.services.lambda_.running import functions
from tule.wire.http import Body

MAX_SYNC_BYTES = 6_291_456
MAX_EVENT_BYTES = 1_048_576
LOG_TAIL_BYTES = 4096

Params = dict[str, Any]


async def invoke(call: Call, params: Params) -> Params:
    kind = params.get("InvocationType", "RequestResponse")
    payload: bytes = params.get("Payload") or b"{}"
    check_payload(payload, kind)
    told = client_context.of(params)
    here = functions(call.node)
    function = await here.runnables.get(function_ref(call, params["FunctionName"], params.get("Qualifier")))
    function = tenancy.of_tenant(function, params.get("TenantId"))
    if function.durable is not None and kind != "DryRun":
        return await _invoke_durable(call, function, payload, params, waits=kind == "RequestResponse")
    if "DurableExecutionName" in params:
        raise errors.invalid_parameter("You cannot specify a durable execution name for a function that is not durable.")
    if kind == "Event":
        await asynchronous.accept(call, function, payload, told)
        return {"StatusCode": 202}
    if kind == "DryRun":
        return {"StatusCode": 204}
    done = await here.run(function, payload, call.id, told, heard(call))
    return _answer(function, done, params.get("LogType") == "Tail")


async def _invoke_durable(call: Call, function: Runnable, payload: bytes, params: Params, *, waits: bool) -> Params:
    execution = await invoking.start(call.node, function, payload, params.get("DurableExecutionName"), heard(call), waits=waits)
    if not waits:
        return {"StatusCode": 202, "DurableExecutionArn": execution.arn}
    answered, error = invoking.answer(await invoking.end(call.node, execution.id))
    answer: Params = {"StatusCode": 200, "Payload": answered, "ExecutedVersion": execution.version, "DurableExecutionArn": execution.arn}
    return answer | ({"FunctionError": error} if error else {})


def check_payload(payload: bytes, kind: str) -> None:
    limit = MAX_EVENT_BYTES if kind == "Event" else MAX_SYNC_BYTES
    if len(payload) > limit:
        raise errors.payload_too_large(len(payload), kind, limit)
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise errors.unreadable_payload(complaint(payload, error)) from error


def _answer(function: Runnable, done: Invocation, with_log: bool) -> Params:
    answer: Params = {"StatusCode": 200, "Payload": done.payload, "ExecutedVersion": function.spec.version}
    if done.error is not None:
        answer["FunctionError"] = done.error
    if with_log:
        answer["LogResult"] = log_tail(done)
    return answer


def log_tail(done: Invocation) -> str:
    """The end of what the invocation wrote, in base64."""
    tail = "".join(_with_newline(line.text) for line in done.lines).encode()[-LOG_TAIL_BYTES:]
    return base64.b64encode(tail).decode()


def _with_newline(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


async def invoke_async(call: Call, params: Params) -> Params:
    """The old way to invoke asynchronously; `InvokeArgs` is a stream."""
    args = params["InvokeArgs"]
    payload = (await args.read(MAX_EVENT_BYTES) if isinstance(args, Body) else bytes(args)) or b"{}"
    check_payload(payload, "Event")
    function = tenancy.of_tenant(await functions(call.node).runnables.get(function_ref(call, params["FunctionName"])), None)
    await asynchronous.accept(call, function, payload, None)
    return {"Status": 202}
