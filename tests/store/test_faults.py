"""Full disks, failing disks, locks held by others: a clear error, and all goes on when the cause is gone."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from tests.stores import opened
from tule.store import sqlite
from tule.store.errors import StoreInUse, StoreUnavailable

PUT = "INSERT INTO things (key, number, body) VALUES (?, 0, ?)"
COUNT = "SELECT count(*) FROM things"
MIB = 1024 * 1024

# Runs in a file system of 8 MiB: fills the rest with a file, writes until it is full, frees the rest, writes again.
ON_A_SMALL_DISK = """
import asyncio, os, sys
from pathlib import Path
from tests.stores import opened
from tule.blobs.local import LocalBlobs
from tule.core.ids import Ids
from tule.store.errors import StoreFull

PUT = "INSERT INTO things (key, number, body) VALUES (?, 0, ?)"

async def chunks(size):
    yield bytes(size)

async def main(disk):
    async with opened("sqlite", disk) as store:
        blobs = LocalBlobs(disk / "blobs", store, Ids())
        filler = disk / "filler"
        filler.write_bytes(bytes(4 * 1024 * 1024))
        written = full = 0
        while not full:
            batch = [store.write(lambda tx, n=n: tx.execute(PUT, str(written + n), bytes(50_000))) for n in range(4)]
            results = await asyncio.gather(*batch, return_exceptions=True)
            full = sum(isinstance(result, StoreFull) for result in results)
            assert full + results.count(1) == 4, results
            kept = await store.read(lambda tx: tx.one("SELECT count(*) FROM things")[0])
            assert kept == written + results.count(1)
            written += 4
        try:
            await blobs.write(chunks(2 * 1024 * 1024))
        except StoreFull:
            pass
        else:
            raise AssertionError("there was room for a blob")
        assert [path for path in (disk / "blobs").rglob("*") if path.is_file()] == []
        filler.unlink()
        assert await store.write(lambda tx: tx.execute(PUT, "after", b"x")) == 1
        assert await store.read(lambda tx: tx.one("SELECT count(*) FROM things")[0]) == kept + 1
        assert (await blobs.write(chunks(100_000))).length == 100_000
        await blobs.close()
    print("went on")

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_full_disk_is_said_and_all_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = f'mount -t tmpfs -o size=8m none "{disk}" && exec "{sys.executable}" -c "$0" "{disk}"'
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting a small file system needs user namespaces")
    run = subprocess.run(["unshare", "-rm", "sh", "-c", mounted, ON_A_SMALL_DISK], capture_output=True, text=True, timeout=60)
    assert run.stdout == "went on\n", run.stderr


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_refuses_writes_is_said_and_all_goes_on_when_it_works_again(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        with files_no_larger_than(MIB):
            batch = [store.write(lambda tx, n=n: tx.execute(PUT, str(n), bytes(MIB // 4))) for n in range(12)]
            results = await asyncio.gather(*batch, return_exceptions=True)
        kept = results.count(1)
        assert [result for result in results if result != 1 and not isinstance(result, StoreUnavailable)] == []
        assert kept < 12
        assert await store.read(lambda tx: tx.one(COUNT)) == (kept,)
        assert await store.write(lambda tx: tx.execute(PUT, "after", b"x")) == 1
        assert await store.read(lambda tx: tx.one(COUNT)) == (kept + 1,)


async def test_a_lock_held_by_another_program_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 50)
    async with opened("sqlite", tmp_path) as store:
        other = apsw.Connection(str(tmp_path / "tule.db"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="Another process holds the lock"):
            await store.write(lambda tx: tx.execute(PUT, "a", b""))
        other.execute("ROLLBACK")
        assert await store.write(lambda tx: tx.execute(PUT, "a", b"")) == 1
        other.close()


OPEN = """
import asyncio, sys
from pathlib import Path
from tests.stores import opened

async def main():
    async with opened(sys.argv[1], Path(sys.argv[2]), url=sys.argv[3], tables=False):
        print("open", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_two_nodes_cannot_use_one_data_directory(kind: str, tmp_path: Path) -> None:
    url = _url(kind)
    with _other_process(kind, tmp_path, url), pytest.raises(StoreInUse, match="Another node works in"):
        async with opened(kind, tmp_path, url=url):
            pass
    async with opened(kind, tmp_path, url=url):
        pass


def _url(kind: str) -> str:
    from tests.postgres import fresh_database

    return fresh_database() if kind == "postgresql" else ""


@contextmanager
def _other_process(kind: str, data: Path, url: str) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", OPEN, kind, str(data), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield
        process.kill()
