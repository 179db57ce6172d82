"""Bringing telemetry to an extension's own listener inside the instance: by HTTP, an array of events; by TCP, one event a line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

Dial = Callable[[], Awaitable[socket.socket]]
LISTENERS_ADDRESS = "127.0.0.1"  # sandbox.localdomain, inside
MAX_ANSWER_BYTES = 65_536
CONNECT_TIMEOUT_S = 1.0


class _Connected:
    """Keeps one connection for as long as it lasts."""

    def __init__(self, dial: Dial, port: int) -> None:
        self._dial = dial
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError, TimeoutError."""
        if self._streams is None:
            sock = await self._dial()
            try:
                sock.setblocking(False)
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await asyncio.get_running_loop().sock_connect(sock, (LISTENERS_ADDRESS, self._port))
            except BaseException:
                sock.close()
                raise
            self._streams = await asyncio.open_connection(sock=sock, limit=MAX_ANSWER_BYTES)
        return self._streams

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


class HttpDestination:
    def __init__(self, dial: Dial, port: int, path: str, method: str = "POST") -> None:
        self._connected = _Connected(dial, port)
        self._head = f"{method} {path or '/'} HTTP/1.1\r\nhost: sandbox.localdomain:{port}\r\ncontent-type: application/json\r\n"

    async def send(self, batch: Sequence[bytes]) -> bool:
        body = b"[" + b",".join(batch) + b"]"
        try:
            reader, writer = await self._connected.streams()
            writer.write(f"{self._head}content-length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            kept = await _read_answer(reader)
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
            self._connected.close()
            return False
        if not kept:
            self._connected.close()
        return True

    def close(self) -> None:
        self._connected.close()


async def _read_answer(reader: asyncio.StreamReader) -> bool:
    """Whether the connection can be used again.  What the extension thinks of the batch makes no difference."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    headers: dict[str, str] = {}
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    if "content-length" in headers:
        await reader.readexactly(min(int(headers["content-length"]), MAX_ANSWER_BYTES))
        return headers.get("connection") != "close" and head.startswith("http/1.1")
    if headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
        return headers.get("connection") != "close"
    return False


class TcpDestination:
    def __init__(self, dial: Dial, port: int) -> None:
        self._connected = _Connected(dial, port)

    async def send(self, batch: Sequence[bytes]) -> bool:
        try:
            _, writer = await self._connected.streams()
            writer.write(b"".join(raw + b"\n" for raw in batch))
            await writer.drain()
        except (OSError, TimeoutError):
            self._connected.close()
            return False
        return True

    def close(self) -> None:
        with suppress(OSError):
            self._connected.close()
