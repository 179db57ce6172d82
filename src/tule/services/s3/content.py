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


class Content(NamedTuple):
    """Bytes that are safe: `data` or `blob` holds them.  `etag` is the MD5 in hexadecimal."""

    size: int
    etag: str
    checksum: Checksum
    data: bytes | None
    blob: str | None


class Digests:
    """The MD5 and one checksum of what goes by."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksum = checksums.KINDS[algorithm].start()

    def update(self, data: bytes) -> None:
        self.size += len(data)
        self._md5.update(data)
        self._checksum.update(data)

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    @property
    def checksum(self) -> Checksum:
        return Checksum(self.algorithm, checksums.FULL_OBJECT, base64.b64encode(self._checksum.digest()).decode())


async def take(blobs: Blobs, body: Body | None, params: Mapping[str, Any], want: Wanted | None, *, default: str = checksums.DEFAULT) -> Content:
    """Store a request's body.  Raises the errors of lengths and digests; then what was written is left to the sweeper."""
    content_md5 = _content_md5(params)
    body = body or Body.of(b"")
    if body.length is None:
        raise errors.missing_content_length()
    if body.length > MAX_PUT_BYTES:
        raise errors.entity_too_large(body.length, MAX_PUT_BYTES)
    digests = Digests(want.algorithm if want else default)
    data: bytes | None = None
    blob: str | None = None
    if body.length <= INLINE_BYTES:
        data = await body.read(INLINE_BYTES)
        digests.update(data)
    else:
        blob = (await blobs.write(hashed(aiter(body), digests))).name
    if digests.size != body.length:
        raise errors.incomplete_body()
    if content_md5 is not None and content_md5 != digests.md5:
        raise errors.bad_content_md5(params["ContentMD5"], base64.b64encode(digests.md5).decode())
    if want is not None:
        _check(want, digests.checksum, body)
    return Content(digests.size, digests.md5.hex(), digests.checksum, data, blob)


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
