"""The store on SQLite: one file, one writer thread, group commit.

Promise: `write` returns when its closure's changes are on disk; what a closure raises takes back its own changes and
nobody else's; `read` sees all that was written before it began.

Picture: closures wait in a queue.  The writer takes all that wait, runs them one after the other inside one transaction,
commits once (one fsync for all), and wakes the event loop once with all the answers.  While it commits, the next batch
gathers.  Most closures that raise have changed nothing by then, so none gets a savepoint at first: when one has, the batch
runs again, each closure in a savepoint of its own.  Reads run at once on the event loop's thread with a connection of their own: a point read takes
4 us, where a hop to another thread would take 24 to 64.

What need not wait for the disk needs no thread either: such closures gather until the event loop has gone round once, and are run
there as one batch, as long as the writer has nothing to do; else they go with what it does next.  That takes 16 us, where the way to
the writer and back takes 31, and several hundred on a machine that is busy.

What can go wrong: when the disk is full or fails, SQLite may roll back the whole transaction.  Then the batch's
closures run again one by one, so that each one gets its own answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw

from tule.core.clock import Clock
from tule.core.ids import Ids
from tule.store import migrations
from tule.store.checkpoints import Checkpoints
from tule.store.dialect import table_for_sqlite
from tule.store.errors import StoreClosed, StoreError, StoreFull, StoreUnavailable
from tule.store.store import Row, Tx
from tule.store.tables import tables
from tule.store.topics import Topics

T = TypeVar("T")

BATCH = 512  # closures in one commit, so that one answer never waits for thousands of others
AT_ONCE = 32  # closures that the event loop runs itself, so that nobody else waits long for them
BUSY_MS = 5_000
CACHE_KIB = 32 * 1024
WAL_BYTES = 64 * 1024 * 1024  # what the write-ahead log keeps of a larger size that it once had
KEPT = frozenset({migrations.TABLE, "installation"})  # what a wipe leaves


class SqliteTx:
    """A transaction on one connection.  `wakes` and `actions` are what to do once it is committed."""

    __slots__ = ("_connection", "_run", "actions", "ids", "is_changed", "now_ms", "wakes")

    def __init__(self, connection: apsw.Connection, now_ms: int, ids: Ids) -> None:
        self._connection = connection
        self._run = connection.execute
        self.is_changed = False  # whether it ran a statement that may have changed something; RETURNING comes by `one` and `all`
        self.now_ms = now_ms
        self.ids = ids
        self.wakes: list[str] = []
        self.actions: list[Callable[[], None]] = []

    def one(self, sql: str, *params: Any) -> Row | None:
        return self._run(sql, params).fetchone()

    def all(self, sql: str, *params: Any) -> list[Row]:
        return self._run(sql, params).fetchall()

    def each(self, sql: str, *params: Any) -> Iterator[Row]:
        return iter(self._run(sql, params))

    def execute(self, sql: str, *params: Any) -> int:
        self.is_changed = True
        before = self._connection.total_changes()
        self._run(sql, params).fetchall()
        return self._connection.changes() if self._connection.total_changes() != before else 0

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self.is_changed = True
        self._connection.executemany(sql, rows)

    def wake(self, topic: str) -> None:
        self.wakes.append(topic)

    def after_commit(self, action: Callable[[], None]) -> None:
        self.actions.append(action)


@dataclass(slots=True)
class _Waiting:
    """A closure on its way: what it did, until the event loop hands that on.  A batch of which nothing must last commits
    without waiting for the disk."""

    run: Callable[[Tx], Any]
    answer: asyncio.Future[Any]
    lasts: bool = True
    result: Any = None
    error: BaseException | None = None
    wakes: Sequence[str] = ()
    actions: Sequence[Callable[[], None]] = ()


class SqliteStore:
    """See the module.  `synchronous` is FULL for what must survive a power cut, NORMAL or OFF for what need not.  A file that
    `shrinks` gives back the room of deleted rows, for what is kept for a time only.

    Made and used on one event loop; `on_close` runs last of all (to release a lock, to remove a temporary directory).
    """

    dialect = "sqlite"
    node = "local"
    shared = False

    def __init__(
        self,
        path: Path,
        clock: Clock,
        ids: Ids,
        *,
        synchronous: str = "FULL",
        shrinks: bool = False,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._ids = ids
        self._on_close = on_close
        self._topics = Topics()
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waiting] = deque()
        self._submitted: list[_Waiting] = []
        self._forgettable: list[_Waiting] = []
        self._arrived = threading.Condition(threading.Lock())
        self._closing = False
        self._writing = False  # the writer's thread is at work with its connection
        self.commits = 0
        self._synchronous = self._heeded = synchronous
        with _clear_errors(path):
            self._writer = _connect(path, synchronous, shrinks=shrinks)
            self._reader = _connect(path, synchronous)
            self._reader.execute("PRAGMA query_only = ON")
        self._checkpoints = Checkpoints(path, self._writer, synchronous)
        self._thread = threading.Thread(target=self._write_forever, name=f"store {path.name}", daemon=True)
        self._thread.start()

    async def write(self, fn: Callable[[Tx], T]) -> T:
        return await self._submit(fn)

    async def write_relaxed(self, fn: Callable[[Tx], T]) -> T:
        return await self._submit(fn)

    async def write_forgettable(self, fn: Callable[[Tx], T]) -> T:
        if self._closing:
            raise StoreClosed("The store is closed.")
        answer: asyncio.Future[T] = self._loop.create_future()
        if not self._forgettable:
            self._loop.call_soon(self._run_forgettable)
        self._forgettable.append(_Waiting(fn, answer, lasts=False))
        return await answer

    def _submit(self, fn: Callable[[Tx], T]) -> asyncio.Future[T]:
        if self._closing:
            raise StoreClosed("The store is closed.")
        answer: asyncio.Future[T] = self._loop.create_future()
        if not self._submitted:
            self._loop.call_soon(self._hand_over)
        self._submit_forgettable()  # it came first
        self._submitted.append(_Waiting(fn, answer))
        return answer

    def _submit_forgettable(self) -> None:
        self._submitted.extend(self._forgettable)
        self._forgettable = []

    def _hand_over(self) -> None:
        """All that was submitted while the event loop went round: the writer, woken for the first, could not run before, and would
        commit that one alone."""
        if not self._submitted:
            return
        with self._arrived:
            self._queue.extend(self._submitted)
            self._arrived.notify()
        self._submitted = []

    def _run_forgettable(self) -> None:
        """On the event loop, from which alone the writer gets work: while it has none, nobody else uses its connection."""
        if not self._forgettable:
            return
        with self._arrived:
            is_busy = self._queue or self._writing or self._submitted or self._checkpoints.is_due()
        if is_busy or len(self._forgettable) > AT_ONCE:
            self._submit_forgettable()
            self._hand_over()
            return
        batch, self._forgettable = self._forgettable, []
        self._run_batch(batch)
        self._answer(batch)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        if self._closing:
            raise StoreClosed("The store is closed.")
        reader = self._reader
        with _clear_errors(self.path):
            reader.execute("BEGIN")
            try:
                return fn(SqliteTx(reader, self._clock.now_ms(), self._ids))
            finally:
                reader.execute("ROLLBACK")

    async def snapshot(self, fn: Callable[[Tx], T]) -> T:
        return await self._loop.run_in_executor(None, self._snapshot, fn)

    def _snapshot(self, fn: Callable[[Tx], T]) -> T:
        with _clear_errors(self.path):
            connection = _connect(self.path, "OFF")
            try:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                return fn(SqliteTx(connection, self._clock.now_ms(), self._ids))
            finally:
                connection.close()

    def subscribe(self, topic: str, notify: Callable[[], None]) -> Callable[[], None]:
        return self._topics.subscribe(topic, notify)

    async def migrate(self, room: str, schema: str) -> None:
        def bring_up(tx: Tx) -> int:
            tx.execute(table_for_sqlite(migrations.CREATE))
            return migrations.bring_up(tx, room, schema, table_for_sqlite)

        await self.write(bring_up)

    async def wipe(self) -> None:
        def empty(tx: Tx) -> None:
            for table in tables(tx, self.dialect):
                if table not in KEPT:
                    tx.execute(f'DELETE FROM "{table}"')

        await self.write(empty)

    async def close(self) -> None:
        """Commit what waits, then close.  Closing twice is no error."""
        if self._closing:
            return
        self._submit_forgettable()
        self._hand_over()
        with self._arrived:
            self._closing = True
            self._arrived.notify()
        await self._loop.run_in_executor(None, self._thread.join)
        self._reader.close()
        self._checkpoints.close()
        self._on_close()

    # The writer thread.

    def _write_forever(self) -> None:
        while batch := self._take():
            self._run_batch(batch)
            self._writing = self._checkpoints.is_due()  # before anybody is answered, who may have more to write
            self._deliver(batch)
            self._checkpoints.tend()
        self._checkpoints.finish()
        self._writer.close()

    def _take(self) -> list[_Waiting]:
        with self._arrived:
            self._writing = False
            while not self._queue and not self._closing:
                self._arrived.wait()
            self._writing = True
            return [self._queue.popleft() for _ in range(min(len(self._queue), BATCH))]

    def _run_batch(self, batch: list[_Waiting]) -> None:
        """Leaves a result or an error in each of `batch`."""
        try:
            self._heed(lasts=any(waiting.lasts for waiting in batch))
            if len(batch) == 1:
                self._run_alone(batch[0])
            elif not self._run_together(batch):
                self._run_apart(batch)
        except apsw.Error as error:
            self._abandon()
            if len(batch) == 1:
                _fail(batch[0], _translated(error, self.path))
                return
            for waiting in batch:
                self._run_batch([waiting])

    def _heed(self, *, lasts: bool) -> None:
        """Between transactions: whether the next commit waits for the disk, where commits do at all."""
        wanted = self._synchronous if lasts or self._synchronous != "FULL" else "NORMAL"
        if wanted != self._heeded:
            self._writer.execute(f"PRAGMA synchronous = {wanted}")
            self._heeded = wanted

    def _run_alone(self, waiting: _Waiting) -> None:
        run = self._writer.execute
        run("BEGIN IMMEDIATE")
        self._run_closure(waiting)
        run("COMMIT" if waiting.error is None else "ROLLBACK")
        self.commits += 1

    def _run_together(self, batch: list[_Waiting]) -> bool:
        """False when nothing is done, because a closure raised after it had changed something."""
        run = self._writer.execute
        run("BEGIN IMMEDIATE")
        for waiting in batch:
            if self._run_closure(waiting):
                run("ROLLBACK")
                return False
        run("COMMIT")
        self.commits += 1
        return True

    def _run_apart(self, batch: list[_Waiting]) -> None:
        run = self._writer.execute
        run("BEGIN IMMEDIATE")
        for waiting in batch:
            run("SAVEPOINT closure")
            self._run_closure(waiting)
            if waiting.error is not None:
                run("ROLLBACK TO closure")
            run("RELEASE closure")
        run("COMMIT")
        self.commits += 1

    def _run_closure(self, waiting: _Waiting) -> bool:
        """Whether there is something to take back.  Raises apsw.Error only when the storage failed and with it the whole transaction."""
        before = self._writer.total_changes()
        tx = SqliteTx(self._writer, self._clock.now_ms(), self._ids)
        waiting.result, waiting.error = None, None
        try:
            waiting.result = waiting.run(tx)
        except _STORAGE_ERRORS:
            raise
        except BaseException as error:  # noqa: BLE001 - it belongs to the caller, who gets it from `write`
            waiting.error = error
            waiting.wakes = waiting.actions = ()
            return tx.is_changed or self._writer.total_changes() != before
        waiting.wakes, waiting.actions = tx.wakes, tx.actions
        return False

    def _abandon(self) -> None:
        if self._writer.in_transaction:
            with contextlib.suppress(apsw.Error):
                self._writer.execute("ROLLBACK")

    def _deliver(self, batch: list[_Waiting]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._answer, batch)

    # Back on the event loop.

    def _answer(self, batch: list[_Waiting]) -> None:
        woken: dict[str, None] = {}
        for waiting in batch:
            for topic in waiting.wakes:
                woken[topic] = None
            for action in waiting.actions:
                action()
            if not waiting.answer.done():
                if waiting.error is not None:
                    waiting.answer.set_exception(waiting.error)
                else:
                    waiting.answer.set_result(waiting.result)
        if woken:
            self._topics.wake(woken)


_STORAGE_ERRORS = (apsw.FullError, apsw.IOError, apsw.BusyError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.CorruptError, apsw.NoMemError)


def _connect(path: Path, synchronous: str, *, shrinks: bool = False) -> apsw.Connection:
    connection = apsw.Connection(str(path), statementcachesize=512)
    connection.set_busy_timeout(BUSY_MS)
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)  # else a statement with a range is planned anew for each value: 9 us
    if shrinks:
        connection.execute("PRAGMA auto_vacuum = FULL")  # before there is anything in it
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA case_sensitive_like = ON")  # as PostgreSQL's LIKE
    connection.create_scalar_function("greatest", _greatest, deterministic=True)
    connection.create_scalar_function("least", _least, deterministic=True)
    return connection


def _greatest(*values: Any) -> Any:
    """PostgreSQL's: NULLs are ignored."""
    return max((value for value in values if value is not None), default=None)


def _least(*values: Any) -> Any:
    return min((value for value in values if value is not None), default=None)


def _fail(waiting: _Waiting, error: StoreError) -> None:
    waiting.result, waiting.error, waiting.wakes, waiting.actions = None, error, (), ()


@contextlib.contextmanager
def _clear_errors(path: Path) -> Generator[None]:
    try:
        yield
    except _STORAGE_ERRORS as error:
        raise _translated(error, path) from error


def _translated(error: apsw.Error, path: Path) -> StoreError:
    if isinstance(error, apsw.FullError):
        return StoreFull(f"There is no room left for {path}: free some, and all goes on. ({error})")
    if isinstance(error, apsw.BusyError):
        return StoreUnavailable(f"Another process holds the lock of {path}. ({error})")
    return StoreUnavailable(f"{path} cannot be read or written: {error}")
