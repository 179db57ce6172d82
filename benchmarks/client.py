"""A load generator: signed requests as ready-made bytes over raw keep-alive sockets, so that the client costs little."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
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


def signed(url: str, keys: tuple[str, str], service: str, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """One HTTP/1.1 request with a real signature.  `keys`: access key and secret."""
    host = urlsplit(url).netloc
    if service == "s3" or method != "POST":
        request = AWSRequest(method, url + path, data=body, headers=headers)
        is_unsigned = "x-amz-content-sha256" in headers
        (_Unsigned if is_unsigned else S3SigV4Auth)(Credentials(*keys), service, REGION).add_auth(request)
        sent = {name.lower(): value for name, value in request.headers.items()}
    else:
        sent = _signed_headers(host, keys, service, path, headers, body)
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in sent.items() if name not in ("host", "content-length")]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Unsigned(S3SigV4Auth):
    """Over plain HTTP, too, the body is not hashed."""

    def payload(self, request: AWSRequest) -> str:
        return "UNSIGNED-PAYLOAD"


def _signed_headers(host: str, keys: tuple[str, str], service: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
    """Signature version 4 of a POST without a query, for requests that are made while time is taken: botocore takes 0.3 ms."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/{REGION}/{service}/aws4_request"
    sent = dict(sorted({**{name.lower(): value for name, value in headers.items()}, "host": host, "x-amz-date": now}.items()))
    names = ";".join(sent)
    lines = "".join(f"{name}:{value}\n" for name, value in sent.items())
    canonical = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(_signing_key(keys[1], scope), text.encode(), "sha256").hexdigest()
    return {**sent, "authorization": f"AWS4-HMAC-SHA256 Credential={keys[0]}/{scope}, SignedHeaders={names}, Signature={signature}"}


@lru_cache
def _signing_key(secret: str, scope: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class Connection:
    """A keep-alive connection, opened at the first request and again when the server has closed it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._answers: _Answers | None = None

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        if self._answers is None:
            _, self._answers = await asyncio.get_running_loop().create_connection(_Answers, *self._place)
        status, body, stays = await self._answers.ask(request)
        if not stays:
            self.close()
        return status, body

    def close(self) -> None:
        if self._answers is not None:
            self._answers.transport.close()
            self._answers = None


class _Answers(asyncio.Protocol):
    """One request at a time; its answer is parsed no further than it must be."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes, bool]] | None = None
        self._pieces: list[bytes] = []
        self._have = 0
        self._head: tuple[int, bool, bool] | None = None  # status, whether the connection stays, whether the body is chunked
        self._is_head = False
        self._wanted = 0  # bytes of a body that is not chunked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes, bool]]:
        self._answer = asyncio.get_running_loop().create_future()
        self._is_head = request.startswith(b"HEAD ")
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._have += len(data)
        if self._head is None and not self._read_head():
            return
        assert self._head is not None
        status, stays, chunked = self._head
        if chunked:
            body = b"".join(self._pieces)
            if body.endswith(b"0\r\n\r\n"):
                self._finish(status, _joined(body), stays)
        elif self._have >= self._wanted:
            self._finish(status, b"".join(self._pieces), stays)

    def _read_head(self) -> bool:
        head, end, rest = b"".join(self._pieces).partition(b"\r\n\r\n")
        if not end:
            return False
        lower = head.lower()
        at = lower.find(b"content-length:")
        self._wanted = int(lower[at + 15 :].split(b"\r", 1)[0]) if at >= 0 and not self._is_head else 0
        self._head = int(head[9:12]), b"connection: close" not in lower, b"transfer-encoding: chunked" in lower
        self._pieces, self._have = [rest], len(rest)
        return True

    def _finish(self, status: int, body: bytes, stays: bool) -> None:
        self._pieces, self._have, self._head = [], 0, None
        assert self._answer is not None
        if not self._answer.done():
            self._answer.set_result((status, body, stays))


def _joined(chunked: bytes) -> bytes:
    """The body without its chunks' sizes."""
    pieces: list[bytes] = []
    at = 0
    while size := int(chunked[at : (end := chunked.index(b"\r\n", at))].split(b";")[0], 16):
        pieces.append(chunked[end + 2 : end + 2 + size])
        at = end + 4 + size
    return b"".join(pieces)


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
