"""Where a function's answer goes when it comes piece by piece: gathered for who wants it whole, or handed on as a stream.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from tule.compute.compute import Invocation

MAX_WHOLE = 6_291_556  # AWS: 6 MB and a little
MAX_STREAMED = 200 << 20
UNCAPPED = 6 << 20  # so much comes as fast as it can
BYTES_PER_SECOND = 2 << 20  # afterwards
MAX_WAITING = 1 << 20  # written and not read; then the function waits
WHOLE, STREAMED = "application/json", "application/octet-stream"


class WholeAnswer:
    """Keeps all pieces; what is above the limit is taken and thrown away."""

    limit = MAX_WHOLE

    def __init__(self) -> None:
        self.begun = False
        self.size = 0
        self._pieces: list[bytes] = []

    def begin(self, content_type: str) -> None:
        del content_type
        self.begun = True

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size <= self.limit:
            self._pieces.append(chunk)

    def payload(self) -> bytes:
        return b"".join(self._pieces)


class AnswerStream:
    """Implements `compute.InvocationStream`: written by a runtime's link, read by whoever invoked."""

    limit = MAX_STREAMED

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.content_type = WHOLE
        self.begun = False
        self.size = 0
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._changed: asyncio.Future[None] = self._loop.create_future()
        self._read: asyncio.Future[None] | None = None
        self._discarding = False
        self._capped_since: float | None = None
        self._invocation: asyncio.Future[Invocation] = self._loop.create_future()

    # -- for the runtime's link

    def begin(self, content_type: str) -> None:
        self.begun = True
        self.content_type = content_type or STREAMED
        self._tell()

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self._discarding or self.size > self.limit or not chunk:
            return
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        self._tell()
        await self._keep_pace()
        while self._waiting > MAX_WAITING and not self._discarding:
            self._read = self._loop.create_future()
            await self._read

    async def _keep_pace(self) -> None:
        if self.size <= UNCAPPED or self._discarding:
            return
        now = self._loop.time()
        if self._capped_since is None:
            self._capped_since = now
        ahead_s = (self.size - UNCAPPED) / BYTES_PER_SECOND - (now - self._capped_since)
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)

    def payload(self) -> bytes:
        """Nothing: it has gone to the reader."""
        return b""

    # -- for the supervisor

    def follow(self, running: asyncio.Task[Invocation]) -> None:
        running.add_done_callback(self._finish)

    async def beginning(self) -> None:
        """Wait until there is something to read, or all is over.  Raises what kept the function from running."""
        while not self.begun and not self._invocation.done():
            await self._change()
        if not self.begun:
            self._invocation.result()

    def _finish(self, running: asyncio.Task[Invocation]) -> None:
        if running.cancelled():
            self._invocation.cancel()
        elif (error := running.exception()) is not None:
            self._invocation.set_exception(error)
        else:
            invocation = running.result()
            if not self.begun and invocation.error is None and not self._discarding:
                self._chunks.append(invocation.payload)
            self._invocation.set_result(invocation)
        self._tell()

    # -- for the reader

    @property
    def streamed(self) -> bool:
        return self.begun

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._waiting -= len(chunk)
                self._let_write()
                yield chunk
            if self._invocation.done():
                return
            await self._change()

    async def end(self) -> Invocation:
        return await asyncio.shield(self._invocation)

    def discard(self) -> None:
        self._discarding = True
        self._chunks.clear()
        self._waiting = 0
        self._let_write()

    def _let_write(self) -> None:
        if self._read is not None and not self._read.done():
            self._read.set_result(None)

    def _tell(self) -> None:
        if not self._changed.done():
            self._changed.set_result(None)

    async def _change(self) -> None:
        if self._changed.done():
            self._changed = self._loop.create_future()
        await asyncio.shield(self._changed)
