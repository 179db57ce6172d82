"""Stores for tests that need no node: one of each kind, empty and with its tables made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.postgres import fresh_database
from tule.backbone import jobs, logs
from tule.core.clock import TurnableClock
from tule.core.config import Config
from tule.core.ids import Ids
from tule.store import documents
from tule.store.open import open_store
from tule.store.store import Store

KINDS = ("sqlite", "postgresql", "chaos")


@asynccontextmanager
async def opened(kind: str, data: Path, clock: TurnableClock | None = None, *, url: str = "", tables: bool = True) -> AsyncIterator[Store]:
    """A store of a kind, closed at the end.  `url` opens a database that is there already."""
    config = Config(data=str(data), store=(url or fresh_database()) if kind == "postgresql" else "", chaos=kind == "chaos")
    store = await open_store(config, clock or TurnableClock(), Ids())
    try:
        if tables:
            await make_tables(store)
        yield store
    finally:
        await store.close()


async def make_tables(store: Store) -> None:
    await store.migrate("documents", documents.SCHEMA)
    await store.migrate("jobs", jobs.SCHEMA)
    await store.migrate("logs", logs.SCHEMA)
    await store.migrate("things", "CREATE TABLE things (key TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL, body BLOB);")
