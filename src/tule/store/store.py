"""The contract of the store: a change is a closure, run in a transaction, durable when `write` returns.

A closure may run more than once (a serialization conflict, the chaos store), so it must be pure but for its `tx`: no
I/O, no mutation of anything outside, time and ids only from `tx`.  Both stores run the same SQL text: `?` parameters,
`INSERT ... ON CONFLICT`, `RETURNING`; types in schemas are TEXT (ordered by bytes), INTEGER (64 bits), REAL, BLOB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from tule.core.ids import Ids

T = TypeVar("T")
Row = tuple[Any, ...]


class Tx(Protocol):
    """One transaction."""

    now_ms: int
    ids: Ids

    def one(self, sql: str, *params: Any) -> Row | None:
        """The first row, or None."""
        ...

    def all(self, sql: str, *params: Any) -> list[Row]: ...

    def each(self, sql: str, *params: Any) -> Iterator[Row]:
        """Row by row, for results that need not fit into memory."""
        ...

    def execute(self, sql: str, *params: Any) -> int:
        """Run a change; the number of rows it touched."""
        ...

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one change for each row of parameters."""
        ...

    def wake(self, topic: str) -> None:
        """Once committed, wake whoever waits on `topic`, on every node.  A hint: it may be lost or come twice."""
        ...

    def after_commit(self, action: Callable[[], None]) -> None:
        """Once committed, run `action` on this node's event loop: for caches, never for what must happen."""
        ...


class Store(Protocol):
    dialect: str  # "sqlite" or "postgresql"
    node: str  # this node's name: the same after a restart, and no other node's
    shared: bool  # whether other nodes may use the same data

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a serializable transaction; durable when this returns.  What `fn` raises rolls it back and is raised here."""
        ...

    async def write_relaxed(self, fn: Callable[[Tx], T]) -> T:
        """As `write`, but where others commit meanwhile it sees what they did: for claims by FOR UPDATE SKIP LOCKED only."""
        ...

    async def write_forgettable(self, fn: Callable[[Tx], T]) -> T:
        """As `write_relaxed`, but without waiting for the disk: it survives the end of the process, and a power cut may take it
        back.  For what merely happens again when it is forgotten.  Whatever is durable later makes it durable, too."""
        ...

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` against a consistent snapshot; it may not write."""
        ...

    async def snapshot(self, fn: Callable[[Tx], T]) -> T:
        """As `read`, but on a thread: for a closure that takes long and does I/O of its own (a backup)."""
        ...

    def subscribe(self, topic: str, notify: Callable[[], None]) -> Callable[[], None]:
        """Call `notify` on the event loop whenever `topic` is woken; returns how to stop.  `topic` may end with `*`."""
        ...

    async def migrate(self, room: str, schema: str) -> None:
        """Bring the tables of one room (`backbone`, `service:s3`) to `schema`; see `store/migrations.py`."""
        ...

    async def wipe(self) -> None:
        """Forget all rows of all tables (for reset)."""
        ...

    async def close(self) -> None: ...
