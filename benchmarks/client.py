"""A load generator: signed requests as ready-made bytes over raw keep-alive sockets, so that the client costs little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"


@dataclass(slots=True)
class Load:
    """What a load loop saw: latencies in seconds, errors, and how long it took."""

    latencies: list[float]
    errors: int
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("nan")


def signed(url: str, service: str, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """One HTTP/1.1 request with a real signature."""
    request = AWSRequest(method, url + path, data=body, headers=headers)
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials("test", "test"), service, REGION)
    auth.add_auth(request)
    lines = [f"{method} {path} HTTP/1.1", f"host: {urlsplit(url).netloc}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() not in ("host", "content-length")]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._place, limit=64 * 1024 * 1024)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status, lower = int(head[9:12]), head.lower()
        body = await self._body(reader, lower)
        if b"connection: close" in lower:
            self.close()
        return status, body

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        at = head.find(b"content-length:")
        if at >= 0:
            return await reader.readexactly(int(head[at + 15 : head.find(b"\r", at)]))
        if b"transfer-encoding: chunked" not in head:
            return b""
        pieces: list[bytes] = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            pieces.append((await reader.readexactly(size + 2))[:-2])
        await reader.readexactly(2)
        return b"".join(pieces)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def load(url: str, requests: Sequence[bytes], concurrency: int, seconds: float) -> Load:
    """Each of `concurrency` connections sends its next request as soon as the last one is answered."""
    latencies: list[float] = []
    errors = 0
    began = time.perf_counter()
    end = began + seconds

    async def client(first: int) -> None:
        nonlocal errors
        connection, number = Connection(url), first
        try:
            while (sent := time.perf_counter()) < end:
                status, _ = await connection.send(requests[number % len(requests)])
                if 200 <= status < 300:
                    latencies.append(time.perf_counter() - sent)
                else:
                    errors += 1
                number += concurrency
        finally:
            connection.close()

    await asyncio.gather(*(client(number) for number in range(concurrency)))
    return Load(latencies, errors, time.perf_counter() - began)


async def at_once(url: str, requests: Sequence[bytes], good: Callable[[int, bytes], bool]) -> Load:
    """All of them at the same moment, each on a connection of its own."""
    began = time.perf_counter()

    async def one(request: bytes) -> float | None:
        connection = Connection(url)
        try:
            answer = await connection.send(request)
        finally:
            connection.close()
        return time.perf_counter() - began if good(*answer) else None

    took = await asyncio.gather(*(one(request) for request in requests))
    return Load([each for each in took if each is not None], sum(each is None for each in took), time.perf_counter() - began)
