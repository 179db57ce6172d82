"""Which due jobs this node may run.

On a store of this node's own, `MemoryClaims`: what is claimed is known in memory, a claim costs a read, and after a
crash everything undone is due at once.

On a store that nodes share, `LeaseClaims`: a claim writes the node's name and a time by the database's clock into the row; a
heartbeat renews what is still running, and frees what nodes that have died left behind.  A node that starts again frees
what it held in its earlier life at once.  An end is recorded only while the lease stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

from tule.backbone.fairness import barred, choose
from tule.backbone.jobs import TOPIC
from tule.core.ids import Ids
from tule.store.errors import StoreError
from tule.store.store import Store, Tx

log = logging.getLogger("tule.jobs")

LEASE_MS = 15_000
HEARTBEAT_S = 5.0
LOOKED_UP = 512  # beyond the slots that are free

_COLUMNS = (
    "sequence, id, kind, target, account, region, payload, attempts, max_attempts, backoff_ms, backoff_cap_ms, expires_ms,"
    " enqueued_ms, dead_letter, source_service, source_arn, role, trace, lease_owner"
)
_FREE = "waiting = 0 AND lease_until_ms = 0"
_DUE = f"SELECT sequence, target FROM jobs WHERE {_FREE} AND due_ms <= ?%s ORDER BY due_ms, sequence LIMIT ?"
_NEXT_DUE = f"SELECT min(due_ms) FROM jobs WHERE {_FREE} AND due_ms > ?"
_ROW = f"SELECT {_COLUMNS} FROM jobs WHERE sequence = ? AND {_FREE} AND due_ms <= ?"

# PostgreSQL only.
_DATABASE_MS = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_LEASE = f"UPDATE jobs SET lease_owner = ?, lease_until_ms = {_DATABASE_MS} + ? WHERE sequence = ANY(?) RETURNING {_COLUMNS}"
_RENEW = f"UPDATE jobs SET lease_until_ms = {_DATABASE_MS} + ? WHERE sequence = ANY(?) AND lease_owner = ?"
_FREE_LAPSED = (
    f"UPDATE jobs SET lease_owner = '', lease_until_ms = 0 WHERE lease_until_ms > 0 AND lease_until_ms <= {_DATABASE_MS} AND NOT sequence = ANY(?)"
)
_FREE_EARLIER = "UPDATE jobs SET lease_owner = '', lease_until_ms = 0 WHERE lease_until_ms > 0 AND lease_owner LIKE ?"


@dataclass(slots=True, frozen=True)
class Claim:
    """A job that this node runs now.  `lease` is what the row must still say when its end is recorded."""

    sequence: int
    id: str
    kind: str
    target: str
    account: str
    region: str
    payload: bytes
    attempts: int
    max_attempts: int
    backoff_ms: int
    backoff_cap_ms: int
    expires_ms: int
    enqueued_ms: int
    dead_letter: str
    source_service: str
    source_arn: str
    role: str
    trace: str | None
    lease: str


@dataclass(slots=True, frozen=True)
class Taken:
    """`is_all`: nothing else is due that could run now."""

    claims: list[Claim]
    is_all: bool


class Claims(Protocol):
    async def open(self) -> None:
        """Free what an earlier life of this node held."""
        ...

    async def take(self, now_ms: int, running: Mapping[str, int], free: int) -> Taken:
        """Claim jobs that are due, the longest due first, for `free` slots; `running` counts deliveries by target."""
        ...

    def release(self, claim: Claim) -> None:
        """The delivery has ended."""
        ...

    async def is_due(self, now_ms: int) -> bool:
        """Whether there is a job to be claimed."""
        ...

    async def next_due_ms(self, after_ms: int) -> int | None:
        """The next due time after `after_ms`."""
        ...

    async def close(self) -> None: ...


def claims_for(store: Store, ids: Ids) -> Claims:
    return LeaseClaims(store, ids) if store.shared else MemoryClaims(store)


class MemoryClaims:
    """Where much is due, the next in turn are looked up many at a time and wait in `_next`; each row is read when it is claimed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: set[int] = set()
        self._next: list[tuple[int, str]] = []

    async def open(self) -> None:
        self._held.clear()
        self._next.clear()

    async def take(self, now_ms: int, running: Mapping[str, int], free: int) -> Taken:
        def claim(tx: Tx) -> tuple[Taken, list[tuple[int, str]]]:
            return self._of_next(tx, now_ms, running, free) or self._of_all(tx, now_ms, running, free)

        taken, self._next = await self._store.read(claim)
        self._held.update(claim.sequence for claim in taken.claims)
        return taken

    def _of_next(self, tx: Tx, now_ms: int, running: Mapping[str, int], free: int) -> tuple[Taken, list[tuple[int, str]]] | None:
        """What is taken, and what is next then; None when what was looked up does not fill the free slots."""
        chosen = choose(self._next, running, free)
        if len(chosen) < free:
            return None
        return Taken(self._rows(tx, now_ms, chosen), is_all=False), _without(self._next, set(chosen))

    def _of_all(self, tx: Tx, now_ms: int, running: Mapping[str, int], free: int) -> tuple[Taken, list[tuple[int, str]]]:
        limit = free + len(self._held) + LOOKED_UP
        due = _due(tx, now_ms, limit, barred(running, free))
        waiting = _without(due, self._held)
        chosen = choose(waiting, running, free)
        following = _without(waiting, set(chosen))
        return Taken(self._rows(tx, now_ms, chosen), is_all=len(due) < limit and not following), following

    def _rows(self, tx: Tx, now_ms: int, chosen: Sequence[int]) -> list[Claim]:
        """What was cancelled or put off since it was looked up is not there."""
        return [Claim(*row) for sequence in chosen for row in tx.all(_ROW, sequence, now_ms)]

    def release(self, claim: Claim) -> None:
        self._held.discard(claim.sequence)

    async def is_due(self, now_ms: int) -> bool:
        due = await self._store.read(lambda tx: _due(tx, now_ms, 1 + len(self._held), []))
        return any(sequence not in self._held for sequence, _ in due)

    async def next_due_ms(self, after_ms: int) -> int | None:
        return await self._store.read(lambda tx: _next_due(tx, after_ms))

    async def close(self) -> None:
        await self.open()


