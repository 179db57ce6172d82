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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson

from tule.backbone.fairness import barred, choose
from tule.backbone.jobs import TOPIC
from tule.core.ids import Ids
from tule.store.errors import StoreError
from tule.store.store import Store, Tx

log = logging.getLogger("tule.jobs")

LEASE_MS = 15_000
HEARTBEAT_S = 5.0
LOOKED_UP = 128  # due jobs at a time

_COLUMNS = (
    "sequence, id, kind, target, account, region, payload, attempts, max_attempts, backoff_ms, backoff_cap_ms, expires_ms,"
    " enqueued_ms, dead_letter, source_service, source_arn, role, trace, lease_owner"
)
_FREE = "waiting = 0 AND lease_until_ms = 0"
_DUE = f"SELECT sequence, target FROM jobs WHERE {_FREE} AND due_ms <= ?%s ORDER BY due_ms, sequence LIMIT ?"
_NEXT_DUE = f"SELECT min(due_ms) FROM jobs WHERE {_FREE} AND due_ms > ?"
_ROW = f"SELECT {_COLUMNS} FROM jobs WHERE sequence = ?"

# PostgreSQL only.
_DATABASE_MS = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_LEASE = f"UPDATE jobs SET lease_owner = ?, lease_until_ms = {_DATABASE_MS} + ? WHERE sequence = ANY(?) RETURNING {_COLUMNS}"
_RENEW = f"UPDATE jobs SET lease_until_ms = {_DATABASE_MS} + ? WHERE sequence = ANY(?) AND lease_owner = ?"
_FREE_LAPSED = (
    f"UPDATE jobs SET lease_owner = '', lease_until_ms = 0 WHERE lease_until_ms > 0 AND lease_until_ms <= {_DATABASE_MS} AND NOT sequence = ANY(?)"
)
_FREE_EARLIER = "UPDATE jobs SET lease_owner = '', lease_until_ms = 0 WHERE lease_until_ms > 0 AND lease_owner LIKE ?"


class Claim(NamedTuple):
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
    """`is_all`: nothing else is due that could run now.  `next_ms` is the next due time after that, if there is one."""

    claims: list[Claim]
    is_all: bool
    next_ms: int | None


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
    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: set[int] = set()

    async def open(self) -> None:
        self._held.clear()

    async def take(self, now_ms: int, running: Mapping[str, int], free: int) -> Taken:
        def claim(tx: Tx) -> Taken:
            limit = min(free, LOOKED_UP)
            due = self._due(tx, now_ms, limit, barred(running, free))
            chosen = choose(due, running, free)
            claims = [Claim._make(row) for sequence in chosen for row in tx.all(_ROW, sequence)]
            return Taken(claims, len(due) < limit and len(chosen) == len(due), _next_due(tx, now_ms))

        taken = await self._store.read(claim)
        self._held.update(claim.sequence for claim in taken.claims)
        return taken

    def _due(self, tx: Tx, now_ms: int, limit: int, excluded: list[str]) -> list[Any]:
        """Those that are held stay where they are in the index, and are passed over by the database: there may be a thousand."""
        return _due(tx, now_ms, limit, excluded, held=orjson.dumps(list(self._held)).decode() if self._held else "")

    def release(self, claim: Claim) -> None:
        self._held.discard(claim.sequence)

    async def is_due(self, now_ms: int) -> bool:
        return bool(await self._store.read(lambda tx: self._due(tx, now_ms, 1, [])))

    async def next_due_ms(self, after_ms: int) -> int | None:
        return await self._store.read(lambda tx: _next_due(tx, after_ms))

    async def close(self) -> None:
        self._held.clear()


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
            due = _due(tx, now_ms, free, barred(running, free), lock=" FOR UPDATE SKIP LOCKED")
            chosen = choose(due, running, free)
            rows = tx.all(_LEASE, self._owner, self._lease_ms, chosen) if chosen else []
            claims = [Claim._make(row) for row in sorted(rows)]
            return Taken(claims, len(due) < free and len(chosen) == len(due), _next_due(tx, now_ms))

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


def _next_due(tx: Tx, after_ms: int) -> int | None:
    row = tx.one(_NEXT_DUE, after_ms)
    return None if row is None else row[0]


def _due(tx: Tx, now_ms: int, limit: int, excluded: list[str], *, lock: str = "", held: str = "") -> list[Any]:
    """(sequence, target) of what is due, but for `excluded` targets and the sequences that `held` lists, as JSON (SQLite only)."""
    passing_over = " AND sequence NOT IN (SELECT value FROM json_each(?))" if held else ""
    excluding = f" AND target NOT IN ({', '.join('?' * len(excluded))})" if excluded else ""
    return tx.all(_DUE % (passing_over + excluding) + lock, now_ms, *([held] if held else []), *excluded, limit)
