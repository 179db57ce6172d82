"""Blobs in any object store that obstore reaches: S3 and what speaks like it, Google Cloud Storage, Azure.

An upload is put together from parts and appears whole or not at all; one that fails is aborted.  Blobs never change, so
what other nodes read may be as old as it likes.  Joining passes the bytes through this node, a piece at a time, since the
protocol to copy parts is not common to all stores.  Credentials and endpoints come from the environment or the instance, as
everywhere (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, ...).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime, timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

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
        name = self._ids.hex(32)
        return Written(name, await self._store(name, chunks))

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        await self._store(name, chunks)

    async def concatenate(self, names: Iterable[str]) -> Written:
        listed = list(names)

        async def joined() -> AsyncIterator[bytes]:
            for name in listed:
                async for piece in self.read(name):
                    yield piece

        return await self.write(joined())

    async def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        with _clear_errors(name):
            length = await self.length(name)
            stop = length if end is None else min(end, length)
            if start >= stop:
                return
            got = await obstore.get_async(self._objects, _checked(name), options={"range": (start, stop)})
            async for piece in got.stream(PIECE):
                yield bytes(piece)

    async def read_all(self, name: str) -> bytes:
        return b"".join([piece async for piece in self.read(name)])

    async def length(self, name: str) -> int:
        with _clear_errors(name):
            return (await obstore.head_async(self._objects, _checked(name)))["size"]

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
        length = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal length
            async for chunk in chunks:
                length += len(chunk)
                yield chunk

        with _clear_errors(name):
            await obstore.put_async(self._objects, _checked(name), counted())
        return length


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
