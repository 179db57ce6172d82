"""Blobs in any object store that obstore reaches: S3 and what speaks like it, Google Cloud Storage, Azure.

An upload is put together from parts and appears whole or not at all; one that fails is aborted.  Blobs never change, so
what other nodes read may be as old as it likes.  Credentials and endpoints come from the environment or the instance, as
everywhere (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, ...).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime, timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from tule.blobs import checks
from tule.blobs.blobs import BlobMissing, Written
from tule.blobs.keeping import Keeper
from tule.blobs.sweeping import Holders, Sweeper
from tule.core.ids import Ids
from tule.store.errors import StoreUnavailable
from tule.store.store import Store

PIECE = 1024 * 1024
_LISTED = 500  # names asked about at a time while sweeping


class ObjectBlobs:
    """`objects` is already rooted at the prefix where blobs live."""

    def __init__(self, objects: ObjectStore, store: Store, ids: Ids) -> None:
        self._objects = objects
        self._ids = ids
        self._sweeper = Sweeper(store)
        self._keeper = Keeper()

    async def write(self, chunks: AsyncIterator[bytes]) -> Written:
        name = checks.new_name(self._ids)
        return Written(name, await self._store(name, chunks))

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        await self._store(name, chunks)

    async def read(
        self, name: str, start: int = 0, end: int | None = None, *, piece: int = 0, through: Callable[[bytes], bytes] | None = None
    ) -> AsyncIterator[bytes]:
        with _clear_errors(name):
            length = await self.length(name)
            stop = length if end is None else min(end, length)
            if start >= stop:
                return
            got = await obstore.get_async(self._objects, _checked(name), options={"range": (start, stop)})
            came = (bytes(each) async for each in got.stream(piece or PIECE))
            async for each in _of_size(came, piece) if piece else came:
                yield each if through is None else await asyncio.to_thread(through, each)

    async def read_all(self, name: str) -> bytes:
        return b"".join([piece async for piece in self.read(name)])

    async def length(self, name: str) -> int:
        with _clear_errors(name):
            return checks.content_bytes(name, (await obstore.head_async(self._objects, _checked(name)))["size"])

    async def verify(self, name: str) -> bool | None:
        with _clear_errors(name):
            got = await obstore.get_async(self._objects, _checked(name))
            if not checks.checked(name):
                return None
            crc, end = 0, b""
            async for each in got.stream(PIECE):
                end += bytes(each)
                crc, end = zlib.crc32(end[: -checks.BYTES], crc), end[-checks.BYTES :]
            return end == checks.footer(crc)

    async def delete(self, name: str) -> None:
        await self._keeper.passing()
        with _clear_errors(name):
            try:
                await obstore.delete_async(self._objects, _checked(name))
            except FileNotFoundError:
                return

    def referenced_by(self, holders: Holders) -> None:
        self._sweeper.add(holders)

    async def sweep(self, older_than_ms: int) -> int:
        before = datetime.now(UTC) - timedelta(milliseconds=older_than_ms)
        swept = 0
        with _clear_errors(""):
            async for listed in obstore.list(self._objects, chunk_size=_LISTED):
                aged = [entry["path"] for entry in listed if entry["last_modified"] <= before and entry["path"].isalnum()]
                for name in await self._sweeper.orphans(aged):
                    await self.delete(name)
                    swept += 1
        return swept

    async def names(self) -> AsyncIterator[str]:
        with _clear_errors(""):
            async for listed in obstore.list(self._objects, chunk_size=_LISTED):
                for entry in listed:
                    yield entry["path"]

    def kept(self) -> AbstractAsyncContextManager[None]:
        return self._keeper.keep()

    async def close(self) -> None:
        return

    async def _store(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        length = crc = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal length, crc
            async for chunk in chunks:
                length += len(chunk)
                crc = zlib.crc32(chunk, crc)
                yield chunk
            if checks.checked(name):
                yield checks.footer(crc)

        with _clear_errors(name):
            await obstore.put_async(self._objects, _checked(name), counted())
        return length


async def _of_size(pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The same bytes in pieces of `size`, but for the last one."""
    held = bytearray()
    async for each in pieces:
        held += each
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)


def _checked(name: str) -> str:
    if not name.isalnum():
        raise ValueError(f"{name!r} is no blob's name")
    return name


@contextmanager
def _clear_errors(name: str) -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BlobMissing(name) from error
    except BaseError as error:
        raise StoreUnavailable(f"The object store cannot be used: {str(error).splitlines()[0]}") from error
