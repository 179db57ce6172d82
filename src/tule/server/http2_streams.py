"""The streams of an HTTP/2 connection: each is one request and its answer, held back by its own windows.  RFC 9113, section 5."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from tule.server import hpack
from tule.server import http2_frames as frames
from tule.server.http1 import ClientDisconnected, IncomingBody
from tule.server.http2_frames import Code

if TYPE_CHECKING:
    from tule.server.http2 import Connection

WINDOW_BYTES = 256 * 1024  # of a request's body that may be on its way to its reader


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
    """One request and its answer."""

    def __init__(self, connection: Connection, id: int, send_window: int) -> None:
        self.id = id
        self.send_window = send_window
        self.reset = False  # by either side: nothing more is sent on it
        self.task: asyncio.Task[None] | None = None
        self.body = StreamBody(self, 0, expects_continue=False)
        self.trailers: list[hpack.Field] = []  # the request's own list of headers, which trailers are appended to
        self._connection = connection
        self._window = WINDOW_BYTES
        self._unread = 0
        self._credit = 0
        self._received = 0
        self._room: asyncio.Future[None] | None = None

    # -- what comes in

    def receive(self, data: bytes, size: int) -> None:
        """`data` of a frame that counts `size` bytes."""
        self._window -= size
        if self._window < 0:
            self._connection.reset_stream(self, Code.FLOW_CONTROL_ERROR)
        elif self.body.complete:
            self._connection.reset_stream(self, Code.STREAM_CLOSED)
        if self.reset:
            self.credit(size)
            return
        self._received += len(data)
        self._unread += len(data)
        self.credit(size - len(data))
        if data:
            self.body.feed(data)

    def ended(self) -> None:
        """The client has sent all of its request."""
        if self.body.length is not None and self.body.length != self._received:
            self._connection.reset_stream(self, Code.PROTOCOL_ERROR)
        elif not self.reset:
            self.body.finish()

    def consumed(self, size: int) -> None:
        self._unread -= size
        self.credit(size)

    def drop(self) -> None:
        """Nobody will read what is here."""
        unread, self._unread = self._unread, 0
        self.credit(unread)

    def credit(self, size: int) -> None:
        """Let the client send so much more, said when it is worth saying."""
        self._connection.credit(size)
        self._credit += size
        if self._credit > WINDOW_BYTES // 2 and not self.reset and not self.body.complete:
            self._connection.write(frames.window_update(self.id, self._credit))
            self._window += self._credit
            self._credit = 0

    # -- what goes out

    async def send(self, data: bytes, *, last: bool) -> None:
        at = 0
        while at < len(data):
            size = await self._granted(len(data) - at)
            at += size
            self._connection.write_data(self, data[at - size : at], last and at == len(data))
            await self._connection.drained()
        if last and not data:
            self._check()
            self._connection.write_data(self, b"", last=True)

    async def send_pieces(self, pieces: AsyncIterator[bytes], head_only: bool) -> None:
        try:
            if head_only:
                return
            async for piece in pieces:
                if piece:
                    await self.send(piece, last=False)
                elif self.reset:
                    return
            await self.send(b"", last=True)
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    async def _granted(self, wanted: int) -> int:
        while True:
            self._check()
            size = min(wanted, self.send_window, self._connection.send_window, self._connection.max_frame_bytes)
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
        self._connection.write_fields(self, [(":status", "100")], last=False)

    def abort(self) -> None:
        self._connection.reset_stream(self, Code.CANCEL)
