"""HTTP/2 for the clients that speak nothing else, by the `h2` package.  RFC 9113.

The JavaScript SDK's Kinesis client does, over TLS as over plain TCP (with prior knowledge): `http1.Connection` hands a
connection over when it begins with HTTP/2's preface.

What is promised is what `http1` promises: bodies stream both ways in constant memory, by the windows of each stream; a
request is answered by the same handler.  A client cannot make us work on more than `MAX_STREAMS` requests at once: a
stream counts until its handler has ended, even if the client has reset it long ago.  One that asks and does not read
what it is answered is not read from either.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import H2Error, ProtocolError
from h2.settings import SettingCodes, Settings

from tule.server.http1 import HEAD_TOO_LARGE, ClientDisconnected, Handler, IncomingBody, Server, refusal
from tule.wire.http import Request, Response

log = logging.getLogger("tule.server")

MAX_STREAMS = 100
WINDOW_BYTES = 256 * 1024  # of a request's body that may be on its way to its reader
CONNECTION_WINDOW_BYTES = 1024 * 1024
_FIRST_WINDOW_BYTES = 65_535  # of a connection before anybody said otherwise: section 6.9.2
_OF_A_CONNECTION = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})

Field = tuple[str, str]


class StreamBody(IncomingBody):
    """The body of a request, whose reader lets the client send more."""

    def __init__(self, stream: Stream, length: int | None, expects_continue: bool) -> None:
        super().__init__(stream, length, expects_continue)
        self._stream = stream

    async def __anext__(self) -> bytes:
        piece = await super().__anext__()
        self._stream.consumed(len(piece))
        return piece


class Stream:
    """One request and its answer, held back by windows of their own."""

    def __init__(self, connection: Connection, id: int) -> None:
        self.id = id
        self.reset = False  # by either side: nothing more is sent on it
        self.task: asyncio.Task[None] | None = None
        self.body = StreamBody(self, 0, expects_continue=False)
        self.raw: list[Field] = []  # the request's own list of headers, which trailers are appended to
        self._connection = connection
        self._unread = 0
        self._room: asyncio.Future[None] | None = None

    def receive(self, data: bytes, counted: int) -> None:
        """`data` of a frame that counts so many bytes of the window."""
        if self.reset:
            self._connection.credit(self.id, counted)
            return
        self._unread += len(data)
        if counted > len(data):
            self._connection.credit(self.id, counted - len(data))
        if data:
            self.body.feed(data)

    def consumed(self, size: int) -> None:
        self._unread -= size
        self._connection.credit(self.id, size)

    def give_up(self) -> None:
        self.reset = True
        if not self.body.complete:
            self.body.fail()
        self.wake()

    def drop(self) -> None:
        """Nobody will read what is here."""
        unread, self._unread = self._unread, 0
        if unread:
            self._connection.credit(self.id, unread)

    async def send(self, data: bytes, *, last: bool) -> None:
        at = 0
        while at < len(data):
            size = await self._granted(len(data) - at)
            at += size
            self._connection.send_data(self.id, data[at - size : at], last=last and at == len(data))
            await self._connection.drained()
        if last and not data:
            self._check()
            self._connection.send_data(self.id, b"", last=True)

    async def send_pieces(self, pieces: AsyncIterator[bytes], head_only: bool) -> None:
        try:
            if head_only:
                return
            async for piece in pieces:
                self._check()
                if piece:
                    await self.send(piece, last=False)
            await self.send(b"", last=True)
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    async def _granted(self, wanted: int) -> int:
        while True:
            self._check()
            size = min(wanted, self._connection.room(self.id))
            if size > 0:
                return size
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def _check(self) -> None:
        if self.reset:
            raise ClientDisconnected("the client has reset the stream of its request")

    def wake(self) -> None:
        """There may be room to send again, or the stream is over."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def is_reset(self) -> bool:
        return self.reset

    # -- what a body asks of what brings it: the windows hold clients back, not the socket

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def write_continue(self) -> None:
        self._connection.send_fields(self, [(":status", "100")], last=False)

    def abort(self) -> None:
        self._connection.reset_stream(self, ErrorCodes.CANCEL)


