"""Blobs as files, in 256 directories by the first two digits of their names.

Promise: when `write` returns, the bytes will be there after a power cut: they are written under a temporary name, renamed
when they are whole, and then file and directory are fsynced (in this order a journal is committed once: the second finds
nothing to do).  A crash leaves at most a file that nobody refers to, which the sweeper removes.
Writes and big reads run on a few threads, piece by piece, so that the event loop never waits for the disk and memory
stays constant; small reads run at once, since a hop to a thread costs more than the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
import zlib
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from tule.blobs import checks
from tule.blobs.blobs import BlobMissing, Written
from tule.blobs.keeping import Keeper
from tule.blobs.sweeping import Holders, Sweeper
from tule.core.ids import Ids
from tule.store.errors import StoreFull, StoreUnavailable, is_no_room
from tule.store.store import Store

T = TypeVar("T")

PIECE = 256 * 1024  # what one read moves
WRITTEN = 512 * 1024  # what one write moves, or a little more
INLINE = 64 * 1024  # up to here the event loop's thread reads by itself
THREADS = 8
_MOST_AT_ONCE = 1000  # pieces of one write; Linux takes 1024
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
        name = checks.new_name(self._ids)
        return Written(name, await self._store(name, chunks))

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        await self._store(name, chunks)

    async def _store(self, name: str, chunks: AsyncIterator[bytes]) -> int:
        with self._clear_errors():
            file = _NewFile(self._path(name), self._fsync, checks.checked(name))
            try:
                rest = await self._fill(file, chunks)
                await self._off_loop(file.finish, rest)
            except Exception:
                file.abandon()
                raise
            except BaseException:  # cancelled
                self._abandon(file)
                raise
        return file.length

    def _abandon(self, file: _NewFile) -> None:
        """Off the loop, since a thread may be at work on it still: who was cancelled has not waited for it."""
        try:
            self._pool.submit(file.abandon)
        except RuntimeError:  # the pool has been shut down, and nobody works in it any more
            file.abandon()

    async def _fill(self, file: _NewFile, chunks: AsyncIterator[bytes]) -> list[bytes]:
        """All but the last bytes, which are given back: of most blobs those are all."""
        gathered: list[bytes] = []
        size = 0
        async for chunk in chunks:
            gathered.append(chunk)
            size += len(chunk)
            if size >= WRITTEN or len(gathered) == _MOST_AT_ONCE:
                await self._off_loop(file.append, gathered)
                gathered, size = [], 0
        return gathered

    async def read(
        self, name: str, start: int = 0, end: int | None = None, *, piece: int = 0, through: Callable[[bytes], bytes] | None = None
    ) -> AsyncIterator[bytes]:
        """One piece is read ahead while the one before is used."""
        with self._clear_errors():
            descriptor = _open(self._path(name))
            ahead: asyncio.Future[bytes] | None = None
            try:
                length = checks.content_bytes(name, os.fstat(descriptor).st_size)
                stop = length if end is None else min(end, length)
                pieces = iter([(at, min(piece or PIECE, stop - at)) for at in range(start, stop, piece or PIECE)])
                for at, count in pieces:
                    if count <= INLINE:
                        yield _piece(descriptor, count, at, through)
                        continue
                    ahead = self._off_loop(_piece, descriptor, count, at, through)
                    while ahead is not None:
                        data = await ahead
                        following = next(pieces, None)
                        ahead = None if following is None else self._off_loop(_piece, descriptor, following[1], following[0], through)
                        yield data
            finally:
                if ahead is not None:
                    ahead.cancel()  # should a thread still read, its bytes go nowhere
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
            return checks.content_bytes(name, self._path(name).stat().st_size)
        except FileNotFoundError as error:
            raise BlobMissing(name) from error

    async def verify(self, name: str) -> bool | None:
        path = self._path(name)
        with self._clear_errors():
            return await self._off_loop(_verified, path) if checks.checked(name) else None if path.exists() else _missing(name)

    def kept(self) -> AbstractAsyncContextManager[None]:
        return self._keeper.keep()

    async def close(self) -> None:
        self._pool.shutdown(wait=True)
        self._on_close()

    def _path(self, name: str) -> Path:
        if not name.isalnum():
            raise ValueError(f"{name!r} is no blob's name")
        return self._directory / name[:2] / name

    def _off_loop(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

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
    """A file that appears under its name when it is finished, whole and durable, or never.

    Its descriptor is closed by nobody while another thread uses it: the number may be another file's a moment later.
    """

    def __init__(self, path: Path, fsync: bool, checked: bool) -> None:
        self._path = path
        self._checked = checked
        self._crc = 0
        self._temporary = path.with_name(path.name + _TEMPORARY)
        self._there = self._temporary
        self._fsync = fsync
        self._descriptor = -1
        self._abandoned = False
        self._lock = Lock()
        self.length = 0

    def _open(self) -> None:
        if self._descriptor < 0 and not self._abandoned:
            self._descriptor = self._created()

    def _created(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            return os.open(self._temporary, flags, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(exist_ok=True)
            if self._fsync:
                _fsync_directory(self._path.parent.parent)
            return os.open(self._temporary, flags, 0o600)

    def append(self, pieces: list[bytes]) -> None:
        with self._lock:
            self._append(pieces)

    def _append(self, pieces: list[bytes]) -> None:
        self._open()
        for piece in pieces:
            self._crc = zlib.crc32(piece, self._crc)
            self.length += len(piece)
        self._write(pieces)

    def _write(self, pieces: list[bytes]) -> None:
        if not pieces:
            return
        size = sum(map(len, pieces))
        if (written := os.writev(self._descriptor, pieces)) < size:  # as on a disk that is almost full
            view = memoryview(b"".join(pieces))[written:]
            while view:
                view = view[os.write(self._descriptor, view) :]

    def finish(self, rest: list[bytes]) -> None:
        """`rest` are the last bytes."""
        with self._lock:
            self._append(rest)
            if self._checked:
                self._write([checks.footer(self._crc)])
            os.rename(self._temporary, self._path)
            self._there = self._path
            if self._fsync:
                os.fsync(self._descriptor)
                _fsync_directory(self._path.parent)
            self._close()

    def abandon(self) -> None:
        with self._lock:
            self._abandoned = True
            self._close()
            self._there.unlink(missing_ok=True)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise BlobMissing(path.name) from error


def _missing(name: str) -> None:
    raise BlobMissing(name)


def _piece(descriptor: int, count: int, at: int, through: Callable[[bytes], bytes] | None) -> bytes:
    """Raises BlobMissing when the file is shorter than it was."""
    data = os.pread(descriptor, count, at)
    while len(data) < count:
        more = os.pread(descriptor, count - len(data), at + len(data))
        if not more:
            raise BlobMissing("a blob was cut short while it was read")
        data += more
    return data if through is None else through(data)


def _verified(path: Path) -> bool:
    """Whether the footer is there and says what the content's CRC is."""
    descriptor = _open(path)
    try:
        left, at, crc = os.fstat(descriptor).st_size - checks.BYTES, 0, 0
        while left > 0:
            data = os.pread(descriptor, min(PIECE, left), at)
            if not data:
                return False
            crc, at, left = zlib.crc32(data, crc), at + len(data), left - len(data)
        return left == 0 and os.pread(descriptor, checks.BYTES, at) == checks.footer(crc)
    finally:
        os.close(descriptor)


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
