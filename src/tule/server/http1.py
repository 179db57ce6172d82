"""HTTP/1.1 on asyncio and httptools, speaking `wire.http.Request` and `Response` directly.

What is promised: bodies stream both ways in constant memory, with back-pressure; `Expect: 100-continue` is answered when
somebody wants the body; a head that is too large, broken or too slow gets a 4xx and a closed connection; pipelined
requests are answered in order; a connection that says nothing is closed; `Server.stop` lets requests in flight finish.

Why not a stock server: an ASGI server costs 44 us a request where this costs 14, and its limits on heads and slow
clients cannot be set (docs/adr/0003).  `server/asgi.py` serves the same handler under any ASGI server.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol

import httptools

from tule.wire.http import Body, BodyTooLarge, Request, Response

Handler = Callable[[Request], Awaitable[Response]]

log = logging.getLogger("tule.server")

HIGH_WATER_BYTES = 256 * 1024  # of a request body waiting to be read, before the socket is told to wait
DISCARD_BYTES = 64 * 1024 * 1024  # of a body nobody wanted, before the connection is cut
SWEEP_S = 5.0
LINGER_S = 2.0  # for a refused client to read why
HEAD_TOO_LARGE = (
    400,
    "RequestHeaderSectionTooLarge",
    "Your request header and query parameters used to send the request exceed the maximum allowed size.",
)
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


@dataclass(slots=True, frozen=True)
class Limits:
    head_bytes: int = 65_536
    head_timeout_s: float = 30.0
    body_timeout_s: float = 60.0  # without any byte of a body that somebody waits for
    idle_timeout_s: float = 90.0


class ClientDisconnected(ConnectionError):
    """The client went away before its request was complete."""


class Flow(Protocol):
    """What brings a body, and can be told to wait."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def write_continue(self) -> None: ...

    def abort(self) -> None: ...


class Peer(Protocol):
    """A client's connection, as the server that ends it sees it."""

    @property
    def tasks(self) -> list[asyncio.Task[None]]: ...

    def overdue(self, now: float) -> bool: ...

    def time_out(self) -> None: ...

    def close_when_idle(self) -> None: ...

    def abort(self) -> None: ...


