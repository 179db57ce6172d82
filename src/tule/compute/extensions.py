"""Extensions of one instance: who they are, what they have been told, and whether they are done; the Extensions API.

External ones are programs in /opt/extensions, started before the runtime; internal ones register from within its process.  The
phases wait for them: Init until every external one has registered and every one has asked for its next event, an invocation until
every one that it was told to has asked again.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tule.compute import platform_events
from tule.compute.compute import FunctionSpec
from tule.compute.instance_api import refused
from tule.compute.platform_log import PlatformLog
from tule.compute.runtime_contract import Request as Event
from tule.wire.http import BodyTooLarge, Request, Response, json_response

VERSION = "/2020-01-01/"
DIRECTORY = "extensions"  # in a layer
MAX_EXTENSIONS = 10
MAX_BODY_BYTES = 256 * 1024
INVOKE, SHUTDOWN = "INVOKE", "SHUTDOWN"
_IDENTIFIER = "lambda-extension-identifier"
_NAME = "lambda-extension-name"
_ERROR_TYPE = "lambda-extension-function-error-type"

Broken = Callable[[str, str], None]  # error type, message


def external_names(layers: Sequence[Path]) -> tuple[str, ...]:
    """The programs in the layers' /opt/extensions, by name."""
    names: set[str] = set()
    for layer in layers:
        if os.path.isdir(layer / DIRECTORY):
            names.update(entry.name for entry in os.scandir(layer / DIRECTORY) if not entry.is_dir())
    return tuple(sorted(names))


class Extension:
    """One that has been started, or has registered."""

    def __init__(self, name: str, external: bool) -> None:
        self.name = name
        self.external = external
        self.id = ""
        self.events: tuple[str, ...] = ()
        self.waits = False  # has asked for its next event, and has none
        self.gone = False
        self.told: deque[Mapping[str, object]] = deque()
        self.asking: asyncio.Future[None] | None = None

    @property
    def registered(self) -> bool:
        return bool(self.id)

    def tell(self, event: Mapping[str, object]) -> None:
        self.waits = False
        self.told.append(event)
        if self.asking is not None and not self.asking.done():
            self.asking.set_result(None)

    async def next(self) -> Mapping[str, object] | None:
        """None when it asked again: whoever asked before has given up, and would lose the event."""
        if self.asking is not None and not self.asking.done():
            self.asking.cancel()
        if not self.told:
            asking = self.asking = asyncio.get_running_loop().create_future()
            await asyncio.wait([asking])
            if asking.cancelled():
                return None
        return self.told.popleft()


