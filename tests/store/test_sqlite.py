"""What only the SQLite store promises: group commit, and ephemeral data."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.stores import opened
from tule.core.clock import TurnableClock
from tule.core.config import Config
from tule.core.ids import Ids
from tule.store import checkpoints
from tule.store.open import open_store
from tule.store.sqlite import SqliteStore
from tule.store.store import Tx

PUT = "INSERT INTO things (key, number) VALUES (?, ?)"


async def test_closures_that_wait_are_committed_together(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        assert isinstance(store, SqliteStore)
        before = store.commits
        await asyncio.gather(*(store.write(lambda tx, n=n: tx.execute(PUT, str(n), n)) for n in range(200)))
        assert store.commits - before <= 3
        assert await store.read(lambda tx: tx.one("SELECT count(*) FROM things")) == (200,)


async def test_topics_are_woken_once_for_a_batch(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        woken: list[int] = []
        store.subscribe("t", lambda: woken.append(1))
        await asyncio.gather(*(store.write(lambda tx: tx.wake("t")) for _ in range(200)))
        assert 1 <= len(woken) <= 3


async def test_a_closure_in_a_group_sees_what_earlier_ones_did(tmp_path: Path) -> None:
    def number(tx: Tx, key: str) -> int:
        row = tx.one("SELECT count(*) FROM things")
        assert row is not None
        tx.execute(PUT, key, row[0])
        return row[0]

    async with opened("sqlite", tmp_path) as store:
        assert await asyncio.gather(*(store.write(lambda tx, n=n: number(tx, str(n))) for n in range(50))) == list(range(50))


async def test_a_cancelled_waiter_harms_nobody(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        gone = asyncio.ensure_future(store.write(lambda tx: tx.execute(PUT, "a", 1)))
        await asyncio.sleep(0)
        gone.cancel()
        assert await store.write(lambda tx: tx.execute(PUT, "b", 1)) == 1


async def test_ephemeral_data_is_gone_when_the_store_closes(tmp_path: Path) -> None:
    killed = tmp_path / "ephemeral-999999999-x"
    killed.mkdir()
    store = await open_store(Config(data=str(tmp_path), ephemeral=True), TurnableClock(), Ids())
    await store.migrate("things", "CREATE TABLE things (key TEXT NOT NULL PRIMARY KEY)")
    assert not killed.exists()
    assert len(list(tmp_path.iterdir())) == 1
    await store.close()
    assert list(tmp_path.iterdir()) == []


async def test_telemetry_is_a_store_beside_the_other(tmp_path: Path) -> None:
    config = Config(data=str(tmp_path))
    store, telemetry = [await open_store(config, TurnableClock(), Ids(), telemetry=telemetry) for telemetry in (False, True)]
    for one in (store, telemetry):
        await one.migrate("things", "CREATE TABLE things (key TEXT NOT NULL PRIMARY KEY)")
    await telemetry.write(lambda tx: tx.execute("INSERT INTO things VALUES ('a')"))
    assert await store.read(lambda tx: tx.all("SELECT * FROM things")) == []
    await store.close()
    await telemetry.close()


async def test_telemetry_gives_back_the_room_of_what_is_deleted(tmp_path: Path) -> None:
    telemetry = await open_store(Config(data=str(tmp_path)), TurnableClock(), Ids(), telemetry=True)
    await telemetry.migrate("lines", "CREATE TABLE lines (number INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    for _ in range(2):
        await telemetry.write(lambda tx: tx.many("INSERT INTO lines (text) VALUES (?)", [("x" * 1_000,)] * 5_000))
        await telemetry.write(lambda tx: tx.execute("DELETE FROM lines"))
    await telemetry.close()
    assert (tmp_path / "telemetry.db").stat().st_size < 200_000


async def test_what_a_closure_inserted_for_an_answer_is_taken_back_when_it_raises(tmp_path: Path) -> None:
    def fail(tx: Tx) -> None:
        assert tx.one(f"{PUT} RETURNING key", "bad", 1) == ("bad",)
        raise LookupError

    async with opened("sqlite", tmp_path) as store:
        puts = [store.write(lambda tx, n=n: tx.execute(PUT, str(n), n)) for n in range(5)]
        results = await asyncio.gather(*puts, store.write(fail), *[store.write(lambda tx: tx.execute(PUT, "5", 5))], return_exceptions=True)
        assert [type(result) for result in results] == [int] * 5 + [LookupError, int]
        assert await store.read(lambda tx: tx.all("SELECT key FROM things ORDER BY key")) == [(str(n),) for n in range(6)]


async def test_a_log_that_has_grown_is_brought_into_the_database_while_writes_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PAGES", 50)
    monkeypatch.setattr(checkpoints, "RETRY_PAGES", 10)
    async with opened("sqlite", tmp_path) as store:
        assert isinstance(store, SqliteStore)
        log = tmp_path / "tule.db-wal"
        for n in range(600):
            await store.write(lambda tx, n=n: tx.execute(PUT, f"{n:0100}", n))
        assert log.stat().st_size < 600 * 4096  # it began again at its start, or it would have a page at least for each write
        assert await store.read(lambda tx: tx.one("SELECT count(*) FROM things")) == (600,)
    assert not log.exists()
