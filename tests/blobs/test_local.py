"""Blobs as files."""

from __future__ import annotations

import asyncio
import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tule.blobs import local
from tule.blobs.blobs import BlobMissing
from tule.blobs.local import LocalBlobs
from tule.core.ids import Ids
from tule.store.errors import StoreFull
from tule.store.store import Store

MIB = 1024 * 1024


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "blobs").rglob("*") if path.is_file())


@given(
    parts=st.lists(st.integers(0, 700), max_size=8),
    start=st.integers(0, 3_000),
    length=st.none() | st.integers(0, 3_000),
    piece=st.sampled_from([64, 500, 10_000]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_range_of_what_was_written_is_read(
    parts: list[int], start: int, length: int | None, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PIECE", piece)
    monkeypatch.setattr(local, "WRITTEN", piece)
    monkeypatch.setattr(local, "INLINE", 200)
    written = [os.urandom(size) for size in parts]
    whole = b"".join(written)
    end = None if length is None else start + length

    async def run() -> None:
        blobs = LocalBlobs(tmp_path / "blobs", None, Ids(), fsync=False)  # type: ignore[arg-type]
        blob = await blobs.write(chunks(*written))
        assert blob.length == len(whole) == await blobs.length(blob.name)
        assert b"".join([part async for part in blobs.read(blob.name, start, end)]) == whole[start:end]
        await blobs.close()

    asyncio.run(run())


@pytest.mark.parametrize("piece", [1000, 70_000, MIB])
async def test_pieces_are_of_one_size_and_changed_in_their_order(blobs: LocalBlobs, piece: int) -> None:
    content = os.urandom(3 * MIB + 17)
    name = (await blobs.write(chunks(content))).name
    seen: list[bytes] = []

    def through(data: bytes) -> bytes:
        seen.append(data)
        return data[::-1]

    start = 5_000
    got = [part async for part in blobs.read(name, start, piece=piece, through=through)]
    assert b"".join(seen) == content[start:]
    assert {len(part) for part in seen[:-1]} == {piece}
    assert got == [part[::-1] for part in seen]


async def test_bit_rot_is_found_wherever_it_is(blobs: LocalBlobs, tmp_path: Path) -> None:
    name = (await blobs.write(chunks(os.urandom(600_000)))).name
    path = tmp_path / "blobs" / name[:2] / name
    stored = path.read_bytes()
    assert await blobs.verify(name) is True
    for at in (0, 300_000, 599_999, len(stored) - 5, len(stored) - 1):
        path.write_bytes(stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :])
        assert await blobs.verify(name) is False
    for length in (0, 5, len(stored) - 1):
        path.write_bytes(stored[:length])
        assert await blobs.verify(name) is False
    path.write_bytes(stored)
    assert await blobs.verify(name) is True
    with pytest.raises(BlobMissing):
        await blobs.verify("ab" * 16 + "c")


async def test_blobs_from_before_there_were_checksums_are_read_and_cannot_be_verified(blobs: LocalBlobs, tmp_path: Path) -> None:
    name = "ab" * 16
    await blobs.put(name, chunks(b"as it was"))
    assert (tmp_path / "blobs/ab" / name).read_bytes() == b"as it was"
    assert await blobs.read_all(name) == b"as it was"
    assert await blobs.verify(name) is None


async def test_a_missing_blob_is_said_at_the_first_piece(blobs: LocalBlobs, tmp_path: Path) -> None:
    missing = "ab" * 16
    with pytest.raises(BlobMissing):
        await anext(blobs.read(missing))
    with pytest.raises(BlobMissing):
        await blobs.length(missing)
    await blobs.delete(missing)
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a/b", "ab.part", ".."])
async def test_a_name_cannot_climb(blobs: LocalBlobs, name: str) -> None:
    with pytest.raises(ValueError, match="no blob's name"):
        await blobs.read_all(name)


async def test_a_reader_goes_on_when_the_blob_is_deleted(blobs: LocalBlobs) -> None:
    content = os.urandom(2 * MIB)
    blob = await blobs.write(chunks(content))
    reader = blobs.read(blob.name)
    first = await anext(reader)
    await blobs.delete(blob.name)
    assert first + b"".join([part async for part in reader]) == content
    with pytest.raises(BlobMissing):
        await blobs.read_all(blob.name)


async def test_a_writer_that_fails_leaves_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.write(broken())
    assert files(tmp_path) == []


async def test_a_cancelled_writer_leaves_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        begun.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(blobs.write(endless()))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await blobs.close()  # the file is abandoned by a thread
    assert files(tmp_path) == []


async def test_a_cancelled_writers_file_is_not_closed_under_the_thread_that_writes_it(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its descriptor's number would be another file's a moment later."""
    at_work, go_on = threading.Event(), threading.Event()
    flushed: list[int] = []

    def slow(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            return
        at_work.set()
        assert go_on.wait(20)
        os.fstat(descriptor)
        flushed.append(descriptor)

    monkeypatch.setattr(local.os, "fsync", slow)
    writing = asyncio.create_task(blobs.write(chunks(b"x")))
    assert await asyncio.to_thread(at_work.wait, 20)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()
    await blobs.close()
    assert flushed
    assert not [name for name in files(tmp_path) if name.endswith(".part")]


async def test_no_room_is_said_and_leaves_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    small = (await blobs.write(chunks(bytes(MIB // 2)))).name
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        with pytest.raises(StoreFull, match="no room left"):
            await blobs.write(chunks(bytes(MIB), bytes(MIB)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(tmp_path) == [small]
    assert (await blobs.write(chunks(bytes(2 * MIB)))).length == 2 * MIB


async def test_memory_stays_constant_however_large_the_blob(blobs: LocalBlobs) -> None:
    piece = os.urandom(MIB)

    async def large() -> AsyncIterator[bytes]:
        for _ in range(192):
            yield piece

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    blob = await blobs.write(large())
    read = 0
    async for part in blobs.read(blob.name):
        read += len(part)
    assert read == blob.length == 192 * MIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


async def test_only_old_blobs_that_nobody_refers_to_are_swept(blobs: LocalBlobs, store: Store, tmp_path: Path) -> None:
    held, orphan, young = [(await blobs.write(chunks(b"x"))).name for _ in range(3)]
    left = tmp_path / "blobs/ab" / ("ab" * 16 + ".part")
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")
    for name in (held, orphan):
        os.utime(tmp_path / "blobs" / name[:2] / name, (0, 0))
    os.utime(left, (0, 0))
    assert await blobs.sweep(60_000) == 1  # nobody has said what is referred to: only what a crash left goes
    await store.write(lambda tx: tx.execute("INSERT INTO things (key, number) VALUES (?, 0)", held))
    blobs.referenced_by(lambda tx, names: {name for name in names if tx.one("SELECT 1 FROM things WHERE key = ?", name)})
    assert await blobs.sweep(60_000) == 1
    assert files(tmp_path) == sorted([held, young])
    assert await blobs.sweep(0) == 1
    assert files(tmp_path) == [held]


async def test_deletions_wait_while_a_backup_copies(blobs: LocalBlobs) -> None:
    blob = await blobs.write(chunks(b"x"))
    async with blobs.kept():
        deletion = asyncio.create_task(blobs.delete(blob.name))
        await asyncio.sleep(0)
        assert await blobs.read_all(blob.name) == b"x"
    await deletion
    with pytest.raises(BlobMissing):
        await blobs.read_all(blob.name)


WRITER = """
import asyncio, sys
from pathlib import Path
from tule.blobs.local import LocalBlobs
from tule.core.ids import Ids

async def chunks(size):
    yield b"x" * size

async def write(blobs, size):
    while True:
        written = await blobs.write(chunks(size))
        print(written.name, written.length, flush=True)

async def main():
    blobs = LocalBlobs(Path(sys.argv[1]), None, Ids())
    await asyncio.gather(*(write(blobs, size) for size in (1, 100_000, 900_000)))

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 40])
async def test_what_was_acknowledged_survives_kill_9_whole(lines: int, blobs: LocalBlobs, tmp_path: Path) -> None:
    acknowledged = _write_until_killed(tmp_path / "blobs", lines)
    for name, length in acknowledged:
        assert await blobs.read_all(name) == b"x" * length
    whole = {name async for name in blobs.names()}
    assert len(whole - {name for name, _ in acknowledged}) <= 3
    assert [await blobs.length(name) in (1, 100_000, 900_000) for name in whole] == [True] * len(whole)


def _write_until_killed(directory: Path, lines: int) -> list[tuple[str, int]]:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return [(name, int(length)) for name, length in map(str.split, told)]
