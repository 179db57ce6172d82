"""Taking in the bytes of an object or part: hashed and sealed as they come, kept in the row when few, in a blob when many.

Constant memory: at most a couple of pieces are held.  Long bodies are hashed and sealed in a thread, a batch at a time, while
the batch before is written, so that they use a second core and leave the event loop free.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from tule.core.ids import Ids
from tule.platform.node import Node
from tule.services.s3 import checksums, errors
from tule.services.s3.checksums import Checksum, Wanted
from tule.services.s3.sealing import Seal, Sealer
from tule.wire.http import Body

INLINE_BYTES = 64 * 1024
MAX_PUT_BYTES = 5 * 1024**3
_BATCH_BYTES = 512 * 1024


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
    """Bytes that are safe: `data` or `blob` holds them, sealed where there is a seal."""

    digests: Digests
    data: bytes | None
    blob: str | None
    seal: Seal | None = None
    plain: bytes | None = None  # few bytes as they came, should they have to be sealed otherwise

    @property
    def size(self) -> int:
        return self.digests.size

    @property
    def etag(self) -> str:
        """Their MD5 in hexadecimal, or what their encryption makes of it."""
        return self.digests.md5.hex() if self.seal is None else self.seal.etag(self.digests.md5)

    def checksum(self, algorithm: str) -> Checksum:
        return self.digests.checksum(algorithm)

    def resealed(self, seal: Seal | None, ids: Ids) -> Content:
        """Few bytes under another seal."""
        assert self.plain is not None
        return self._replace(seal=seal, data=self.plain if seal is None else seal.seal(self.plain, ids))


async def take(node: Node, params: Mapping[str, Any], want: Wanted | None, seal: Seal | None, *algorithms: str) -> Content:
    """Store a request's body, computing `algorithms`, that of `want` among them.

    Raises the errors of lengths and digests; what was written by then is left to the sweeper.
    """
    content_md5 = _content_md5(params)
    body: Body = params.get("Body") or Body.of(b"")
    if body.length is None:
        raise errors.missing_content_length()
    if body.length > MAX_PUT_BYTES:
        raise errors.entity_too_large(body.length, MAX_PUT_BYTES)
    if body.length > INLINE_BYTES:
        content = await store(node, aiter(body), body.length, seal, *algorithms)
    else:
        content = _held(node, await body.read(INLINE_BYTES), seal, *algorithms)
    if content.size != body.length:
        raise errors.incomplete_body()
    if content_md5 is not None and content_md5 != content.digests.md5:
        raise errors.bad_content_md5(params["ContentMD5"], base64.b64encode(content.digests.md5).decode())
    if want is not None:
        _check(want, content.checksum(want.algorithm), body)
    return content


async def store(node: Node, pieces: AsyncIterator[bytes], length: int, seal: Seal | None, *algorithms: str) -> Content:
    """`length` is what was announced; no more than that is held in memory."""
    if length <= INLINE_BYTES:
        return _held(node, b"".join([piece async for piece in pieces]), seal, *algorithms)
    digests = Digests(*algorithms)
    return Content(digests, None, (await node.blobs.write(absorbed(pieces, digests, seal, node.ids))).name, seal)


def _held(node: Node, data: bytes, seal: Seal | None, *algorithms: str) -> Content:
    """Few bytes, which are kept in the row."""
    digests = Digests(*algorithms)
    digests.update(data)
    return Content(digests, data if seal is None else seal.seal(data, node.ids), None, seal, data)


async def store_unmeasured(node: Node, pieces: AsyncIterator[bytes], seal: Seal | None, *algorithms: str) -> Content:
    """The same for bytes of which nobody said how many they are."""
    first: list[bytes] = []
    size = 0
    async for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size > INLINE_BYTES:
            break
    if size <= INLINE_BYTES:
        return await store(node, _chained(first, None), size, seal, *algorithms)
    return await store(node, _chained(first, pieces), MAX_PUT_BYTES, seal, *algorithms)


async def _chained(first: list[bytes], rest: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    for piece in first:
        yield piece
    if rest is not None:
        async for piece in rest:
            yield piece


async def hashed(pieces: AsyncIterator[bytes], digests: Digests) -> None:
    """Let `digests` take in all of them."""
    loop = asyncio.get_running_loop()
    async for batch in _batches(pieces):
        await loop.run_in_executor(None, _absorb, batch, digests, None)


async def absorbed(pieces: AsyncIterator[bytes], digests: Digests, seal: Seal | None, ids: Ids) -> AsyncIterator[bytes]:
    """Pass `pieces` on, sealed, once `digests` has taken them in, a batch at a time in a thread."""
    loop = asyncio.get_running_loop()
    sealer = None if seal is None else Sealer(seal, ids)
    pending: asyncio.Future[list[bytes]] | None = None
    async for batch in _batches(pieces):
        ready = [] if pending is None else await pending
        pending = loop.run_in_executor(None, _absorb, batch, digests, sealer)
        for each in ready:
            yield each
    for each in [] if pending is None else await pending:
        yield each
    for each in [] if sealer is None else sealer.finish():
        yield each


def _absorb(batch: list[bytes], digests: Digests, sealer: Sealer | None) -> list[bytes]:
    """A batch hashed and sealed, piece by piece while it is in the processor's cache."""
    stored: list[bytes] = []
    for piece in batch:
        digests.update(piece)
        stored += (piece,) if sealer is None else sealer.update(piece)
    return stored


async def _batches(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    held: list[bytes] = []
    size = 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BATCH_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


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
