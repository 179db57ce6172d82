"""Deployment packages: from a zip that nobody trusts to a directory that instances mount read-only.

The zip itself is a blob and is what lasts; its directory can be made again at any time, by any node, and is kept under
`<data>/code/<boot>/<sha256>`.  A directory is written beside its place and renamed into it, so it is whole or absent.
The boot id in the path makes fsync unnecessary: what a crash of the machine may have torn is never looked at again.

Refused: what is no zip, encrypted or corrupt; paths that are absolute or climb; links that lead outside; more than 250 MB
unzipped, by what really comes out, not by what the zip says.  AWS: Lambda quotas; Working with .zip file archives.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tule.platform.node import Node
from tule.services.lambda_ import errors

MAX_UNZIPPED_BYTES = 262_144_000
MAX_ENTRIES = 200_000
_PIECE_BYTES = 1024 * 1024
_INCOMING = f"incoming-{os.getpid()}-"  # what a killed node left has another number
_UNPACKING = f"unpacking-{os.getpid()}-"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(slots=True, frozen=True)
class Package:
    """A package that was received: its zip is a durable blob, its directory is there."""

    sha256: str
    blob: str
    size: int
    unpacked: int

    @property
    def code_sha256(self) -> str:
        """As CodeSha256 says it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


class Packages:
    """The packages of one node, by the SHA-256 of their zips."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._root = node.config.data_path / "code" / _boot_id()
        self._unpacking: dict[str, asyncio.Task[None]] = {}

    def directory(self, sha256: str) -> Path:
        return self._root / sha256

    def directories(self, version: Mapping[str, Any]) -> list[Path]:
        """Those of the code and the layers of a function's version, that are unpacked at the moment."""
        return [directory for sha256 in (version["code"], *version["layers"]) if (directory := self.directory(sha256)).is_dir()]

    async def receive(self, chunks: AsyncIterator[bytes], limit: int = MAX_UNZIPPED_BYTES) -> Package:
        """Take in a zip: unpack it, then keep it.  Raises InvalidParameterValueException."""
        self._root.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self._root, prefix=_INCOMING, suffix=".zip") as spool:
            async for piece in chunks:
                size += len(piece)
                if size > limit:
                    raise errors.too_large_unzipped(MAX_UNZIPPED_BYTES)
                await asyncio.to_thread(_absorb, spool.file, digest, piece)
            spool.flush()
            sha256 = digest.hexdigest()
            await self._unpack_once(sha256, Path(spool.name))
            written = await self._node.blobs.write(_pieces(Path(spool.name)))
            unpacked = await asyncio.to_thread(_unpacked_size, Path(spool.name))
        return Package(sha256, written.name, size, unpacked)

    async def unpacked(self, sha256: str, blob: str) -> Path:
        """The package's directory, made again from its blob where it is missing."""
        directory = self.directory(sha256)
        if not directory.is_dir():
            self._root.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._root, prefix=_INCOMING, suffix=".zip") as spool:
                async for piece in self._node.blobs.read(blob):
                    await asyncio.to_thread(spool.write, piece)
                spool.flush()
                await self._unpack_once(sha256, Path(spool.name))
        return directory

    async def _unpack_once(self, sha256: str, zip_path: Path) -> None:
        """Two that want the same directory at once share the work."""
        directory = self.directory(sha256)
        if directory.is_dir():
            return
        task = self._unpacking.get(sha256)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(unpack, zip_path, directory))
            self._unpacking[sha256] = task
            task.add_done_callback(lambda _: self._unpacking.pop(sha256, None))
        await asyncio.shield(task)

    def present(self) -> list[str]:
        """The packages whose directories are here."""
        if not self._root.is_dir():
            return []
        return [entry.name for entry in self._root.iterdir() if len(entry.name) == 64 and entry.is_dir()]

    def forget(self, sha256: str) -> None:
        _remove_tree(self.directory(sha256))

    def forget_other_boots(self) -> None:
        """Remove what an earlier boot of the machine left, and what a killed node was receiving."""
        if not self._root.parent.is_dir():
            return
        for entry in self._root.parent.iterdir():
            if entry != self._root:
                _remove_tree(entry)
        if self._root.is_dir():
            for entry in self._root.iterdir():
                if entry.name.startswith(("incoming-", "unpacking-")) and not entry.name.startswith((_INCOMING, _UNPACKING)):
                    _remove_tree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)


def unpack(zip_path: Path, directory: Path) -> None:
    """Unpack into `directory`, all or nothing.  Raises InvalidParameterValueException."""
    staging = Path(tempfile.mkdtemp(dir=directory.parent, prefix=_UNPACKING))
    try:
        _extract(zip_path, staging)
        staging.chmod(0o755)
        staging.rename(directory)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, UnicodeError, ValueError) as error:
        raise errors.bad_zip() from error
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY) and directory.is_dir():
            return  # another node on this machine was faster
        if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EEXIST, errno.EINVAL):
            raise errors.bad_zip() from error  # the zip asks for what no file system can hold
        raise
    finally:
        _remove_tree(staging)


def _extract(zip_path: Path, root: Path) -> None:
    with zipfile.ZipFile(zip_path) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise ValueError("too many entries")
        left = MAX_UNZIPPED_BYTES
        if sum(entry.file_size for entry in entries) > left:
            raise errors.too_large_unzipped(MAX_UNZIPPED_BYTES)
        links: list[tuple[Path, str]] = []
        for entry in entries:
            target = root / safe_path(entry.filename)
            mode = entry.external_attr >> 16
            if entry.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif stat.S_ISLNK(mode):
                links.append((target, archive.read(entry).decode()))
            else:
                left -= _extract_file(archive, entry, target, mode, left)
        for link, target in links:  # last, so that nothing is ever written through a link
            _make_link(root, link, target)


def _unpacked_size(zip_path: Path) -> int:
    """Of a zip that was unpacked, so that what it says of itself is true."""
    with zipfile.ZipFile(zip_path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _extract_file(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, mode: int, left: int) -> int:
    """Write one file, readable by all as instances run under other users; the bytes that it has."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(entry) as source, target.open("wb") as file:
        while piece := source.read(_PIECE_BYTES):
            size += len(piece)
            if size > left:
                raise errors.too_large_unzipped(MAX_UNZIPPED_BYTES)
            file.write(piece)
    executable = mode & 0o111
    target.chmod(0o644 | (0o111 if executable else 0))
    return size


def safe_path(name: str) -> PurePosixPath:
    """The entry's path below the package's root.  Raises ValueError when it is absolute or climbs."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name or ("\\" in name and ".." in name.split("\\")):
        raise ValueError(f"unsafe path in zip: {name!r}")
    return path


def _make_link(root: Path, link: Path, target: str) -> None:
    resolved = os.path.normpath(os.path.join(link.parent.relative_to(root), target))
    if os.path.isabs(target) or resolved == ".." or resolved.startswith("../") or "\0" in target:
        raise ValueError(f"link out of the package: {target!r}")
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() or link.exists():
        raise ValueError("two entries of one name")
    link.symlink_to(target)


def _absorb(file: object, digest: object, piece: bytes) -> None:
    file.write(piece)  # type: ignore[attr-defined]
    digest.update(piece)  # type: ignore[attr-defined]


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece


def _remove_tree(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _boot_id() -> str:
    """Names the current boot of the machine; where the system does not say, each start of the node counts as one."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else f"process-{os.getpid()}"
