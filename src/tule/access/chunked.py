"""`Content-Encoding: aws-chunked`: a body in chunks that may each be signed, with headers that may come after it.

    <size in hex>[;chunk-signature=<signature>]\\r\\n <bytes> \\r\\n   ...   0[;chunk-signature=...]\\r\\n
    [<trailing header>:<value>\\r\\n]... [x-amz-trailer-signature:<signature>\\r\\n] \\r\\n

Each chunk's signature covers the one before it; the first covers the request's.
AWS: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks", and "... Including
Trailing Headers" (S3 API reference).
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

from tule.access.payload import RunningHash
from tule.access.refusals import s3_mismatch
from tule.access.signature import EMPTY_SHA256
from tule.core.errors import ServiceError
from tule.wire.http import Body

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
FORMS = frozenset({SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER})

_MAX_LINE_BYTES = 8_192
_MAX_TRAILER_BYTES = 16_384


@dataclass(slots=True)
class ChunkChain:
    """The signatures of a body's chunks: each depends on the one before.  `previous` starts as the request's own."""

    access_key: str
    key: bytes
    date: str
    scope: str
    previous: str

    def check_chunk(self, digest: str, signature: str) -> None:
        self._check("AWS4-HMAC-SHA256-PAYLOAD", f"{EMPTY_SHA256}\n{digest}", signature)

    def check_trailer(self, canonical: bytes, signature: str) -> None:
        self._check("AWS4-HMAC-SHA256-TRAILER", sha256(canonical).hexdigest(), signature)

    def _check(self, algorithm: str, rest: str, signature: str) -> None:
        text = f"{algorithm}\n{self.date}\n{self.scope}\n{self.previous}\n{rest}".encode()
        expected = hmac.digest(self.key, text, "sha256").hex()
        if not signature.isascii() or not hmac.compare_digest(expected, signature):
            raise s3_mismatch(self.access_key, text, signature)
        self.previous = expected


class ChunkedBody(Body):
    """The bytes inside the chunks.  `trailers` (lower-case names) is complete once the body has been read to its end.

    `chain` is None where nothing can be or need be verified: unsigned chunks, or a key whose secret is not known.
    """

    def __init__(self, body: Body, form: str, length: int | None, chain: ChunkChain | None) -> None:
        super().__init__(self._decoded(body), length)
        self.trailers: dict[str, str] = {}
        self._signed = form != UNSIGNED_TRAILER
        self._has_trailer = form != SIGNED
        self._chain = chain if self._signed else None

    async def _decoded(self, body: Body) -> AsyncIterator[bytes]:
        reader = _Reader(body)
        total = 0
        while True:
            size, signature = _chunk_head(await reader.line(), self._signed)
            if size == 0:
                break
            total += size
            if self.length is not None and total > self.length:
                raise incomplete_body()
            running = RunningHash() if self._chain is not None else None
            async for piece in reader.exactly(size):
                if running is not None:
                    await running.update(piece)
                yield piece
            if await reader.line() != b"":
                raise incomplete_body()
            if self._chain is not None and running is not None:
                self._chain.check_chunk(await running.hexdigest(), signature)
        if self._chain is not None:
            self._chain.check_chunk(EMPTY_SHA256, signature)
        await self._read_trailer(reader)
        if self.length is not None and total != self.length:
            raise incomplete_body()

    async def _read_trailer(self, reader: _Reader) -> None:
        found: dict[str, str] = {}
        size = 0
        while line := await reader.line(at_end=b""):
            size += len(line)
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or not name.strip() or size > _MAX_TRAILER_BYTES or not self._has_trailer:
                raise malformed_trailer()
            found[name.strip().lower()] = value.strip()
        signature = found.pop("x-amz-trailer-signature", "")
        if self._chain is not None and self._has_trailer:
            canonical = "".join(f"{name}:{value}\n" for name, value in sorted(found.items()))
            self._chain.check_trailer(canonical.encode("latin-1"), signature)
        self.trailers.update(found)


class _Reader:
    """Lines and counted bytes out of a body's pieces."""

    def __init__(self, body: Body) -> None:
        self._pieces = body.__aiter__()
        self._buffer = b""
        self._at = 0

    async def line(self, at_end: bytes | None = None) -> bytes:
        """Up to the next CRLF, which is dropped; at the end of the body `at_end`, or IncompleteBody when that is None."""
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            if len(self._buffer) - self._at > _MAX_LINE_BYTES:
                raise incomplete_body()
            if not await self._more():
                if at_end is not None and self._at == len(self._buffer):
                    return at_end
                raise incomplete_body()
        line = self._buffer[self._at : end]
        self._at = end + 2
        return line

    async def exactly(self, count: int) -> AsyncIterator[bytes]:
        while count:
            if self._at >= len(self._buffer) and not await self._more():
                raise incomplete_body()
            piece = self._buffer[self._at : self._at + count] if self._at or len(self._buffer) > count else self._buffer
            self._at += len(piece)
            count -= len(piece)
            if piece:
                yield piece

    async def _more(self) -> bool:
        piece = await anext(self._pieces, None)
        if piece is None:
            return False
        self._buffer = self._buffer[self._at :] + piece if self._at < len(self._buffer) else piece
        self._at = 0
        return True


def _chunk_head(line: bytes, signed: bool) -> tuple[int, str]:
    size, _, extension = line.partition(b";")
    try:
        count = int(size, 16)
    except ValueError as error:
        raise incomplete_body() from error
    if count < 0 or not size.isalnum():
        raise incomplete_body()
    name, _, signature = extension.partition(b"=")
    if signed and name != b"chunk-signature":
        raise incomplete_body()
    return count, signature.decode("latin-1")


def incomplete_body() -> ServiceError:
    return ServiceError("IncompleteBody", "The request body terminated unexpectedly", 400)


def malformed_trailer() -> ServiceError:
    text = "The request contained trailing data that was not well-formed or did not conform to our published schema."
    return ServiceError("MalformedTrailerError", text, 400)
