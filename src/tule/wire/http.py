"""A request and an answer, as every room sees them: no framework, no ASGI.

`server/` makes a `Request` from ASGI and sends a `Response` back; codecs, signatures and services speak only of these.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Body:
    """The bytes of a request, once: read whole by `read(limit)`, or piece by piece by `async for`.

    `length` is what Content-Length (or x-amz-decoded-content-length) announced, None when unknown.  Wrappers
    (chunk signatures, checksums) are bodies around a body.
    """

    def __init__(self, chunks: AsyncIterator[bytes], length: int | None) -> None:
        self._chunks = chunks
        self.length = length

    @staticmethod
    def of(data: bytes) -> Body:
        async def once() -> AsyncIterator[bytes]:
            if data:
                yield data

        return Body(once(), len(data))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def read(self, limit: int) -> bytes:
        """The whole body; raises BodyTooLarge beyond `limit` bytes."""
        if self.length is not None and self.length > limit:
            raise BodyTooLarge(limit)
        pieces: list[bytes] = []
        size = 0
        async for piece in self._chunks:
            size += len(piece)
            if size > limit:
                raise BodyTooLarge(limit)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class BodyTooLarge(Exception):
    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is longer than {limit} bytes")
        self.limit = limit


def _never() -> bool:
    return False


@dataclass(slots=True)
class Request:
    """One HTTP request.

    `path` and `query` are raw (still percent-encoded, as signed).  `headers` have lower-case names; repeated ones are
    joined by a comma.  `body` is the complete body once the pipeline has read it; for operations that stream their
    input it stays None and `stream` is read by the operation.  `is_abandoned` tells whether the client has gone away since.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    stream: Body
    body: bytes | None = None
    scheme: str = "http"
    source_ip: str = "127.0.0.1"
    raw_headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    is_abandoned: Callable[[], bool] = _never

    @property
    def host(self) -> str:
        """The Host header, port included."""
        return self.headers.get("host", "")


@dataclass(slots=True)
class Response:
    """One HTTP answer; `body` is bytes, or pieces to be sent as they come (then `headers` may carry content-length).

    `cookies` are values of Set-Cookie, the one header that may not be joined.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | AsyncIterator[bytes] = b""
    cookies: tuple[str, ...] = ()


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    import orjson

    return Response(status, {"content-type": "application/json", **(headers or {})}, orjson.dumps(value))