class LeaseClaims:
    def __init__(self, store: Store, ids: Ids, *, lease_ms: int = LEASE_MS, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._store = store
        self._lease_ms = lease_ms
        self._heartbeat_s = heartbeat_s
        self._owner = f"{store.node}/{ids.hex(8)}"
        self._held: set[int] = set()
        self._heart: asyncio.Task[None] | None = None

    async def open(self) -> None:
        earlier = self._store.node + "/%"
        await self._store.write_relaxed(lambda tx: tx.execute(_FREE_EARLIER, earlier))
        self._heart = asyncio.create_task(self._beat(), name="lease heartbeat")

    async def take(self, now_ms: int, running: Mapping[str, int], free: int) -> Taken:
        def claim(tx: Tx) -> Taken:
            due = _due(tx, now_ms, free, barred(running, free), " FOR UPDATE SKIP LOCKED")
            chosen = choose(due, running, free)
            rows = tx.all(_LEASE, self._owner, self._lease_ms, chosen) if chosen else []
            return Taken([Claim(*row) for row in sorted(rows)], len(due) < free and len(chosen) == len(due))

        taken = await self._store.write_relaxed(claim)
        self._held.update(claim.sequence for claim in taken.claims)
        return taken

    def release(self, claim: Claim) -> None:
        self._held.discard(claim.sequence)

    async def is_due(self, now_ms: int) -> bool:
        return bool(await self._store.read(lambda tx: _due(tx, now_ms, 1, [])))

    async def next_due_ms(self, after_ms: int) -> int | None:
        return await self._store.read(lambda tx: _next_due(tx, after_ms))

    async def close(self) -> None:
        """Give back what was not brought to an end, for others to run."""
        if self._heart is None:
            return
        self._heart.cancel()
        await asyncio.gather(self._heart, return_exceptions=True)
        self._heart = None
        with contextlib.suppress(StoreError):
            await self._store.write_relaxed(self._give_back)

    def _give_back(self, tx: Tx) -> None:
        if tx.execute(_FREE_EARLIER, self._owner):
            tx.wake(TOPIC)

    async def _beat(self) -> None:
        while True:
            try:
                await self._store.write_relaxed(self._renew)
            except Exception:
                log.exception("Leases cannot be renewed; others may run these jobs again.")
            await asyncio.sleep(self._heartbeat_s)

    def _renew(self, tx: Tx) -> None:
        held = list(self._held)
        if held:
            tx.execute(_RENEW, self._lease_ms, held, self._owner)
        if tx.execute(_FREE_LAPSED, held):
            tx.wake(TOPIC)


def _without(due: Sequence[tuple[int, str]], gone: Set[int]) -> list[tuple[int, str]]:
    return [(sequence, target) for sequence, target in due if sequence not in gone]


def _next_due(tx: Tx, after_ms: int) -> int | None:
    row = tx.one(_NEXT_DUE, after_ms)
    return None if row is None else row[0]


def _due(tx: Tx, now_ms: int, limit: int, excluded: list[str], lock: str = "") -> list[Any]:
    excluding = f" AND target NOT IN ({', '.join('?' * len(excluded))})" if excluded else ""
    return tx.all(_DUE % excluding + lock, now_ms, *excluded, limit)
