"""Taking in the bytes of an object or part: hashed as they come, kept in the row when few, in a blob when many.

Constant memory: at most a couple of pieces are held.  Hashing of long bodies runs in a thread, one batch behind the
writing, so that it uses a second core and leaves the event loop free.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from tule.blobs.blobs import Blobs
from tule.services.s3 import checksums, errors
from tule.services.s3.checksums import Checksum, Wanted
from tule.wire.http import Body

INLINE_BYTES = 64 * 1024
MAX_PUT_BYTES = 5 * 1024**3
_BATCH_BYTES = 1024 * 1024


class Digests:
    """The MD5 and some checksums of what goes by."""

    def __init__(self, *algorithms: str) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksums = {name: checksums.KINDS[name].start() for name in algorithms}

    def update(self, data: bytes) -> None:
        self.size += len(data)
        self._md5.update(data)
        for checksum in self._checksums.values():
            checksum.update(data)

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    def checksum(self, algorithm: str) -> Checksum:
        return Checksum(algorithm, checksums.FULL_OBJECT, base64.b64encode(self._checksums[algorithm].digest()).decode())


class Content(NamedTuple):
    """Bytes that are safe: `data` or `blob` holds them."""

    digests: Digests
    data: bytes | None
    blob: str | None

    @property
    def size(self) -> int:
        return self.digests.size

    @property
    def etag(self) -> str:
        """Their MD5 in hexadecimal."""
        return self.digests.md5.hex()

    def checksum(self, algorithm: str) -> Checksum:
        return self.digests.checksum(algorithm)


async def take(blobs: Blobs, params: Mapping[str, Any], want: Wanted | None, *algorithms: str) -> Content:
    """Store a request's body, computing `algorithms`, that of `want` among them.

    Raises the errors of lengths and digests; what was written by then is left to the sweeper.
    """
    content_md5 = _content_md5(params)
    body: Body = params.get("Body") or Body.of(b"")
    if body.length is None:
        raise errors.missing_content_length()
    if body.length > MAX_PUT_BYTES:
        raise errors.entity_too_large(body.length, MAX_PUT_BYTES)
    content = await store(blobs, aiter(body), body.length, *algorithms)
    if content.size != body.length:
        raise errors.incomplete_body()
    if content_md5 is not None and content_md5 != content.digests.md5:
        raise errors.bad_content_md5(params["ContentMD5"], base64.b64encode(content.digests.md5).decode())
    if want is not None:
        _check(want, content.checksum(want.algorithm), body)
    return content


async def store(blobs: Blobs, pieces: AsyncIterator[bytes], length: int, *algorithms: str) -> Content:
    """`length` is what was announced; no more than that is held in memory."""
    digests = Digests(*algorithms)
    if length > INLINE_BYTES:
        return Content(digests, None, (await blobs.write(hashed(pieces, digests))).name)
    held = [piece async for piece in pieces]
    data = held[0] if len(held) == 1 else b"".join(held)
    digests.update(data)
    return Content(digests, data, None)


async def store_unmeasured(blobs: Blobs, pieces: AsyncIterator[bytes], *algorithms: str) -> Content:
    """The same for bytes of which nobody said how many they are."""
    first: list[bytes] = []
    size = 0
    async for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size > INLINE_BYTES:
            break
    if size <= INLINE_BYTES:
        return await store(blobs, _chained(first, None), size, *algorithms)
    return await store(blobs, _chained(first, pieces), MAX_PUT_BYTES, *algorithms)


async def _chained(first: list[bytes], rest: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    for piece in first:
        yield piece
    if rest is not None:
        async for piece in rest:
            yield piece


async def hashed(pieces: AsyncIterator[bytes], digests: Digests) -> AsyncIterator[bytes]:
    """Pass `pieces` on in batches while `digests` takes them in, in a thread."""
    loop = asyncio.get_running_loop()
    pending: asyncio.Future[None] | None = None
    async for batch in _batches(pieces):
        if pending is not None:
            await pending
        pending = loop.run_in_executor(None, digests.update, batch)
        yield batch
    if pending is not None:
        await pending


async def _batches(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held: list[bytes] = []
    size = 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BATCH_BYTES:
            yield held[0] if len(held) == 1 else b"".join(held)
            held, size = [], 0
    if held:
        yield held[0] if len(held) == 1 else b"".join(held)


def _content_md5(params: Mapping[str, Any]) -> bytes | None:
    text = params.get("ContentMD5")
    if text is None:
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise errors.invalid_digest(text)
    return digest


def _check(want: Wanted, found: Checksum, body: Body) -> None:
    said = want.value
    if want.trailing:
        trailers: Mapping[str, str] = getattr(body, "trailers", {})
        said = trailers.get(want.header)
        if said is None:
            raise errors.malformed_trailer()
        checksums.check_value(want.algorithm, said, want.header)
    if said is not None and said != found.value:
        raise errors.bad_checksum(want.algorithm)
