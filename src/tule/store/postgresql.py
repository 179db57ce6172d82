"""The store on PostgreSQL: several nodes on one database.

Promise: as the SQLite store's.  Writes are SERIALIZABLE; a closure whose transaction loses against another's runs
again, so a closure may run several times, on any of a few threads.  Reads see one snapshot.

Picture: closures run on small pools of threads, each with a connection taken from a stack; reads have threads of their
own, so that they never wait for writers that wait for locks.  Finished closures gather, and one wake-up of the event
loop hands on all that have.  Hints (`tx.wake`) go to this node's subscribers at once and to other nodes by NOTIFY,
outside the transaction: a NOTIFY inside would make all commits of the database queue behind one lock.

What can go wrong: a lost connection before the commit repeats the closure on a new one; while committing, nobody knows
what happened, and CommitUnknown says so.  Hints sent while the listener was disconnected are lost, so after it is back
everybody is woken.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from tule.core.clock import Clock
from tule.core.ids import Ids
from tule.store import migrations
from tule.store.connections import Address, Connection, connect
from tule.store.dialect import table_for_postgresql, to_postgresql
from tule.store.errors import CommitUnknown, StoreClosed, StoreContended, StoreFull, StoreUnavailable, UnstorableText
from tule.store.hints import Hints
from tule.store.store import Row, Tx
from tule.store.tables import tables
from tule.store.topics import Topics

T = TypeVar("T")

WRITERS = 8  # connections of a node at most, with READERS and two for hints
READERS = 4
CONTENTION_S = 20.0  # how long a transaction is repeated that loses against others
COLLISIONS = 8  # how often a transaction is tried that inserts what is already there
OUTAGE_S = 10.0  # how long an unreachable server is waited for
FETCHED = 500  # rows of a long result that are in memory
MIGRATION_LOCK = 0x74756C65
KEPT = (migrations.TABLE, "installation")  # what a wipe leaves

_SERIALIZABLE = b"BEGIN ISOLATION LEVEL SERIALIZABLE"
_SNAPSHOT = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_RELAXED = b"BEGIN ISOLATION LEVEL READ COMMITTED"
_LOST = (errors.SerializationFailure, errors.DeadlockDetected)
_FULL = (errors.DiskFull, errors.OutOfMemory, errors.ConfigurationLimitExceeded)


class PostgresTx:
    """A transaction on one connection.  `wakes` and `actions` are what to do once it is committed."""

    __slots__ = ("_cursor", "_cursors", "actions", "ids", "now_ms", "wakes")

    def __init__(self, cursor: psycopg.Cursor[Row], now_ms: int, ids: Ids) -> None:
        self._cursor = cursor
        self._cursors = 0
        self.now_ms = now_ms
        self.ids = ids
        self.wakes: list[str] = []
        self.actions: list[Callable[[], None]] = []

    def one(self, sql: str, *params: Any) -> Row | None:
        return self._cursor.execute(to_postgresql(sql), params).fetchone()

    def all(self, sql: str, *params: Any) -> list[Row]:
        return self._cursor.execute(to_postgresql(sql), params).fetchall()

    def each(self, sql: str, *params: Any) -> Iterator[Row]:
        """By a cursor in the server: several of them may be read in turns."""
        self._cursors += 1
        name = b"each_%d" % self._cursors
        self._cursor.execute(b"DECLARE " + name + b" BINARY NO SCROLL CURSOR FOR " + to_postgresql(sql), params)
        while rows := self._cursor.execute(b"FETCH %d FROM " % FETCHED + name).fetchall():
            yield from rows
        self._cursor.execute(b"CLOSE " + name)

    def execute(self, sql: str, *params: Any) -> int:
        return max(0, self._cursor.execute(to_postgresql(sql), params).rowcount)

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._cursor.executemany(to_postgresql(sql), rows)

    def wake(self, topic: str) -> None:
        self.wakes.append(topic)

    def after_commit(self, action: Callable[[], None]) -> None:
        self.actions.append(action)


@dataclass(slots=True)
class _Finished:
    """A closure's end, on its way to the event loop."""

    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    wakes: list[str] = field(default_factory=list[str])
    actions: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])


