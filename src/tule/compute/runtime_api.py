"""The Runtime API: how custom runtimes (`provided.*` bootstraps) ask for events and answer them.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and for answers in pieces runtimes-custom.html
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from tule.compute.answers import MAX_WHOLE, STREAMED
from tule.compute.compute import FunctionSpec
from tule.compute.instance_api import refused
from tule.compute.runtime_contract import Answer, InitFailed, Launch, Outcome, ResponseTooLarge, Spawned, SpawnRequest
from tule.compute.runtime_contract import Request as Event
from tule.compute.wrappers import invalid_entrypoint, unusable_program
from tule.server.http1 import ClientDisconnected
from tule.wire.http import BodyTooLarge, Request, Response, json_response

VERSION = "/2018-06-01/"
MAX_ERROR_BYTES = 256 * 1024
_INVOCATION = re.compile(r"^/2018-06-01/runtime/invocation/([^/]+)/(response|error)$")
_NEXT = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR = "/2018-06-01/runtime/init/error"
_ERROR_TYPE = "lambda-runtime-function-error-type"
_ERROR_BODY = "lambda-runtime-function-error-body"
_MODE = "lambda-runtime-function-response-mode"


class ProvidedRuntime:
    """`bootstrap` of the package (or of a layer), executed as it is.  AWS: Building a custom runtime."""

    parkable = False  # what is to be started comes with the function

    def launch(self, runtime: str, function: FunctionSpec | None) -> Launch:
        del runtime
        return SpawnRequest(argv=("/var/task/bootstrap" if function is None else _bootstrap(function),))

    def environment(self, function: FunctionSpec) -> Mapping[str, str]:
        """Nothing of its own: AWS_EXECUTION_ENV is not set for custom runtimes."""
        del function
        return {}

    def connect(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> ApiLink:
        return ApiLink(spawned, loop, unusable(function))


def _bootstrap(function: FunctionSpec) -> str:
    """AWS looks in the package, then in the layers."""
    return "/var/task/bootstrap" if os.path.lexists(function.code / "bootstrap") or _of_layers(function) is None else "/opt/bootstrap"


def _of_layers(function: FunctionSpec) -> Path | None:
    """The last layer that has one lies on top."""
    found = (layer / "bootstrap" for layer in reversed(function.layers))
    return next((path for path in found if os.path.lexists(path)), None)


def unusable(function: FunctionSpec) -> str:
    """Why there is nothing to execute, in AWS's words; else empty.  What a link leads to is found out by trying."""
    place = _bootstrap(function)
    path = function.code / "bootstrap" if place.startswith("/var/task") else _of_layers(function)
    if path is None or not os.path.lexists(path):
        return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    return unusable_program(place, path)


class ApiLink:
    """One instance that speaks the Runtime API, which has no way to change a variable."""

    renews = False

    def __init__(self, spawned: Spawned, loop: asyncio.AbstractEventLoop, unusable: str = "") -> None:
        """`unusable` says why the program cannot be executed."""
        self._loop = loop
        self._unusable = unusable
        spawned.api.serve(VERSION, self._handle)
        self._ready: asyncio.Future[None] = loop.create_future()
        self._event: Event | None = None  # waits to be fetched
        self._asking: asyncio.Future[Event] | None = None  # waits for an event
        self._current: Event | None = None
        self._answer: asyncio.Future[Outcome] | None = None
        self._sink: Answer | None = None
        self._settled: asyncio.Future[None] | None = None

    async def initialize(self) -> None:
        if self._unusable:
            raise invalid_entrypoint(self._unusable)
        await self._ready

    async def invoke(self, request: Event, answer: Answer) -> Outcome:
        self._answer, self._sink = self._loop.create_future(), answer
        if self._asking is not None and not self._asking.done():
            self._asking.set_result(request)
        else:
            self._event = request
        return await self._answer

    @property
    def settled(self) -> bool:
        return self._asking is not None and not self._asking.done()

    async def settle(self) -> None:
        while not self.settled:
            self._settled = self._loop.create_future()
            await self._settled

    def close(self) -> None:
        for waiting in (self._ready, self._asking):
            if waiting is not None and not waiting.done():
                waiting.cancel()

    async def _handle(self, request: Request) -> Response:
        if request.method == "GET" and request.path == _NEXT:
            return await self._next()
        if request.method == "POST" and request.path == _INIT_ERROR:
            return await self._init_error(request)
        match = _INVOCATION.match(request.path)
        if request.method != "POST" or match is None:
            return refused(404, "InvalidRequest", "Page not found")
        if self._current is None or match[1] != self._current.request_id:
            return refused(400, "InvalidRequestID", "Invalid request ID")
        return await (self._response(request) if match[2] == "response" else self._error(request))

    async def _next(self) -> Response:
        if self._current is not None:
            return refused(403, "InvalidStateTransition", "Transition from Running to Ready is not allowed")
        if not self._ready.done():
            self._ready.set_result(None)
        event = await self._fetched()
        if event is None:
            return refused(403, "InvalidStateTransition", "Another request for the next invocation came after this one")
        self._current = event
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
            ("lambda-runtime-aws-tenant-id", event.tenant),
        ):
            if value is not None:
                headers[name] = value
        return Response(200, headers, event.payload)

    async def _fetched(self) -> Event | None:
        """The next event, or None when the runtime has asked again: whoever asked before has given up, and would lose the event."""
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
        if self._event is not None:
            event, self._event = self._event, None
            return event
        asking = self._asking = self._loop.create_future()
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)
        await asyncio.wait([asking])
        return None if asking.cancelled() else asking.result()

    async def _response(self, request: Request) -> Response:
        if (mode := request.headers.get(_MODE)) is not None:
            return await self._streamed(request) if mode == "streaming" else refused(400, "InvalidResponseMode", "Invalid response mode")
        try:
            body = await request.stream.read(MAX_WHOLE)
        except BodyTooLarge:
            size = request.stream.length or MAX_WHOLE + 1
            self._settle(ResponseTooLarge(size))
            return refused(413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({MAX_WHOLE} bytes).")
        self._settle(Outcome(body))
        return json_response(202, {"status": "OK"})

    async def _streamed(self, request: Request) -> Response:
        """Pieces until the body ends; trailers say whether the function failed by then."""
        assert self._sink is not None
        self._sink.begin(request.headers.get("content-type", STREAMED))
        try:
            async for piece in request.stream:
                await self._sink.write(piece)
        except ClientDisconnected:
            self._settle(Outcome(_told("Runtime.TruncatedResponse", "Response truncated"), "Unhandled"))
            raise
        trailers = dict(request.raw_headers)  # which they are appended to
        self._settle(Outcome(_late_error(trailers), "Unhandled") if _ERROR_TYPE in trailers else Outcome(b""))
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
    return _told(request.headers.get(_ERROR_TYPE, "Runtime.Unknown"))


def _late_error(trailers: Mapping[str, str]) -> bytes:
    """The document comes in base64."""
    try:
        raw = base64.b64decode(trailers.get(_ERROR_BODY, ""), validate=True)
        if isinstance(json.loads(raw), dict):
            return raw
    except (binascii.Error, ValueError):
        pass
    return _told(trailers[_ERROR_TYPE])


def _told(error_type: str, message: str = "") -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
