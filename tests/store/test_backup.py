"""Backup while everything goes on, restore into an empty store of either kind."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.stores import opened
from tule.backbone.jobs import Job, enqueue
from tule.blobs.local import LocalBlobs
from tule.core.ids import Ids
from tule.store import backup as backups
from tule.store.backup import backup, restore
from tule.store.documents import Documents
from tule.store.errors import BackupError, StoreFull
from tule.store.secret import installation_secret
from tule.store.store import Store, Tx
from tule.store.tables import columns, tables

THINGS = Documents("test.thing")
EITHER = ["sqlite", "postgresql"]


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def contents(store: Store) -> dict[str, list[Any]]:
    """All rows of all tables."""

    def read(tx: Tx) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for table in tables(tx, store.dialect):
            names = ", ".join(columns(tx, store.dialect, table))
            found[table] = sorted(tx.all(f"SELECT {names} FROM {table}"), key=repr)
        return found

    return await store.read(read)


async def fill(store: Store) -> None:
    await installation_secret(store)

    def put(tx: Tx) -> None:
        for number in range(20):
            THINGS.create(tx, "1", "r", f"é{number}", {"n": number})
        enqueue(tx, Job("later", "arn", "1", "r", {"a": 1}, due_ms=2**60, name="timer", group="g"))
        tx.execute("INSERT INTO things (key, number, body) VALUES ('x', ?, ?)", -(2**63), bytes(range(256)))

    await store.write(put)


@pytest.mark.parametrize("source", EITHER)
@pytest.mark.parametrize("target", EITHER)
async def test_what_was_backed_up_is_restored_into_either_store(source: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "PIECE_ROWS", 7)
    async with opened(source, tmp_path / "a") as store:
        blobs = LocalBlobs(tmp_path / "a/blobs", store, Ids())
        await fill(store)
        written = [await blobs.write(chunks(*parts)) for parts in ((), (b"small",), (bytes(400_000), b"x" * 300_000))]
        await backup(store, blobs, tmp_path / "file")
        before = await contents(store)
    async with opened(target, tmp_path / "b", tables=False) as store:
        blobs = LocalBlobs(tmp_path / "b/blobs", store, Ids())
        await restore(store, blobs, tmp_path / "file")
        assert await contents(store) == before
        assert [len(await blobs.read_all(blob.name)) for blob in written] == [0, 5, 700_000]
        assert await store.write(lambda tx: enqueue(tx, Job("next", "arn", "1", "r")))
        with pytest.raises(BackupError, match="not empty"):
            await restore(store, blobs, tmp_path / "file")


@pytest.mark.parametrize("kind", EITHER)
async def test_a_backup_is_one_moment_while_writes_and_deletions_go_on(kind: str, tmp_path: Path) -> None:
    """Each write refers to a new blob and lets go of the one before: what is restored must always be readable."""
    async with opened(kind, tmp_path / "a") as store:
        blobs = LocalBlobs(tmp_path / "a/blobs", store, Ids())
        finished = asyncio.Event()

        async def churn(key: str) -> None:
            old = ""
            while not finished.is_set():
                new = (await blobs.write(chunks(b"content"))).name
                await store.write(lambda tx, new=new: THINGS.put(tx, "1", "r", key, {"blob": new}))
                await store.write(lambda tx: tx.execute("INSERT INTO things (key, number) VALUES (?, 0) ON CONFLICT DO NOTHING", key))
                if old:
                    await blobs.delete(old)
                old = new

        churners = [asyncio.create_task(churn(str(n))) for n in range(4)]
        await asyncio.sleep(0)
        for number in range(3):
            await backup(store, blobs, tmp_path / f"file{number}")
        finished.set()
        await asyncio.gather(*churners)
    for number in range(3):
        async with opened("sqlite", tmp_path / f"b{number}", tables=False) as store:
            blobs = LocalBlobs(tmp_path / f"b{number}/blobs", store, Ids())
            await restore(store, blobs, tmp_path / f"file{number}")
            for _, body in await store.read(lambda tx: THINGS.page(tx, "1", "r")):
                assert await blobs.read_all(body["blob"]) == b"content"


async def test_the_next_start_brings_restored_tables_up_to_date(tmp_path: Path) -> None:
    first = "CREATE TABLE pets (name TEXT NOT NULL PRIMARY KEY); INSERT INTO pets (name) VALUES ('seed');"
    async with opened("sqlite", tmp_path / "a", tables=False) as store:
        await store.migrate("pets", first)
        await store.write(lambda tx: tx.execute("UPDATE pets SET name = 'rex'"))
        await backup(store, LocalBlobs(tmp_path / "a/blobs", store, Ids()), tmp_path / "file")
    async with opened("sqlite", tmp_path / "b", tables=False) as store:
        await restore(store, LocalBlobs(tmp_path / "b/blobs", store, Ids()), tmp_path / "file")
        await store.migrate("pets", first + "\n-- migration 2: old enough\nALTER TABLE pets ADD COLUMN age INTEGER NOT NULL DEFAULT 7;")
        assert await store.read(lambda tx: tx.all("SELECT name, age FROM pets")) == [("rex", 7)]


async def test_telemetry_comes_along_where_it_is_given(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path / "a") as store, opened("sqlite", tmp_path / "at") as telemetry:
        await telemetry.write(lambda tx: tx.execute("INSERT INTO things (key, number) VALUES ('line', 1)"))
        await backup(store, LocalBlobs(tmp_path / "a/blobs", store, Ids()), tmp_path / "file", telemetry=telemetry)
    async with opened("sqlite", tmp_path / "b", tables=False) as store, opened("sqlite", tmp_path / "bt", tables=False) as telemetry:
        await restore(store, LocalBlobs(tmp_path / "b/blobs", store, Ids()), tmp_path / "file", telemetry=telemetry)
        assert await telemetry.read(lambda tx: tx.all("SELECT key FROM things")) == [("line",)]
        assert await store.read(lambda tx: tx.all("SELECT key FROM things")) == []


async def test_half_a_backup_is_refused_and_leaves_the_store_empty(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path / "a") as store:
        await fill(store)
        await backup(store, LocalBlobs(tmp_path / "a/blobs", store, Ids()), tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    async with opened("sqlite", tmp_path / "b", tables=False) as store:
        blobs = LocalBlobs(tmp_path / "b/blobs", store, Ids())
        for damaged in (b"", b"no tar at all" * 100, whole[: len(whole) // 2], whole[:1024]):
            (tmp_path / "damaged").write_bytes(damaged)
            with pytest.raises(BackupError):
                await restore(store, blobs, tmp_path / "damaged")
        assert await contents(store) == {}
        await restore(store, blobs, tmp_path / "file")


async def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path / "a") as store:
        blobs = LocalBlobs(tmp_path / "a/blobs", store, Ids())
        await store.write(
            lambda tx: tx.many("INSERT INTO things (key, number, body) VALUES (?, 0, ?)", [(str(n), bytes(200_000)) for n in range(20)])
        )
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, hard))
        try:
            with pytest.raises(StoreFull, match="no room for the backup"):
                await backup(store, blobs, tmp_path / "file")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.parametrize("kind", EITHER)
async def test_long_results_come_row_by_row_and_several_in_turns(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        await store.write(lambda tx: tx.many("INSERT INTO things (key, number) VALUES (?, ?)", [(f"{n:04d}", n) for n in range(1_500)]))

        def read(tx: Tx) -> list[tuple[int, int]]:
            up = tx.each("SELECT number FROM things WHERE number >= ? ORDER BY key", 0)
            down = tx.each("SELECT number FROM things ORDER BY key DESC")
            return [(a, b) for (a,), (b,) in zip(up, down, strict=True)]

        assert await store.read(read) == [(n, 1_499 - n) for n in range(1_500)]
