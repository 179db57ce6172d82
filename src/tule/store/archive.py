"""One file made of named pieces, written and read front to back in constant memory: a tar archive.

It appears under its name when it is whole and on the disk, or never.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

_BLOCK = 512
PIECE = 1024 * 1024


class Writer:
    """Blocking; use it on a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(path.name + ".part")
        descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=PIECE)
        self._left = 0
        self._padding = 0

    def add(self, name: str, data: bytes) -> None:
        """A piece at once."""
        self.begin(name, len(data))
        self.write(data)

    def begin(self, name: str, size: int) -> None:
        """A piece of `size` bytes, which `write` gives.  Raises ValueError when the piece before is not complete."""
        self._end_piece()
        info = tarfile.TarInfo(name)
        info.size = size
        info.mode = 0o600
        self._file.write(info.tobuf(tarfile.GNU_FORMAT))
        self._left, self._padding = size, -size % _BLOCK

    def write(self, data: bytes) -> None:
        if len(data) > self._left:
            raise ValueError("more bytes than were announced")
        self._file.write(data)
        self._left -= len(data)

    def finish(self) -> None:
        self._end_piece()
        self._file.write(bytes(2 * _BLOCK))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._temporary, self._path)

    def abandon(self) -> None:
        self._temporary.unlink(missing_ok=True)
        with suppress(OSError):  # what it could not write before, it cannot now
            self._file.close()

    def _end_piece(self) -> None:
        if self._left:
            raise ValueError("fewer bytes than were announced")
        self._file.write(bytes(self._padding))
        self._padding = 0


@contextmanager
def reading(path: Path) -> Generator[Iterator[tuple[str, IO[bytes]]]]:
    """The pieces' names and contents, each to be read before the next is asked for.  Raises tarfile.TarError, OSError."""
    with path.open("rb", buffering=PIECE) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        yield _pieces(tar)


def _pieces(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    while (info := tar.next()) is not None:
        content = tar.extractfile(info) if info.isreg() else None
        if content is not None:
            yield info.name, content
        cast("Any", tar).members.clear()  # it would remember every piece