class Extensions:
    def __init__(self, function: FunctionSpec, external: Sequence[str], platform: PlatformLog, broken: Broken) -> None:
        """`broken` is called once an extension has failed, which is the end of its instance."""
        self._function = function
        self._platform = platform
        self._broken = broken
        self._by_name = {name: Extension(name, True) for name in external}
        self._open = True  # for registrations
        self._ending = False
        self._waiting: set[asyncio.Future[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._by_name)

    @property
    def names(self) -> list[str]:
        return list(self._by_name)

    @property
    def external(self) -> bool:
        return any(each.external for each in self._by_name.values())

    def named(self, identifier: str) -> str | None:
        """The name of the extension that has this identifier."""
        found = self._found(identifier)
        return found.name if found is not None else None

    @property
    def accepts_registrations(self) -> bool:
        return self._open

    # -- phases

    async def registered(self) -> None:
        await self._until(lambda: all(each.registered or each.gone for each in self._by_name.values()))

    async def ready(self) -> None:
        """The end of Init."""
        await self._until(lambda: all(each.waits or each.gone for each in self._by_name.values()))
        for each in self._by_name.values():
            self._platform.tell(platform_events.extension(each.name, "Ready", each.events))

    def close_registration(self) -> None:
        self._open = False

    def invoke(self, event: Event) -> None:
        message: dict[str, object] = {
            "eventType": INVOKE,
            "deadlineMs": event.deadline_ms,
            "requestId": event.request_id,
            "invokedFunctionArn": event.function_arn,
        }
        if event.trace is not None:
            message["tracing"] = {"type": "X-Amzn-Trace-Id", "value": event.trace}
        for each in self._by_name.values():
            if INVOKE in each.events:
                each.tell(message)

    @property
    def quiet(self) -> bool:
        """Nobody works on an invocation any more."""
        return all(each.waits or each.gone or INVOKE not in each.events for each in self._by_name.values())

    async def become_quiet(self) -> None:
        await self._until(lambda: self.quiet)

    def shut_down(self, reason: str, deadline_ms: int) -> list[str]:
        """Tells those that want to know; returns the names of external ones that do not."""
        self._open, self._ending = False, True
        message = {"eventType": SHUTDOWN, "shutdownReason": reason, "deadlineMs": deadline_ms}
        for each in self._by_name.values():
            if each.external and SHUTDOWN in each.events:
                each.tell(message)
        return [each.name for each in self._by_name.values() if each.external and not each.gone and SHUTDOWN not in each.events]

    async def all_gone(self) -> None:
        await self._until(lambda: all(each.gone for each in self._by_name.values() if each.external))

    def close(self) -> None:
        for each in self._by_name.values():
            if each.asking is not None:
                each.asking.cancel()

    # -- what happens to their processes

    def not_started(self, name: str, why: str) -> None:
        """AWS: Extension.LaunchError."""
        self._by_name[name].gone = True
        self._fail(self._by_name[name], "LaunchError", "Extension.LaunchError", why)

    def exited(self, name: str, how: str) -> None:
        each = self._by_name[name]
        each.gone = True
        if not self._ending:
            self._fail(each, "Exited", "Extension.Crash", how)
        self._tell()

    def _fail(self, extension: Extension, state: str, error_type: str, message: str, own_type: str = "") -> None:
        if not self._ending:
            self._ending = True
            self._platform.tell(platform_events.extension(extension.name, state, extension.events, own_type or error_type))
            self._broken(error_type, message)
        self._tell()

    def _tell(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(changed)
            try:
                await changed
            finally:
                self._waiting.discard(changed)

    # -- the API

    async def handle(self, request: Request) -> Response:
        match (request.method, request.path.removeprefix(f"{VERSION}extension/")):
            case ("POST", "register"):
                return await self._register(request)
            case ("GET", "event/next"):
                return await self._next(request)
            case ("POST", "init/error"):
                return await self._error(request, "InitError", "Extension.InitError")
            case ("POST", "exit/error"):
                return await self._error(request, "ExitError", "Extension.ExitError")
            case _:
                return refused(404, "InvalidRequest", "Page not found")

    async def _register(self, request: Request) -> Response:
        name = request.headers.get(_NAME, "")
        if not name:
            return refused(400, "Extension.InvalidExtensionName", "Empty extension name")
        events = await _events(request)
        if events is None:
            return refused(400, "InvalidRequestFormat", "Invalid request format")
        wrong = next((event for event in events if event not in (INVOKE, SHUTDOWN)), None)
        if wrong is not None:
            return refused(400, "Extension.InvalidEventType", f"{wrong}: extension: invalid event type")
        known = self._by_name.get(name)
        if known is not None and known.registered:
            return refused(403, "Extension.AlreadyRegistered", "Extension with this name already registered")
        if not self._open:
            return refused(403, "Extension.RegistrationClosed", "Extension registration closed already")
        if known is None and SHUTDOWN in events:
            return refused(403, "ShutdownEventNotSupportedForInternalExtension", "SHUTDOWN event not supported for internal extensions")
        if known is None and len(self._by_name) >= MAX_EXTENSIONS:
            return refused(403, "Extension.TooManyExtensions", f"Extension limit ({MAX_EXTENSIONS}) reached")
        return self._admit(known or Extension(name, False), events, request.headers.get("lambda-extension-accept-feature", ""))

    def _admit(self, extension: Extension, events: tuple[str, ...], features: str) -> Response:
        function = self._function
        extension.id, extension.events = str(uuid.uuid4()), events
        self._by_name[extension.name] = extension
        self._tell()
        answer = {"functionName": function.name, "functionVersion": function.version, "handler": function.handler}
        if "accountId" in [each.strip() for each in features.split(",")]:
            answer["accountId"] = function.account
        return json_response(200, answer, {_IDENTIFIER: extension.id})

    async def _next(self, request: Request) -> Response:
        extension = self._found(request.headers.get(_IDENTIFIER, ""))
        if extension is None:
            return _unknown(request)
        extension.waits = not extension.told
        self._tell()
        event = await extension.next()
        if event is None:
            return refused(403, "Extension.InvalidExtensionState", "Another request for the next event came after this one")
        return json_response(200, event, {"lambda-extension-event-identifier": str(uuid.uuid4())})

    async def _error(self, request: Request, state: str, error_type: str) -> Response:
        extension = self._found(request.headers.get(_IDENTIFIER, ""))
        if extension is None:
            return _unknown(request)
        own_type = request.headers.get(_ERROR_TYPE, "")
        if not own_type:
            return refused(403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
        if state == "InitError" and not self._open:
            return refused(403, "Extension.InvalidExtensionState", "Init errors can be reported during Init only")
        message = await _message(request)
        self._fail(extension, state, error_type, f"{own_type}: {message}" if message else own_type, own_type)
        return json_response(202, {"status": "OK"})

    def _found(self, identifier: str) -> Extension | None:
        return next((each for each in self._by_name.values() if identifier and each.id == identifier), None)


def _unknown(request: Request) -> Response:
    identifier = request.headers.get(_IDENTIFIER)
    if identifier is None:
        return refused(403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
    try:
        uuid.UUID(identifier)
    except ValueError:
        return refused(403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
    return refused(403, "Extension.UnknownExtensionIdentifier", "Unknown extension " + identifier)


async def _events(request: Request) -> tuple[str, ...] | None:
    """None for what is no request to register; nobody need ask for events."""
    try:
        document = json.loads(await request.stream.read(MAX_BODY_BYTES) or b"{}")
        events = document.get("events") or []
        return tuple(dict.fromkeys(str(event) for event in events)) if isinstance(events, list) else None
    except (BodyTooLarge, ValueError, AttributeError):
        return None


async def _message(request: Request) -> str:
    """The errorMessage of an error document, if there is one."""
    try:
        document = json.loads(await request.stream.read(MAX_BODY_BYTES) or b"{}")
        return str(document.get("errorMessage") or "")
    except (BodyTooLarge, ValueError, AttributeError):
        return ""
