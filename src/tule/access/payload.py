"""Bodies that verify themselves while they are read.

A body is handed on piece by piece before its end is known, so a reader must keep nothing of it until the iteration has
ended without an error: the last piece, the digest or a chunk's signature may still refuse it.  Digests of large pieces
are computed in a thread, while the reader works on the piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

from tule.core.errors import ServiceError
from tule.wire.http import Body

_BATCH_BYTES = 1_048_576
_INLINE_BYTES = 131_072


class RunningHash:
    """SHA-256 of what has passed, computed in a thread a batch at a time while the reader goes on."""

    def __init__(self) -> None:
        self._hash = sha256()
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._pending: asyncio.Future[None] | None = None

    async def update(self, piece: bytes) -> None:
        self._batch.append(piece)
        self._batch_bytes += len(piece)
        if self._batch_bytes >= _BATCH_BYTES:
            await self._settle()
            batch, self._batch, self._batch_bytes = self._batch, [], 0
            self._pending = asyncio.get_running_loop().run_in_executor(None, self._absorb, batch)

    async def hexdigest(self) -> str:
        await self._settle()
        if self._batch_bytes < _INLINE_BYTES:
            self._absorb(self._batch)
        else:
            await asyncio.to_thread(self._absorb, self._batch)
        self._batch, self._batch_bytes = [], 0
        return self._hash.hexdigest()

    def _absorb(self, batch: list[bytes]) -> None:
        for piece in batch:
            self._hash.update(piece)

    async def _settle(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            await pending


async def hash_of(data: bytes) -> str:
    if len(data) < _INLINE_BYTES:
        return sha256(data).hexdigest()
    return await asyncio.to_thread(lambda: sha256(data).hexdigest())


class HashedBody(Body):
    """A body whose SHA-256 the client has signed in `x-amz-content-sha256`."""

    def __init__(self, body: Body, expected: str) -> None:
        self._body = body
        self._expected = expected
        self.length = body.length

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._verified()

    async def read(self, limit: int) -> bytes:
        data = await self._body.read(limit)
        self._check(await hash_of(data))
        return data

    async def _verified(self) -> AsyncIterator[bytes]:
        running = RunningHash()
        async for piece in self._body:
            await running.update(piece)
            yield piece
        self._check(await running.hexdigest())

    def _check(self, computed: str) -> None:
        if computed != self._expected:
            raise content_mismatch(self._expected, computed)


def content_mismatch(expected: str, computed: str) -> ServiceError:
    """The body is not the one whose hash was signed."""
    return ServiceError(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        400,
        fields={"ClientComputedContentSHA256": expected, "S3ComputedContentSHA256": computed},
    )
