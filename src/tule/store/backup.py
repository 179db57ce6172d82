"""Backup and restore of a whole installation, rows and blobs, in one file, while the node goes on.

The file is a tar archive and knows no dialect: a backup of SQLite can be restored into PostgreSQL, and the other way.

    backup.json               what this is
    rows/<table>/columns.json, rows/<table>/000001.cbor, ...   some rows in each piece
    telemetry/<table>/...     the same of the telemetry store, where one was given
    blobs/<name>
    complete.json             how many of each; without it the file is not whole

Order matters.  The blobs that are there are copied first, then the rows in one snapshot, then the blobs that came
meanwhile, while deletions wait: so every blob that the rows refer to is in the file.  A restore takes the blobs first
and then all rows in one transaction, the telemetry's before the others', so a restore that fails leaves an empty store.
"""

from __future__ import annotations

import asyncio
import contextlib
import tarfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import cbor2
import orjson

from tule.store import migrations
from tule.store.archive import Writer, reading
from tule.store.dialect import TABLE_FOR
from tule.store.errors import BackupError, StoreFull, is_no_room
from tule.store.store import Row, Store, Tx
from tule.store.tables import columns, number_on, tables

T = TypeVar("T")

FORMAT = 1
ROWS = "rows"
TELEMETRY = "telemetry"
PIECE_BYTES = 1024 * 1024
PIECE_ROWS = 1_000


class Copied(Protocol):
    """What a backup needs of the blob store (see `blobs.blobs.Blobs`); LookupError says that a blob is no longer there."""

    def names(self) -> AsyncIterator[str]: ...

    async def length(self, name: str) -> int: ...

    def read(self, name: str) -> AsyncIterator[bytes]: ...

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> None: ...

    def kept(self) -> AbstractAsyncContextManager[None]: ...


async def backup(store: Store, blobs: Copied, path: Path, *, telemetry: Store | None = None) -> None:
    """Write a consistent copy of everything to `path`, in constant memory.  Raises StoreError, OSError."""
    with ThreadPoolExecutor(1, "backup") as pool:
        await _Backup({ROWS: store} | ({TELEMETRY: telemetry} if telemetry else {}), blobs, path, pool).run()


async def restore(store: Store, blobs: Copied, path: Path, *, telemetry: Store | None = None) -> None:
    """Fill an empty store, before any migration, from a backup.  Raises BackupError when it is not empty or not whole."""
    rooms = ({TELEMETRY: telemetry} if telemetry else {}) | {ROWS: store}
    with _clear_errors(path):
        await asyncio.to_thread(_examine, path)
        for each in rooms.values():
            await each.write(_refuse_unless_empty(each.dialect))
        await _restore_blobs(blobs, path)
        for room, each in rooms.items():
            await each.write(partial(_restore_rows, dialect=each.dialect, room=room, path=path))


