"""The Runtime API: how custom runtimes (`provided.*` bootstraps) ask for events and answer them.

One small HTTP server for each instance, on the listener that was opened inside it.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence

from tule.compute.compute import FunctionSpec
from tule.compute.network_contract import RUNTIME_API
from tule.compute.runtime_contract import InitFailed, Launch, Outcome, ResponseTooLarge, Spawned, SpawnRequest
from tule.compute.runtime_contract import Request as Event
from tule.server.http1 import Server
from tule.wire.http import BodyTooLarge, Request, Response, json_response

MAX_ANSWER_BYTES = 6_291_556  # AWS: 6 MB and a little
MAX_ERROR_BYTES = 256 * 1024
_INVOCATION = re.compile(r"^/2018-06-01/runtime/invocation/([^/]+)/(response|error)$")
_NEXT = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR = "/2018-06-01/runtime/init/error"
_ERROR_TYPE = "lambda-runtime-function-error-type"


class ProvidedRuntime:
    """`bootstrap` of the package (or of a layer), executed as it is.  AWS: Building a custom runtime."""

    listeners: Sequence[str] = (RUNTIME_API,)
    parkable = False  # what is to be started comes with the function

    def launch(self, runtime: str, function: FunctionSpec | None) -> Launch:
        del runtime
        return SpawnRequest(argv=("/var/task/bootstrap" if function is None else _bootstrap(function),))

    def environment(self, function: FunctionSpec) -> Mapping[str, str]:
        return {
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        }

    def connect(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> ApiLink:
        return ApiLink(spawned, loop)


def _bootstrap(function: FunctionSpec) -> str:
    """AWS looks in the package, then in the layers."""
    if not (function.code / "bootstrap").exists() and any((layer / "bootstrap").exists() for layer in function.layers):
        return "/opt/bootstrap"
    return "/var/task/bootstrap"


class ApiLink:
    """One instance that speaks the Runtime API."""

    def __init__(self, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> None:
        self.rss_kb = 0  # the supervisor reads the memory group instead
        self._loop = loop
        self._server = Server()
        self._listener = spawned.sockets[RUNTIME_API]
        self._ready: asyncio.Future[None] = loop.create_future()
        self._event: asyncio.Queue[Event] = asyncio.Queue()
        self._current: Event | None = None
        self._answer: asyncio.Future[Outcome] | None = None
        self._tasks: set[asyncio.Task[object]] = set()

    async def initialize(self) -> None:
        await self._server.listen(self._handle, sock=self._listener)
        await self._ready

    async def invoke(self, request: Event) -> Outcome:
        self._answer = self._loop.create_future()
        self._event.put_nowait(request)
        return await self._answer

    def close(self) -> None:
        task = self._loop.create_task(self._server.stop(0))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not self._ready.done():
            self._ready.cancel()

    async def _handle(self, request: Request) -> Response:
        if request.method == "GET" and request.path == _NEXT:
            return await self._next()
        if request.method == "POST" and request.path == _INIT_ERROR:
            return await self._init_error(request)
        match = _INVOCATION.match(request.path)
        if request.method != "POST" or match is None:
            return json_response(404, {"errorMessage": "Page not found", "errorType": "InvalidRequest"})
        if self._current is None or match[1] != self._current.request_id:
            return json_response(400, {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"})
        return await (self._response(request) if match[2] == "response" else self._error(request))

    async def _next(self) -> Response:
        if not self._ready.done():
            self._ready.set_result(None)
        event = self._current = await self._event.get()
        headers = {
            "content-type": "application/json",
            "lambda-runtime-aws-request-id": event.request_id,
            "lambda-runtime-deadline-ms": str(event.deadline_ms),
            "lambda-runtime-invoked-function-arn": event.function_arn,
        }
        for name, value in (
            ("lambda-runtime-trace-id", event.trace),
            ("lambda-runtime-client-context", event.client_context),
            ("lambda-runtime-cognito-identity", event.cognito_identity),
        ):
            if value is not None:
                headers[name] = value
        return Response(200, headers, event.payload)

    async def _response(self, request: Request) -> Response:
        try:
            body = await request.stream.read(MAX_ANSWER_BYTES)
        except BodyTooLarge:
            size = request.stream.length or MAX_ANSWER_BYTES + 1
            self._settle(ResponseTooLarge(size))
            message = f"Exceeded maximum allowed payload size ({MAX_ANSWER_BYTES} bytes)."
            return json_response(413, {"errorMessage": message, "errorType": "RequestEntityTooLarge"})
        self._settle(Outcome(body))
        return json_response(202, {"status": "OK"})

    async def _error(self, request: Request) -> Response:
        self._settle(Outcome(await _document(request), "Unhandled"))
        return json_response(202, {"status": "OK"})

    async def _init_error(self, request: Request) -> Response:
        document = await _document(request)
        error_type = str(json.loads(document).get("errorType") or request.headers.get(_ERROR_TYPE, "Runtime.Unknown"))
        failure = InitFailed(error_type, document)
        if not self._ready.done():
            self._ready.set_exception(failure)
        else:
            self._settle(failure)
        return json_response(202, {"status": "OK"})

    def _settle(self, outcome: Outcome | Exception) -> None:
        self._current = None
        if self._answer is None or self._answer.done():
            return
        if isinstance(outcome, Exception):
            self._answer.set_exception(outcome)
        else:
            self._answer.set_result(outcome)


async def _document(request: Request) -> bytes:
    """The error document a runtime posted; one that is no JSON object becomes one."""
    try:
        raw = await request.stream.read(MAX_ERROR_BYTES)
        if isinstance(json.loads(raw), dict):
            return raw
    except (BodyTooLarge, ValueError):
        pass
    return json.dumps({"errorType": request.headers.get(_ERROR_TYPE, "Runtime.Unknown"), "errorMessage": ""}).encode()