class IncomingBody(Body):
    """The body of one request, filled by the parser and read by the operation."""

    def __init__(self, connection: Flow, length: int | None, expects_continue: bool) -> None:
        self.length = length
        self._connection = connection
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._complete = False
        self._failed = False
        self._discarding = False
        self._discarded = 0
        self._expects_continue = expects_continue
        self._reader: asyncio.Future[None] | None = None

    @property
    def complete(self) -> bool:
        return self._complete

    @property
    def withheld(self) -> bool:
        """The client waits for 100 Continue before it sends this body, and was not given it: it may never send it."""
        return self._expects_continue and not self._complete

    @property
    def awaited(self) -> bool:
        return self._reader is not None

    def feed(self, data: bytes) -> None:
        if self._discarding:
            self._discarded += len(data)
            if self._discarded > DISCARD_BYTES:
                self._connection.abort()
            return
        self._pieces.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > HIGH_WATER_BYTES:
            self._connection.pause_reading()
        self._wake()

    def finish(self) -> None:
        self._complete = True
        self._wake()

    def fail(self) -> None:
        self._failed = True
        self._wake()

    def discard(self) -> None:
        """Nobody will read the rest."""
        self._discarding = True
        self._pieces.clear()
        self._connection.resume_reading()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._complete:
                raise StopAsyncIteration
            if self._failed:
                raise ClientDisconnected("the client closed the connection within its request")
            await self._arrival()
        piece = self._pieces.popleft()
        self._waiting_bytes -= len(piece)
        if self._waiting_bytes <= HIGH_WATER_BYTES // 2:
            self._connection.resume_reading()
        return piece

    async def read(self, limit: int) -> bytes:
        if self.length is not None and self.length > limit:
            raise BodyTooLarge(limit)
        size = 0
        pieces: list[bytes] = []
        async for piece in self:
            size += len(piece)
            if size > limit:
                raise BodyTooLarge(limit)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _arrival(self) -> None:
        if self._expects_continue:
            self._expects_continue = False
            self._connection.write_continue()
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, server: Server, handler: Handler) -> None:
        self._server = server
        self._handler = handler
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._source_ip = "127.0.0.1"
        self._scheme = "http"
        self._queue: deque[tuple[Request, IncomingBody, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._receiving: IncomingBody | None = None  # the body that the parser is filling
        self._in_head = False
        self._head_bytes = 0  # received since the message began, as long as its head is not complete
        self._parsed_bytes = 0  # of the headers of this message
        self._refusal: tuple[int, str, str] | None = None
        self._reading_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._closing = False
        self._begun = False
        self._activity = time.monotonic()
        self._url = b""
        self._headers: list[tuple[str, str]] = []

    # -- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self._source_ip = str(peer[0])
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._closing = True
        self._parser = None
        self._queue.clear()
        if self._receiving is not None:
            self._receiving.fail()
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(ClientDisconnected("the client closed the connection"))
            self._drained.exception()

    def _is_lost(self) -> bool:
        return self._parser is None

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if not self._begun:
            self._begun = True
            if self._server.http2 is not None and data.startswith(b"PRI"):
                self._become_http2(self._server.http2, data)
                return
        self._activity = time.monotonic()
        if self._receiving is None:
            self._head_bytes += len(data)
            self._in_head = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refusal = (501, "NotImplemented", "A protocol upgrade is not implemented by Tule on this address yet.")
        except httptools.HttpParserError:
            self._refusal = self._refusal or (400, "BadRequest", "An error occurred when parsing the HTTP request.")
        if self._in_head and self._head_bytes > self._server.limits.head_bytes:
            self._refusal = HEAD_TOO_LARGE
        if self._refusal is not None and not self._closing:
            self._refuse(*self._refusal)

    def _become_http2(self, http2: Http2, data: bytes) -> None:
        """The client begins with the preface of HTTP/2: another protocol goes on with its transport."""
        self._server.connections.discard(self)
        self._closing = True
        connection = http2(self._server, self._handler)
        self._transport.set_protocol(connection)
        connection.connection_made(self._transport)
        connection.data_received(data)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None

    # -- parser

    def on_message_begin(self) -> None:
        self._in_head = True
        self._url = b""
        self._headers = []
        self._parsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._parsed_bytes += len(name) + len(value) + 4
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        if self._parsed_bytes + len(self._url) > self._server.limits.head_bytes:
            self._refusal = HEAD_TOO_LARGE  # it came in one piece and was parsed before anybody could count
            return
        headers: dict[str, str] = {}
        for name, value in self._headers:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        target = self._url.decode("latin-1")
        if not target.startswith("/"):
            target = _origin_form(target)
        path, _, query = target.partition("?")
        length = headers.get("content-length")
        announced = int(length) if length is not None and length.isdigit() else (None if "transfer-encoding" in headers else 0)
        body = IncomingBody(self, announced, headers.get("expect", "").lower() == "100-continue")
        request = Request(
            method=self._parser.get_method().decode("ascii"),
            path=path,
            query=query,
            headers=headers,
            stream=body,
            scheme=self._scheme,
            source_ip=self._source_ip,
            raw_headers=self._headers,
            is_abandoned=self._is_lost,
        )
        keep_alive = bool(self._parser.should_keep_alive())
        self._receiving = body
        if self._task is None:
            self._begin(request, body, keep_alive)
        else:
            self._queue.append((request, body, keep_alive))
            self.pause_reading()

    def on_body(self, data: bytes) -> None:
        if self._receiving is not None:
            self._receiving.feed(data)

    def on_message_complete(self) -> None:
        if self._receiving is not None:
            self._receiving.finish()
            self._receiving = None

    # -- answering

    def _begin(self, request: Request, body: IncomingBody, keep_alive: bool) -> None:
        self._task = asyncio.get_running_loop().create_task(self._answer(request, body, keep_alive))

    async def _answer(self, request: Request, body: IncomingBody, keep_alive: bool) -> None:
        try:
            response = await self._handler(request)
            keep_alive = keep_alive and not self._server.stopping and not body.withheld
            await self._send(request, response, keep_alive)
        except ClientDisconnected:
            self.abort()
        except Exception:
            log.exception("%s %s failed outside the pipeline", request.method, request.path)
            self.abort()
        finally:
            self._task = None
            self._activity = time.monotonic()
        if self._closing:
            return
        if not keep_alive:
            if body.complete:
                self._close()
            else:
                self._linger()
            return
        if not body.complete:
            body.discard()
        if self._queue:
            self._begin(*self._queue.popleft())
        if not self._queue:
            self.resume_reading()

    async def _send(self, request: Request, response: Response, keep_alive: bool) -> None:
        if self._closing:
            return
        body = response.body
        head_only = request.method == "HEAD" or response.status in (204, 304)
        if isinstance(body, bytes):
            if response.status != 204 and "content-length" not in response.headers:
                response.headers["content-length"] = str(len(body))
            self._transport.write(self._server.head(response, keep_alive) + (b"" if head_only else body))
            if self._drained is not None:
                await self._drained
            return
        await self._send_pieces(response, body, keep_alive, head_only)

    async def _send_pieces(self, response: Response, pieces: AsyncIterator[bytes], keep_alive: bool, head_only: bool) -> None:
        chunked = "content-length" not in response.headers
        if chunked and not head_only:
            response.headers["transfer-encoding"] = "chunked"
        self._transport.write(self._server.head(response, keep_alive))
        try:
            if head_only:
                return
            async for piece in pieces:
                if self._closing:
                    return
                if piece:
                    self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                if self._drained is not None:
                    await self._drained
            if chunked:
                self._transport.write(b"0\r\n\r\n")
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    def write_continue(self) -> None:
        if not self._closing:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, status: int, code: str, message: str) -> None:
        response = refusal(status, code, message)
        body = response.body if isinstance(response.body, bytes) else b""
        self._transport.write(self._server.head(response, keep_alive=False) + body)
        self._linger()

    # -- flow and life

    def pause_reading(self) -> None:
        if not self._reading_paused and not self._closing:
            self._reading_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._reading_paused and not self._closing and not self._queue:
            self._reading_paused = False
            self._transport.resume_reading()

    def overdue(self, now: float) -> bool:
        """Whether this connection has been silent longer than what it is doing allows."""
        silent = now - self._activity
        limits = self._server.limits
        if self._receiving is not None and self._receiving.awaited:
            return silent > limits.body_timeout_s
        if self._task is not None:
            return False
        return silent > (limits.head_timeout_s if self._in_head else limits.idle_timeout_s)

    def time_out(self) -> None:
        if self._task is None and self._in_head:
            self._refuse(400, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period.")
        else:
            self.abort()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return [self._task] if self._task is not None else []

    def close_when_idle(self) -> None:
        if self._task is None and not self._closing:
            self._close()

    def _linger(self) -> None:
        """Close our side and drop what still comes: a socket closed with unread bytes resets, and the client loses our answer."""
        self._closing = True
        if self._reading_paused:
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)
        else:
            self._transport.close()

    def _close(self) -> None:
        self._closing = True
        self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._closing = True
            self._transport.abort()


Http2 = Callable[["Server", Handler], asyncio.Protocol]


class Server:
    """Listeners and their connections; `http2` goes on with those that begin so."""

    def __init__(self, limits: Limits | None = None, http2: Http2 | None = None) -> None:
        self.limits = limits or Limits()
        self.http2 = http2
        self.connections: set[Peer] = set()
        self.stopping = False
        self._listeners: list[asyncio.AbstractServer] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._date: tuple[int, str] = (0, "")  # this second's Date header

    async def listen(
        self, handler: Handler, *, sock: socket.socket | None = None, host: str = "", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> asyncio.AbstractServer:
        """Serve `handler` on a socket that listens already, or on a host and port.  Close the result to stop listening."""
        loop = asyncio.get_running_loop()
        if sock is not None:
            listener = await loop.create_server(lambda: Connection(self, handler), sock=sock, ssl=tls, backlog=2048)
        else:
            listener = await loop.create_server(lambda: Connection(self, handler), host, port, ssl=tls, backlog=2048)
        self._listeners.append(listener)
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_S, self._sweep)
        return listener

    def forget(self, listener: asyncio.AbstractServer) -> None:
        """Stop a listener that `listen` gave."""
        listener.close()
        if listener in self._listeners:
            self._listeners.remove(listener)

    async def stop(self, grace_s: float) -> None:
        """Accept nothing new, let what is in flight finish for `grace_s`, then cut it."""
        self.stopping = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for listener in self._listeners:
            listener.close()
        for connection in list(self.connections):
            connection.close_when_idle()
        tasks = [task for connection in self.connections for task in connection.tasks]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for connection in list(self.connections):
            for task in connection.tasks:
                task.cancel()
            connection.abort()

    def date(self) -> str:
        """The Date header of this second."""
        second = int(time.time())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]

    def head(self, response: Response, keep_alive: bool) -> bytes:
        """Status line and headers, as bytes.  Line breaks in values would start a header of their own: they become spaces."""
        line = _STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n"
        parts = [line, "date: ", self.date(), "\r\n" if "server" in response.headers else "\r\nserver: Tule\r\n"]
        for name, value in response.headers.items():
            if "\n" in value or "\r" in value:
                value = value.replace("\r", " ").replace("\n", " ")
            parts += (name, ": ", value, "\r\n")
        for cookie in response.cookies:
            parts += ("set-cookie: ", cookie.replace("\r", " ").replace("\n", " "), "\r\n")
        parts.append("\r\n" if keep_alive else "connection: close\r\n\r\n")
        text = "".join(parts)
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            return text.encode()

    def _sweep(self) -> None:
        now = time.monotonic()
        for connection in list(self.connections):
            if connection.overdue(now):
                connection.time_out()
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)


def refusal(status: int, code: str, message: str) -> Response:
    """The answer to what is no request that anybody could be asked."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
    return Response(status, {"content-type": "application/xml", "content-length": str(len(body))}, body)


def _origin_form(target: str) -> str:
    """`http://host/path` of a proxy-style request line, as `/path`."""
    _, separator, rest = target.partition("://")
    if not separator:
        return "/" + target.lstrip("*")
    slash = rest.find("/")
    return "/" if slash < 0 else rest[slash:]