class _Backup:
    def __init__(self, rooms: dict[str, Store], blobs: Copied, path: Path, pool: ThreadPoolExecutor) -> None:
        self._rooms = rooms
        self._blobs = blobs
        self._path = path
        self._pool = pool
        self._copied: set[str] = set()
        self._rows = 0

    async def run(self) -> None:
        writer = await self._off_loop(Writer, self._path)
        try:
            await self._off_loop(writer.add, "backup.json", orjson.dumps({"format": FORMAT}))
            async with self._blobs.kept():
                await self._copy_blobs(writer)
                for room, store in self._rooms.items():
                    await store.snapshot(partial(self._copy_rows, writer, room, store.dialect))
                await self._copy_blobs(writer)
            await self._off_loop(writer.add, "complete.json", orjson.dumps({"rows": self._rows, "blobs": len(self._copied)}))
            await self._off_loop(writer.finish)
        except BaseException as error:
            await self._off_loop(writer.abandon)
            if isinstance(error, OSError) and is_no_room(error):
                raise StoreFull(f"There is no room for the backup at {self._path}. ({error})") from error
            raise

    async def _copy_blobs(self, writer: Writer) -> None:
        async for name in self._blobs.names():
            if name not in self._copied:
                await self._copy_blob(writer, name)

    async def _copy_blob(self, writer: Writer, name: str) -> None:
        try:
            size = await self._blobs.length(name)
        except LookupError:
            return
        await self._off_loop(writer.begin, f"blobs/{name}", size)
        async for piece in self._blobs.read(name):
            await self._off_loop(writer.write, piece)
        self._copied.add(name)

    def _copy_rows(self, writer: Writer, room: str, dialect: str, tx: Tx) -> None:
        for table in sorted(tables(tx, dialect), key=lambda table: table != migrations.TABLE):  # it comes first
            names = columns(tx, dialect, table)
            writer.add(f"{room}/{table}/columns.json", orjson.dumps(names))
            quoted = ", ".join(f'"{name}"' for name in names)
            for number, rows in enumerate(_in_pieces(tx.each(f'SELECT {quoted} FROM "{table}"')), 1):
                writer.add(f"{room}/{table}/{number:06d}.cbor", cbor2.dumps(rows))
                self._rows += len(rows)

    async def _off_loop(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def _in_pieces(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Lists of at most PIECE_ROWS rows and about PIECE_BYTES bytes."""
    piece: list[Row] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
        if size >= PIECE_BYTES or len(piece) >= PIECE_ROWS:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _examine(path: Path) -> None:
    """Raises BackupError.  Reads it all once, so that nothing is begun with half a file."""
    found: dict[str, Any] = {}
    blobs = 0
    with reading(path) as pieces:
        for name, content in pieces:
            if name in ("backup.json", "complete.json"):
                found[name] = orjson.loads(content.read())
            blobs += name.startswith("blobs/")
    if found.get("backup.json", {}).get("format") != FORMAT:
        raise BackupError(f"{path} is not a backup that this Tule can read.")
    if found.get("complete.json", {}).get("blobs") != blobs:
        raise BackupError(f"{path} is not complete.")


def _refuse_unless_empty(dialect: str) -> Callable[[Tx], None]:
    def check(tx: Tx) -> None:
        for table in tables(tx, dialect):
            if tx.one(f'SELECT 1 FROM "{table}" LIMIT 1') is not None:
                raise BackupError("The store is not empty: restore into an empty data directory or database.")

    return check


async def _restore_blobs(blobs: Copied, path: Path) -> None:
    with reading(path) as pieces:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            name, content = piece
            if name.startswith("blobs/"):
                await blobs.put(name.removeprefix("blobs/"), _chunks(content))


async def _chunks(content: IO[bytes]) -> AsyncIterator[bytes]:
    while data := await asyncio.to_thread(content.read, PIECE_BYTES):
        yield data


def _restore_rows(tx: Tx, dialect: str, room: str, path: Path) -> None:
    """All tables as they were.  Reads the file from its beginning each time that it runs."""
    names: list[str] = []
    current = ""
    with reading(path) as pieces:
        for table, piece, content in _row_pieces(pieces, room):
            if current == migrations.TABLE != table:
                _make_tables(tx, dialect)
            current = table
            if piece != "columns.json":
                _insert(tx, table, names, cbor2.loads(content.read()))
                continue
            names = orjson.loads(content.read())
            if table == migrations.TABLE:
                tx.execute(TABLE_FOR[dialect](migrations.CREATE))
    number_on(tx, dialect)


def _make_tables(tx: Tx, dialect: str) -> None:
    """As they were at the time of the backup; the next start brings them up to date."""
    migrations.repeat(tx, TABLE_FOR[dialect])
    for table in tables(tx, dialect):
        if table != migrations.TABLE:
            tx.execute(f'DELETE FROM "{table}"')  # what a migration put there is among the rows to come


def _row_pieces(pieces: Iterator[tuple[str, IO[bytes]]], room: str) -> Iterator[tuple[str, str, IO[bytes]]]:
    for name, content in pieces:
        if name.startswith(room + "/"):
            _, table, piece = name.split("/")
            yield table, piece, content


def _insert(tx: Tx, table: str, names: list[str], rows: list[Row]) -> None:
    quoted = ", ".join(f'"{name}"' for name in names)
    tx.many(f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join("?" * len(names))})', rows)


@contextlib.contextmanager
def _clear_errors(path: Path) -> Generator[None]:
    try:
        yield
    except tarfile.TarError as error:
        raise BackupError(f"{path} is damaged or not a backup: {error}") from error
