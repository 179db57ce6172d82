"""Writes that need not outlast a power cut do not wait for the disk, and all others do."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from tests.stores import opened
from tule.store.store import Store, Tx

PUT = "INSERT INTO things (key, number) VALUES (?, ?)"
NORMAL, FULL = 1, 2


def _put(key: str, tx: Tx) -> int:
    return tx.execute(PUT, key, 1)


def _manner(tx: Tx) -> int:
    row = tx.one("PRAGMA synchronous")
    assert row is not None
    return row[0]


async def test_what_is_forgettable_is_written_like_all_else(store: Store) -> None:
    await store.write_forgettable(lambda tx: _put("a", tx))
    assert await store.read(lambda tx: tx.all("SELECT key FROM things")) == [("a",)]


async def test_only_a_commit_of_which_nothing_must_last_goes_on_without_the_disk(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        assert await store.write_forgettable(_manner) == NORMAL
        assert await store.write(_manner) == FULL
        assert await store.write_forgettable(_manner) == NORMAL
        together = await asyncio.gather(*(store.write_forgettable(_manner) for _ in range(3)), store.write(_manner))
        assert together[-1] == FULL


def _thread(tx: Tx) -> int:
    return threading.get_ident()


async def test_it_needs_no_thread_while_the_writer_has_nothing_to_do(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        on = await asyncio.gather(*(store.write_forgettable(_thread) for _ in range(3)))
        assert set(on) == {threading.get_ident()}
        assert await store.write(_thread) != threading.get_ident()


async def test_it_goes_behind_what_the_writer_is_at(tmp_path: Path) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> int:
        begun.set()
        assert goes_on.wait(60)
        _put("first", tx)
        return _thread(tx)

    def count(tx: Tx) -> tuple[int, ...] | None:
        return tx.one("SELECT count(*) FROM things")

    async with opened("sqlite", tmp_path) as store:
        writing = asyncio.ensure_future(store.write(slow))
        assert await asyncio.to_thread(begun.wait, 60)
        behind = asyncio.ensure_future(store.write_forgettable(lambda tx: (_thread(tx), count(tx))))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not behind.done()
        goes_on.set()
        assert await behind == (await writing, (1,))


async def test_what_comes_at_the_same_time_is_done_in_its_order(store: Store) -> None:
    def seen(tx: Tx) -> list[str]:
        return [key for (key,) in tx.all("SELECT key FROM things ORDER BY key")]

    await asyncio.gather(store.write_forgettable(lambda tx: _put("a", tx)), store.write_forgettable(lambda tx: _put("b", tx)))
    assert await store.write(seen) == ["a", "b"]
    many = await asyncio.gather(*(store.write_forgettable(lambda tx, n=n: _put(f"c{n}", tx)) for n in range(100)))  # more than the loop does itself
    assert sum(many) == 100
    assert len(await store.read(seen)) == 102


async def test_closing_writes_what_was_given_before(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        given = asyncio.ensure_future(store.write_forgettable(lambda tx: _put("a", tx)))
        await asyncio.sleep(0)  # it is given by now, and not done
        await store.close()
        assert await given == 1


async def test_postgresql_commits_it_asynchronously(tmp_path: Path) -> None:
    def manner(tx: Tx) -> tuple[str, ...] | None:
        return tx.one("SHOW synchronous_commit")

    async with opened("postgresql", tmp_path) as store:
        assert await store.write_forgettable(manner) == ("off",)
        assert await store.write(manner) == ("on",)
