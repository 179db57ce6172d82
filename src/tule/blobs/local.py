"""Blobs as files, in 256 directories by the first two digits of their names.

Promise: when `write` returns, the bytes will be there after a power cut: they are written under a temporary name,
fsynced, renamed, and the directory is fsynced.  A crash leaves at most a temporary file, which the sweeper removes.
Big reads and writes run on a few threads, piece by piece, so that the event loop never waits for the disk and memory
stays constant; small ones run at once, since a hop to a thread costs more than the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

from tule.blobs.blobs import BlobMissing, Written
from tule.blobs.keeping import Keeper
from tule.blobs.sweeping import Holders, Sweeper
from tule.core.ids import Ids
from tule.store.errors import StoreFull, StoreUnavailable, is_no_room
from tule.store.store import Store

T = TypeVar("T")

PIECE = 256 * 1024  # what one read or write moves
INLINE = 64 * 1024  # up to here the event loop's thread does it itself
THREADS = 8
_TEMPORARY = ".part"


class LocalBlobs:
    def __init__(self, directory: Path, store: Store, ids: Ids, *, fsync: bool = True, on_close: Callable[[], None] = lambda: None) -> None:
        self._directory = directory
        self._ids = ids
        self._fsync = fsync
        self._pool = ThreadPoolExecutor(THREADS, "blobs")
        self._sweeper = Sweeper(store)
        self._keeper = Keeper()
        self._on_close = on_close
        directory.mkdir(parents=True, exist_ok=True)

    async def write(self, chunks: AsyncIterator[bytes]) -> Written:
        name = self._ids.hex(32)
        return Written(name, await self._store(name, chunks))

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        await self._store(name, chunks)

    async def _store(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        with self._clear_errors():
            file = _NewFile(self._path(name), self._fsync)
            try:
                await self._fill(file, chunks)
                await self._off_loop(file.finish)
            except BaseException:
                file.abandon()
                raise
        return file.length

    async def _fill(self, file: _NewFile, chunks: AsyncIterator[bytes]) -> None:
        gathered: list[bytes] = []
        size = 0
        async for chunk in chunks:
            gathered.append(chunk)
            size += len(chunk)
            if size >= PIECE:
                await self._off_loop(file.append, b"".join(gathered))
                gathered, size = [], 0
        if size > INLINE:
            await self._off_loop(file.append, b"".join(gathered))
        elif size:
            file.append(b"".join(gathered))

    async def concatenate(self, names: Iterable[str]) -> Written:
        sources = [self._path(name) for name in names]
        name = self._ids.hex(32)
        with self._clear_errors():
            length = await self._off_loop(self._join, sources, self._path(name))
        return Written(name, length)

    def _join(self, sources: list[Path], target: Path) -> int:
        file = _NewFile(target, self._fsync)
        try:
            for source in sources:
                file.append_file(source)
            file.finish()
        except BaseException:
            file.abandon()
            raise
        return file.length

    async def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        with self._clear_errors():
            descriptor = _open(self._path(name))
            try:
                stop = os.fstat(descriptor).st_size if end is None else end
                at = start
                while at < stop:
                    wanted = min(PIECE, stop - at)
                    piece = os.pread(descriptor, wanted, at) if wanted <= INLINE else await self._off_loop(os.pread, descriptor, wanted, at)
                    if not piece:
                        break
                    at += len(piece)
                    yield piece
            finally:
                os.close(descriptor)

    async def read_all(self, name: str) -> bytes:
        return b"".join([piece async for piece in self.read(name)])

    async def delete(self, name: str) -> None:
        await self._keeper.passing()
        with self._clear_errors(), contextlib.suppress(FileNotFoundError):
            self._path(name).unlink()

    def referenced_by(self, holders: Holders) -> None:
        self._sweeper.add(holders)

    async def sweep(self, older_than_ms: int) -> int:
        before = time.time() - older_than_ms / 1000
        swept = 0
        for number in range(256):
            directory = self._directory / f"{number:02x}"
            aged = await self._off_loop(_aged, directory, before)
            for name in await self._sweeper.orphans([name for name in aged if not name.endswith(_TEMPORARY)]):
                await self.delete(name)
                swept += 1
            for name in aged:
                if name.endswith(_TEMPORARY):
                    (directory / name).unlink(missing_ok=True)
                    swept += 1
        return swept

    async def names(self) -> AsyncIterator[str]:
        """All blobs there are, for a backup."""
        for number in range(256):
            for name in await self._off_loop(_listed, self._directory / f"{number:02x}"):
                if not name.endswith(_TEMPORARY):
                    yield name

    async def length(self, name: str) -> int:
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError as error:
            raise BlobMissing(name) from error

    def kept(self) -> AbstractAsyncContextManager[None]:
        return self._keeper.keep()

    async def close(self) -> None:
        self._pool.shutdown(wait=True)
        self._on_close()

    def _path(self, name: str) -> Path:
        if not name.isalnum():
            raise ValueError(f"{name!r} is no blob's name")
        return self._directory / name[:2] / name

    async def _off_loop(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    @contextlib.contextmanager
    def _clear_errors(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            if is_no_room(error):
                raise StoreFull(f"There is no room left in {self._directory}: free some, and all goes on. ({error})") from error
            if error.errno in (errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EACCES):
                raise StoreUnavailable(f"{self._directory} cannot be read or written: {error}") from error
            raise


class _NewFile:
    """A file that appears under its name when it is finished, whole and durable, or never."""

    def __init__(self, path: Path, fsync: bool) -> None:
        self._path = path
        self._temporary = path.with_name(path.name + _TEMPORARY)
        self._fsync = fsync
        self._descriptor = self._opened()
        self.length = 0

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            return os.open(self._temporary, flags, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(exist_ok=True)
            if self._fsync:
                _fsync_directory(self._path.parent.parent)
            return os.open(self._temporary, flags, 0o600)

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._descriptor, view)
            self.length += written
            view = view[written:]

    def append_file(self, source: Path) -> None:
        """Within the kernel, sharing blocks where the file system can."""
        descriptor = _open(source)
        try:
            size, at = os.fstat(descriptor).st_size, 0
            while at < size:
                copied = _copy(descriptor, self._descriptor, at, size - at)
                if not copied:
                    raise BlobMissing(f"{source.name} was cut short")
                at += copied
                self.length += copied
        finally:
            os.close(descriptor)

    def finish(self) -> None:
        if self._fsync:
            os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1
        os.rename(self._temporary, self._path)
        if self._fsync:
            _fsync_directory(self._path.parent)

    def abandon(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._temporary.unlink(missing_ok=True)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise BlobMissing(path.name) from error


def _copy(source: int, target: int, at: int, count: int) -> int:
    """Some of `count` bytes from `at` of one file to the end of the other; how many."""
    try:
        return os.copy_file_range(source, target, count, at)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        return os.sendfile(target, source, at, count)


def _fsync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _listed(directory: Path) -> list[str]:
    """Names of files; none where nothing was ever put."""
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def _aged(directory: Path, before: float) -> list[str]:
    """Names of files that nobody has written to since `before`."""
    if not directory.exists():
        return []
    with os.scandir(directory) as entries:
        found: list[str] = []
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime <= before:
                    found.append(entry.name)
        return found
