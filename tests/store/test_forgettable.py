"""Writes that need not outlast a power cut do not wait for the disk, and all others do."""

from __future__ import annotations

import asyncio
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


async def test_postgresql_commits_it_asynchronously(tmp_path: Path) -> None:
    def manner(tx: Tx) -> tuple[str, ...] | None:
        return tx.one("SHOW synchronous_commit")

    async with opened("postgresql", tmp_path) as store:
        assert await store.write_forgettable(manner) == ("off",)
        assert await store.write(manner) == ("on",)
