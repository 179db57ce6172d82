"""The HTTP server that an instance finds under AWS_LAMBDA_RUNTIME_API: the Runtime, Extensions, Telemetry and Logs APIs.

Its listener was opened inside the instance.  Nothing is started before somebody connects: most functions never do.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Coroutine

from tule.server.http1 import Connection, Handler, Limits, Server
from tule.wire.http import Request, Response, json_response

# Who keeps a connection may compute in silence for as long as the function's time-out lets it.
_PATIENT = Limits(idle_timeout_s=math.inf, body_timeout_s=math.inf)


class InstanceApi:
    """Takes the listener over, and accepts on it by itself: an asyncio server that is closed loses what it has just accepted."""

    def __init__(self, listener: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._loop = loop
        self._routes: dict[str, Handler] = {}
        self._server = Server(_PATIENT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        loop.add_reader(listener.fileno(), self._accept)

    def serve(self, version: str, handler: Handler) -> None:
        """Requests whose path begins with `version` (`/2018-06-01/`) go to `handler`."""
        self._routes[version] = handler

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
            if self._server.connections:
                self._run(self._server.stop(0))

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        client.setblocking(False)
        self._run(self._connect(client))

    async def _connect(self, client: socket.socket) -> None:
        transport, _ = await self._loop.connect_accepted_socket(lambda: Connection(self._server, self._handle), client)
        if self._closed:
            transport.abort()

    def _run(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, request: Request) -> Response:
        version = request.path[: request.path.find("/", 1) + 1]
        handler = self._routes.get(version)
        return await handler(request) if handler is not None else refused(404, "InvalidRequest", "Page not found")


def refused(status: int, error_type: str, message: str) -> Response:
    return json_response(status, {"errorMessage": message, "errorType": error_type})
