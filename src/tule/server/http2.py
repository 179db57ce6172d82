"""HTTP/2 for the clients that speak nothing else.  RFC 9113.

The JavaScript SDK's Kinesis client does, over TLS as over plain TCP (with prior knowledge): `http1.Connection` hands a
connection over when it begins with HTTP/2's preface.

What is promised is what `http1` promises: bodies stream both ways in constant memory, by the windows of each stream; a
request is answered by the same handler.  A client cannot make us work on more than `MAX_STREAMS` requests at once: a
stream counts until its handler has ended, even if the client has reset it long ago.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from tule.server import hpack
from tule.server import http2_frames as frames
from tule.server.http1 import HEAD_TOO_LARGE, ClientDisconnected, Handler, Server, refusal
from tule.server.http2_fields import OF_A_CONNECTION, Malformed, join, one_line, sort
from tule.server.http2_frames import Code, ConnectionFault, Frame, Kind, Setting
from tule.server.http2_streams import WINDOW_BYTES, Stream, StreamBody
from tule.wire.http import Request, Response

log = logging.getLogger("tule.server")

MAX_STREAMS = 100
CONNECTION_WINDOW_BYTES = 1024 * 1024
INITIAL_WINDOW_BYTES = 65_535  # before anybody said otherwise: section 6.9.2
MAX_WINDOW_BYTES = (1 << 31) - 1
MAX_UNSENT_ACKS = 1000  # that wait for a client who asks and does not read


class Connection(asyncio.Protocol):
    """One client's connection, from its preface on."""

    def __init__(self, server: Server, handler: Handler) -> None:
        self.send_window = INITIAL_WINDOW_BYTES
        self.max_frame_bytes = frames.MAX_FRAME_BYTES
        self._server = server
        self._handler = handler
        self._reader = frames.Reader()
        self._fields = hpack.Decoder()
        self._transport: asyncio.Transport | None = None
        self._source_ip = "127.0.0.1"
        self._scheme = "http"
        self._streams: dict[int, Stream] = {}
        self._last_stream = 0
        self._block: tuple[int, bool, bytearray] | None = None  # stream, whether it ends there, and the block so far
        self._initial_window = INITIAL_WINDOW_BYTES  # of what we send on a stream
        self._window = CONNECTION_WINDOW_BYTES
        self._credit = 0
        self._drained: asyncio.Future[None] | None = None
        self._unsent_acks = 0
        self._closing = False  # when its last stream has ended
        self._activity = time.monotonic()
        self._takers: dict[int, Callable[[Frame], None]] = {
            Kind.DATA: self._take_data,
            Kind.HEADERS: self._take_headers,
            Kind.CONTINUATION: self._take_continuation,
            Kind.RST_STREAM: self._take_reset,
            Kind.SETTINGS: self._take_settings,
            Kind.PING: self._take_ping,
            Kind.WINDOW_UPDATE: self._take_window,
            Kind.GOAWAY: self._take_go_away,
            Kind.PUSH_PROMISE: self._refuse_frame,
        }

    # -- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self._source_ip = str(peer[0])
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._server.connections.add(self)
        ours = {
            Setting.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
            Setting.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
            Setting.MAX_HEADER_LIST_SIZE: self._server.limits.head_bytes,
        }
        self.write(frames.settings(ours) + frames.window_update(0, CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES))

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._transport = None
        for stream in self._streams.values():
            self._give_up(stream)
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        self._activity = time.monotonic()
        try:
            for frame in self._reader.feed(data):
                self._take(frame)
        except ConnectionFault as fault:
            log.debug("HTTP/2 from %s: %s", self._source_ip, fault)
            self._end(fault.code)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        self._unsent_acks = 0
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    async def drained(self) -> None:
        if self._drained is not None:
            await asyncio.shield(self._drained)

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    # -- frames

    def _take(self, frame: Frame) -> None:
        if self._block is not None and (frame.kind != Kind.CONTINUATION or frame.stream != self._block[0]):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a block of fields is not continued")
        take = self._takers.get(frame.kind)
        if take is not None:
            take(frame)

    def _take_data(self, frame: Frame) -> None:
        size = len(frame.payload)
        self._window -= size
        if self._window < 0:
            raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "more than the connection's window")
        if not self._was_opened(frame.stream):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "data of no request")
        stream = self._streams.get(frame.stream)
        if stream is None:
            self.credit(size)
            return
        stream.receive(frame.content(), size)
        if frame.flags & frames.END_STREAM:
            stream.ended()

    def _take_headers(self, frame: Frame) -> None:
        if frame.stream % 2 == 0:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a client's streams have odd numbers")
        self._block = (frame.stream, bool(frame.flags & frames.END_STREAM), bytearray())
        self._continue_block(frame.content(), frame.flags)

    def _take_continuation(self, frame: Frame) -> None:
        if self._block is None:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "nothing is to be continued")
        self._continue_block(frame.payload, frame.flags)

    def _continue_block(self, piece: bytes, flags: int) -> None:
        assert self._block is not None
        id, ends, block = self._block
        block += piece
        if len(block) > self._server.limits.head_bytes:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "a block of fields is too long")
        if not flags & frames.END_HEADERS:
            return
        self._block = None
        try:
            fields = self._fields.decode(bytes(block), self._server.limits.head_bytes)
        except hpack.BlockError as error:
            raise ConnectionFault(Code.COMPRESSION_ERROR, str(error)) from error
        if self._was_opened(id):
            self._take_trailers(id, fields or [], ends)
        else:
            self._open(id, fields, ends)

    def _take_trailers(self, id: int, fields: list[hpack.Field], ends: bool) -> None:
        stream = self._streams.get(id)
        if stream is None:
            return  # it was refused or is answered already
        if not ends or any(name.startswith(":") for name, _ in fields):
            self.reset_stream(stream, Code.PROTOCOL_ERROR)
            return
        stream.trailers += fields
        stream.ended()

    def _take_reset(self, frame: Frame) -> None:
        frame.number()
        if not self._was_opened(frame.stream):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a reset of no request")
        stream = self._streams.get(frame.stream)
        if stream is not None:
            self._give_up(stream)

    def _take_settings(self, frame: Frame) -> None:
        if frame.stream:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "settings are of the connection")
        if frame.flags & frames.ACK:
            return
        for key, value in frame.settings():
            if key == Setting.INITIAL_WINDOW_SIZE:
                self._set_initial_window(value)
            elif key == Setting.MAX_FRAME_SIZE:
                if not frames.MAX_FRAME_BYTES <= value < 1 << 24:
                    raise ConnectionFault(Code.PROTOCOL_ERROR, f"frames of {value} bytes")
                self.max_frame_bytes = min(value, 4 * frames.MAX_FRAME_BYTES)
        self._acknowledge(frames.frame(Kind.SETTINGS, frames.ACK, 0))

    def _set_initial_window(self, value: int) -> None:
        if value > MAX_WINDOW_BYTES:
            raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "a window is too large")
        for stream in self._streams.values():
            stream.send_window += value - self._initial_window
            stream.wake()
        self._initial_window = value

    def _take_ping(self, frame: Frame) -> None:
        if len(frame.payload) != 8:
            raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a ping has eight bytes")
        if not frame.flags & frames.ACK:
            self._acknowledge(frames.frame(Kind.PING, frames.ACK, 0, frame.payload))

    def _acknowledge(self, frame: bytes) -> None:
        if self._drained is not None:
            self._unsent_acks += 1
            if self._unsent_acks > MAX_UNSENT_ACKS:
                raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "asks and does not read")
        self.write(frame)

    def _take_window(self, frame: Frame) -> None:
        more = frame.number()
        if more == 0 or more > MAX_WINDOW_BYTES:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a window grows by nothing")
        if frame.stream == 0:
            self.send_window += more
            if self.send_window > MAX_WINDOW_BYTES:
                raise ConnectionFault(Code.FLOW_CONTROL_ERROR, "a window is too large")
            for stream in self._streams.values():
                stream.wake()
            return
        if not self._was_opened(frame.stream):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a window of no request")
        stream = self._streams.get(frame.stream)
        if stream is None:
            return
        stream.send_window += more
        if stream.send_window > MAX_WINDOW_BYTES:
            self.reset_stream(stream, Code.FLOW_CONTROL_ERROR)
        stream.wake()

    def _take_go_away(self, frame: Frame) -> None:
        del frame
        self.close_when_idle()

    def _refuse_frame(self, frame: Frame) -> None:
        raise ConnectionFault(Code.PROTOCOL_ERROR, f"a client sends no {Kind(frame.kind).name}")

    # -- requests

    def _was_opened(self, id: int) -> bool:
        return 0 < id <= self._last_stream

    def _open(self, id: int, fields: list[hpack.Field] | None, ends: bool) -> None:
        self._last_stream = id
        if self._closing or len(self._streams) >= MAX_STREAMS:
            self.write(frames.reset(id, Code.REFUSED_STREAM))
            return
        stream = Stream(self, id, self._initial_window)
        try:
            request = None if fields is None else self._request(stream, fields, ends)
        except Malformed as error:
            log.debug("HTTP/2 from %s: %s", self._source_ip, error)
            self.write(frames.reset(id, Code.PROTOCOL_ERROR))
            return
        self._streams[id] = stream
        if ends:
            stream.ended()
        stream.task = asyncio.get_running_loop().create_task(self._answer(stream, request))

    def _request(self, stream: Stream, fields: list[hpack.Field], ends: bool) -> Request:
        pseudo, raw = sort(fields)
        target = pseudo[":path"]
        authority = pseudo.get(":authority")
        if authority is not None:
            raw = [("host", authority), *(field for field in raw if field[0] != "host")]
        headers = join(raw)
        if ":authority" in headers.get("authorization", ""):
            headers[":authority"] = headers.get("host", "")  # under which clients of HTTP/2 may sign it
        length = headers.get("content-length")
        announced = int(length) if length is not None and length.isdigit() else (0 if ends else None)
        stream.body = StreamBody(stream, announced, headers.get("expect", "").lower() == "100-continue")
        stream.trailers = raw
        path, _, query = target.partition("?")
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

    async def _answer(self, stream: Stream, request: Request | None) -> None:
        try:
            if request is None:
                await self._send(stream, "GET", refusal(*HEAD_TOO_LARGE))
            else:
                await self._send(stream, request.method, await self._handler(request))
            if not stream.body.complete:
                self.reset_stream(stream, Code.NO_ERROR)  # the rest of the request changes nothing any more
        except ClientDisconnected:
            self.reset_stream(stream, Code.CANCEL)
        except Exception:
            log.exception("a request of HTTP/2 failed outside the pipeline")
            self.reset_stream(stream, Code.INTERNAL_ERROR)
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
            self.write_fields(stream, self._head(response), last=head_only or not body)
            if body and not head_only:
                await stream.send(body, last=True)
            return
        self.write_fields(stream, self._head(response), last=head_only)
        await stream.send_pieces(body, head_only)

    def _head(self, response: Response) -> list[hpack.Field]:
        fields = [(":status", str(response.status)), ("date", self._server.date())]
        if "server" not in response.headers:
            fields.append(("server", "Tule"))
        for name, value in response.headers.items():
            if name.lower() not in OF_A_CONNECTION:
                fields.append((name.lower(), one_line(value)))
        return [*fields, *(("set-cookie", one_line(cookie)) for cookie in response.cookies)]

    # -- writing

    def write_fields(self, stream: Stream, fields: list[hpack.Field], *, last: bool) -> None:
        if stream.reset:
            return
        block = hpack.encode(fields)
        first, rest = block[: self.max_frame_bytes], block[self.max_frame_bytes :]
        flags = frames.END_STREAM if last else 0
        self.write(frames.frame(Kind.HEADERS, flags | (0 if rest else frames.END_HEADERS), stream.id, first))
        while rest:
            first, rest = rest[: self.max_frame_bytes], rest[self.max_frame_bytes :]
            self.write(frames.frame(Kind.CONTINUATION, 0 if rest else frames.END_HEADERS, stream.id, first))

    def write_data(self, stream: Stream, data: bytes, last: bool) -> None:
        stream.send_window -= len(data)
        self.send_window -= len(data)
        self.write(frames.frame(Kind.DATA, frames.END_STREAM if last else 0, stream.id, data))

    def credit(self, size: int) -> None:
        """Let the client send so much more on this connection."""
        self._credit += size
        if self._credit > CONNECTION_WINDOW_BYTES // 2:
            self.write(frames.window_update(0, self._credit))
            self._window += self._credit
            self._credit = 0

    def reset_stream(self, stream: Stream, code: Code) -> None:
        if not stream.reset:
            self.write(frames.reset(stream.id, code))
        self._give_up(stream)

    def _give_up(self, stream: Stream) -> None:
        stream.reset = True
        if not stream.body.complete:
            stream.body.fail()
        stream.wake()

    # -- life

    def overdue(self, now: float) -> bool:
        """Whether this connection has been silent longer than what it is doing allows."""
        silent = now - self._activity
        limits = self._server.limits
        if any(stream.body.awaited for stream in self._streams.values()):
            return silent > limits.body_timeout_s
        if self._streams:
            return False
        return silent > (limits.head_timeout_s if self._block is not None else limits.idle_timeout_s)

    def time_out(self) -> None:
        self._end(Code.NO_ERROR)

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return [stream.task for stream in self._streams.values() if stream.task is not None]

    def close_when_idle(self) -> None:
        if not self._closing:
            self._closing = True
            self.write(frames.go_away(self._last_stream, Code.NO_ERROR))
        if not self._streams:
            self._close()

    def _end(self, code: Code) -> None:
        self._closing = True
        self.write(frames.go_away(self._last_stream, code))
        for stream in self._streams.values():
            self._give_up(stream)
        self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
