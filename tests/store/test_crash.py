"""kill -9 while writing: all that was acknowledged is there, and no more than was begun, whole transactions only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import fresh_database
from tests.stores import opened

WRITER = """
import asyncio, sys
from pathlib import Path
from tule.core.clock import TurnableClock
from tule.core.config import Config
from tule.core.ids import Ids
from tule.store.open import open_store

PUT = "INSERT INTO pairs (writer, number, half) VALUES (?, ?, ?)"

async def write(store, writer):
    number = 0
    while True:
        await store.write(lambda tx: (tx.execute(PUT, writer, number, 1), tx.execute(PUT, writer, number, 2)))
        print(writer, number, flush=True)
        number += 1

async def main():
    store = await open_store(Config(data=sys.argv[1], store=sys.argv[2]), TurnableClock(), Ids())
    await store.migrate("pairs", "CREATE TABLE pairs (writer INTEGER NOT NULL, number INTEGER NOT NULL, half INTEGER NOT NULL)")
    await asyncio.gather(*(write(store, writer) for writer in range(6)))

asyncio.run(main())
"""


def _write_until_killed(data: Path, url: str, lines: int) -> list[str]:
    """What the writer had acknowledged when it died."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(data), url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        return first + [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("lines", [1, 50, 400])
async def test_what_was_acknowledged_survives_kill_9(kind: str, lines: int, tmp_path: Path) -> None:
    url = fresh_database() if kind == "postgresql" else ""
    acknowledged = _write_until_killed(tmp_path, url, lines)
    async with opened(kind, tmp_path, url=url, tables=False) as store:
        rows = await store.read(lambda tx: tx.all("SELECT writer, number, half FROM pairs"))
    pairs = {(writer, number) for writer, number, _ in rows}
    assert len(rows) == 2 * len(pairs)
    told = {tuple(map(int, line.split())) for line in acknowledged}
    assert told <= pairs
    assert len(pairs - told) <= 6