class Connection(asyncio.Protocol):
    """One client's connection, from its preface on."""

    def __init__(self, server: Server, handler: Handler) -> None:
        self._server = server
        self._handler = handler
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._transport: asyncio.Transport | None = None
        self._source_ip = "127.0.0.1"
        self._scheme = "http"
        self._streams: dict[int, Stream] = {}
        self._drained: asyncio.Future[None] | None = None
        self._closing = False  # when its last stream has ended
        self._activity = time.monotonic()

    # -- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self._source_ip = str(peer[0])
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._server.connections.add(self)
        ours = {
            SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
            SettingCodes.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
            SettingCodes.MAX_HEADER_LIST_SIZE: 2 * self._server.limits.head_bytes,  # what is larger than one of these gets a 400
        }
        self._h2.local_settings = Settings(client=False, initial_values=ours)
        self._h2.decoder.max_header_list_size = ours[SettingCodes.MAX_HEADER_LIST_SIZE]
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW_BYTES - _FIRST_WINDOW_BYTES)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._transport = None
        for stream in self._streams.values():
            stream.give_up()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        self._activity = time.monotonic()
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except ProtocolError as error:
            log.debug("HTTP/2 from %s: %s", self._source_ip, error)
            self._end()  # `h2` has said why, in what is sent with this
            return
        self._flush()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        if self._drained is None and self._transport is not None:
            self._drained = asyncio.get_running_loop().create_future()
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None
            if self._transport is not None:
                self._transport.resume_reading()

    async def drained(self) -> None:
        if self._drained is not None:
            await asyncio.shield(self._drained)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)

    # -- what comes in

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._open(event.stream_id, _decoded(event.headers), ends=event.stream_ended is not None)
            case DataReceived():
                stream = self._streams.get(event.stream_id)
                if stream is None:
                    self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                else:
                    stream.receive(event.data, event.flow_controlled_length)
            case TrailersReceived():
                stream = self._streams.get(event.stream_id)
                if stream is not None:
                    stream.raw += _decoded(event.headers)
            case StreamEnded():
                stream = self._streams.get(event.stream_id)
                if stream is not None and not stream.reset:
                    stream.body.finish()
            case StreamReset():
                stream = self._streams.get(event.stream_id)
                if stream is not None:
                    stream.give_up()
            case WindowUpdated() | RemoteSettingsChanged():
                for stream in self._streams.values():
                    stream.wake()
            case ConnectionTerminated():
                self.close_when_idle()
            case _:
                pass

    def _open(self, id: int, fields: list[Field], *, ends: bool) -> None:
        if self._closing or len(self._streams) >= MAX_STREAMS:
            self._reset(id, ErrorCodes.REFUSED_STREAM)
            return
        stream = self._streams[id] = Stream(self, id)
        size = sum(len(name) + len(value) + 4 for name, value in fields)
        request = self._request(stream, fields, ends=ends) if size <= self._server.limits.head_bytes else None
        stream.task = asyncio.get_running_loop().create_task(self._answer(stream, request))

    def _request(self, stream: Stream, fields: list[Field], *, ends: bool) -> Request:
        pseudo = {name: value for name, value in fields if name.startswith(":")}
        raw = [field for field in fields if not field[0].startswith(":")]
        if ":authority" in pseudo:
            raw = [("host", pseudo[":authority"]), *(field for field in raw if field[0] != "host")]
        headers: dict[str, str] = {}
        for name, value in raw:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        if ":authority" in headers.get("authorization", ""):
            headers[":authority"] = headers.get("host", "")  # under which clients of HTTP/2 may sign it
        length = headers.get("content-length")
        announced = int(length) if length is not None and length.isdigit() else (0 if ends else None)
        stream.body = StreamBody(stream, announced, headers.get("expect", "").lower() == "100-continue")
        stream.raw = raw
        path, _, query = pseudo[":path"].partition("?")
        return Request(
            method=pseudo[":method"],
            path=path,
            query=query,
            headers=headers,
            stream=stream.body,
            scheme=self._scheme,
            source_ip=self._source_ip,
            raw_headers=raw,
            is_abandoned=stream.is_reset,
        )

    # -- answering

    async def _answer(self, stream: Stream, request: Request | None) -> None:
        try:
            if request is None:
                await self._send(stream, "GET", refusal(*HEAD_TOO_LARGE))
            else:
                await self._send(stream, request.method, await self._handler(request))
            if not stream.body.complete:
                self.reset_stream(stream, ErrorCodes.NO_ERROR)  # the rest of the request changes nothing any more
        except ClientDisconnected:
            self.reset_stream(stream, ErrorCodes.CANCEL)
        except Exception:
            log.exception("a request of HTTP/2 failed outside the pipeline")
            self.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        finally:
            self._streams.pop(stream.id, None)
            stream.drop()
            self._activity = time.monotonic()
            if self._closing and not self._streams:
                self._close()

    async def _send(self, stream: Stream, method: str, response: Response) -> None:
        body = response.body
        head_only = method == "HEAD" or response.status in (204, 304)
        if isinstance(body, bytes):
            if response.status != 204:
                response.headers.setdefault("content-length", str(len(body)))
            self.send_fields(stream, self._head(response), last=head_only or not body)
            if body and not head_only:
                await stream.send(body, last=True)
            return
        self.send_fields(stream, self._head(response), last=head_only)
        await stream.send_pieces(body, head_only)

    def _head(self, response: Response) -> list[Field]:
        fields = [(":status", str(response.status)), ("date", self._server.date())]
        if "server" not in response.headers:
            fields.append(("server", "Tule"))
        for name, value in response.headers.items():
            if name.lower() not in _OF_A_CONNECTION:
                fields.append((name.lower(), _one_line(value)))
        return [*fields, *(("set-cookie", _one_line(cookie)) for cookie in response.cookies)]

    def send_fields(self, stream: Stream, fields: list[Field], *, last: bool) -> None:
        """Nothing, where the client has reset the stream."""
        if stream.reset:
            return
        try:
            self._h2.send_headers(stream.id, [(name.encode(), _encoded(value)) for name, value in fields], end_stream=last)
        except H2Error as error:
            raise ClientDisconnected("the client has ended the stream of its request") from error
        self._flush()

    def send_data(self, id: int, data: bytes, *, last: bool) -> None:
        try:
            self._h2.send_data(id, data, end_stream=last)
        except H2Error as error:
            raise ClientDisconnected("the client has ended the stream of its request") from error
        self._flush()

    def room(self, id: int) -> int:
        """How many bytes may be sent on a stream now."""
        try:
            return min(self._h2.local_flow_control_window(id), self._h2.max_outbound_frame_size)
        except H2Error as error:
            raise ClientDisconnected("the client has ended the stream of its request") from error

    def credit(self, id: int, size: int) -> None:
        """Let the client send so much more."""
        try:
            self._h2.acknowledge_received_data(size, id)
        except ProtocolError:  # the connection is over
            return
        self._flush()

    def reset_stream(self, stream: Stream, code: ErrorCodes) -> None:
        if not stream.reset:
            self._reset(stream.id, code)
        stream.give_up()

    def _reset(self, id: int, code: ErrorCodes) -> None:
        with contextlib.suppress(ProtocolError):  # the client was faster, or the connection is over
            self._h2.reset_stream(id, code)
        self._flush()

    # -- life

    def overdue(self, now: float) -> bool:
        """Whether this connection has been silent longer than what it is doing allows."""
        silent = now - self._activity
        if any(stream.body.awaited for stream in self._streams.values()):
            return silent > self._server.limits.body_timeout_s
        return not self._streams and silent > self._server.limits.idle_timeout_s

    def time_out(self) -> None:
        self._close()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return [stream.task for stream in self._streams.values() if stream.task is not None]

    def close_when_idle(self) -> None:
        """Requests that come from now on are refused, in a way that clients repeat elsewhere."""
        self._closing = True
        if not self._streams:
            self._close()

    def _close(self) -> None:
        with contextlib.suppress(ProtocolError):  # over already
            self._h2.close_connection()
        self._end()

    def _end(self) -> None:
        self._closing = True
        for stream in self._streams.values():
            stream.give_up()
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _decoded(fields: object) -> list[Field]:
    return [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in cast("list[tuple[bytes, bytes]]", fields)]


def _encoded(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _one_line(value: str) -> str:
    """Line breaks and nulls have no place in a field's value."""
    return value.replace("\r", " ").replace("\n", " ").replace("\0", " ").strip()