class PostgresStore:
    """See the module.  `node` names this node lastingly; no two nodes that run have the same.  Call `open` first."""

    dialect = "postgresql"
    shared = True

    def __init__(
        self,
        address: Address,
        clock: Clock,
        ids: Ids,
        *,
        node: str,
        writers: int = WRITERS,
        readers: int = READERS,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.node = node
        self._address = address
        self._clock = clock
        self._ids = ids
        self._on_close = on_close
        self._loop = asyncio.get_running_loop()
        self._topics = Topics()
        self._hints = Hints(address, ids.hex(16), self._wake_soon)
        self._writers = ThreadPoolExecutor(writers, "store-write")
        self._readers = ThreadPoolExecutor(readers, "store-read")
        self._idle: list[Connection] = []
        self._finished: list[_Finished] = []
        self._handing_over = threading.Lock()
        self._closing = False

    async def open(self) -> None:
        """Connect once, make the schema, begin to listen.  Raises StoreUnavailable."""
        schema = self._address.schema
        if schema:
            await self._alone(lambda tx: tx.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
        else:
            await self.read(lambda tx: None)
        self._hints.start()

    async def write(self, fn: Callable[[Tx], T]) -> T:
        return await self._submit(self._writers, _SERIALIZABLE, fn)

    async def write_relaxed(self, fn: Callable[[Tx], T]) -> T:
        return await self._submit(self._writers, _RELAXED, fn)

    async def write_forgettable(self, fn: Callable[[Tx], T]) -> T:
        def hasty(tx: Tx) -> T:
            tx.execute("SET LOCAL synchronous_commit TO OFF")
            return fn(tx)

        return await self._submit(self._writers, _RELAXED, hasty)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        return await self._submit(self._readers, _SNAPSHOT, fn)

    async def snapshot(self, fn: Callable[[Tx], T]) -> T:
        return await self._submit(self._readers, _SNAPSHOT, fn)

    def subscribe(self, topic: str, notify: Callable[[], None]) -> Callable[[], None]:
        return self._topics.subscribe(topic, notify)

    async def migrate(self, room: str, schema: str) -> None:
        def bring_up(tx: Tx) -> int:
            tx.execute(table_for_postgresql(migrations.CREATE))
            return migrations.bring_up(tx, room, schema, table_for_postgresql)

        await self._alone(bring_up)

    async def wipe(self) -> None:
        def empty(tx: Tx) -> None:
            emptied = [f'"{table}"' for table in tables(tx, self.dialect) if table not in KEPT]
            if emptied:
                tx.execute(f"TRUNCATE {', '.join(emptied)} RESTART IDENTITY CASCADE")

        await self.write(empty)

    async def close(self) -> None:
        """Finish what was begun, then close.  Closing twice is no error."""
        if self._closing:
            return
        self._closing = True
        await self._loop.run_in_executor(None, self._shut)
        self._on_close()

    async def _alone(self, change: Callable[[Tx], T]) -> T:
        """Change the schema while no other node does.  Relaxed, so that what is read after the lock is what others left."""

        def locked(tx: Tx) -> T:
            tx.one("SELECT pg_advisory_xact_lock(?)", MIGRATION_LOCK)
            return change(tx)

        return await self.write_relaxed(locked)

    async def _submit(self, pool: ThreadPoolExecutor, begin: bytes, fn: Callable[[Tx], Any]) -> Any:
        if self._closing:
            raise StoreClosed("The store is closed.")
        answer: asyncio.Future[Any] = self._loop.create_future()
        pool.submit(self._run, begin, fn, answer)
        return await answer

    # On the pools' threads.

    def _shut(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self._hints.stop()
        for connection in self._idle:
            connection.close()

    def _run(self, begin: bytes, fn: Callable[[Tx], Any], answer: asyncio.Future[Any]) -> None:
        finished = _Finished(answer)
        try:
            tx, finished.result = self._repeat(begin, fn)
            finished.wakes, finished.actions = tx.wakes, tx.actions
        except BaseException as error:  # noqa: BLE001 - it belongs to the caller, who gets it from `write` or `read`
            finished.error = error
        if finished.wakes:
            self._hints.send(finished.wakes)
        self._hand_over(finished)

    def _repeat(self, begin: bytes, fn: Callable[[Tx], Any]) -> tuple[PostgresTx, Any]:
        """Until it is committed, or fails for a reason of its own, or it is enough."""
        began = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            waited = time.monotonic() - began
            try:
                with self._connection() as connection:
                    return self._transact(connection, begin, fn)
            except errors.UniqueViolation:
                # Of two transactions that serialize, the later may meet the row that it would have seen, had it begun
                # after the other (PostgreSQL's manual, 13.5): repeat it. A closure's own mistake repeats itself.
                if attempt == COLLISIONS:
                    raise
                time.sleep(random.uniform(0, 0.002 * attempt))
            except _LOST as error:
                if waited > CONTENTION_S:
                    raise StoreContended(f"A transaction lost {attempt} times against others.") from error
                time.sleep(random.uniform(0, min(0.1, 0.001 * 2 ** min(attempt, 10))))
            except errors.CharacterNotInRepertoire as error:
                raise UnstorableText("A text contains the character NUL.") from error
            except _FULL as error:
                raise StoreFull(f"The database has no room left: {error}") from error
            except psycopg.OperationalError as error:
                if not _is_gone(error):
                    raise
                self._drop_idle()
                if waited > OUTAGE_S:
                    raise StoreUnavailable(f"The database cannot be reached: {error}") from error
                time.sleep(min(0.5, 0.02 * 2 ** min(attempt, 10)))

    @contextlib.contextmanager
    def _connection(self) -> Generator[Connection]:
        """One from the stack or a new one; back on the stack, if it still works."""
        connection = self._pop()
        try:
            yield connection
        finally:
            if connection.closed or connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.close()
            else:
                self._idle.append(connection)

    def _pop(self) -> Connection:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return connect(self._address)

    def _drop_idle(self) -> None:
        """Where one connection was lost, the others most likely were too."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _transact(self, connection: Connection, begin: bytes, fn: Callable[[Tx], Any]) -> tuple[PostgresTx, Any]:
        cursor = connection.cursor(binary=True)
        tx = PostgresTx(cursor, self._clock.now_ms(), self._ids)
        try:
            cursor.execute(begin)
            result = fn(tx)
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                cursor.execute(b"ROLLBACK")
            raise
        self._commit(cursor)
        return tx, result

    def _commit(self, cursor: psycopg.Cursor[Row]) -> None:
        try:
            cursor.execute(b"COMMIT")
        except (*_LOST, *_FULL):
            raise
        except psycopg.OperationalError as error:
            raise CommitUnknown(f"The connection broke while committing: {error}") from error

    def _hand_over(self, finished: _Finished) -> None:
        with self._handing_over:
            self._finished.append(finished)
            is_first = len(self._finished) == 1
        if is_first:
            self._call_soon(self._answer)

    def _call_soon(self, call: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(call, *arguments)

    def _wake_soon(self, topics: Sequence[str] | None) -> None:
        self._call_soon(self._topics.wake_all if topics is None else self._topics.wake, *(() if topics is None else (topics,)))

    # Back on the event loop.

    def _answer(self) -> None:
        with self._handing_over:
            batch, self._finished = self._finished, []
        woken: dict[str, None] = {}
        for finished in batch:
            woken.update(dict.fromkeys(finished.wakes))
            for action in finished.actions:
                action()
            if not finished.answer.done():
                if finished.error is not None:
                    finished.answer.set_exception(finished.error)
                else:
                    finished.answer.set_result(finished.result)
        self._topics.wake(woken)


def _is_gone(error: psycopg.OperationalError) -> bool:
    """Whether the server was lost or not reached, as opposed to a statement that it refused."""
    state = error.sqlstate
    return state is None or state.startswith(("08", "57P")) or state == errors.TooManyConnections.sqlstate
