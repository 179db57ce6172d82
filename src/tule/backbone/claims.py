"""Which due jobs this node may run.

`MemoryClaims` serve a store that no other node uses: what is claimed is known in memory, so a claim costs a read, and
after a crash everything undone is due at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tule.core.ids import Ids
from tule.store.store import Row, Store, Tx

Admit = Callable[[str], bool]  # whether one more delivery to this target may start; True counts it

_COLUMNS = (
    "sequence, id, kind, target, account, region, payload, attempts, losses, max_attempts, backoff_ms, backoff_cap_ms, expires_ms,"
    " enqueued_ms, dead_letter, source_service, source_arn, role, trace"
)
_FREE = "waiting = 0 AND lease_until_ms = 0"
_DUE = f"SELECT sequence, target FROM jobs WHERE {_FREE} AND due_ms <= ?%s ORDER BY due_ms, sequence LIMIT ?"
_ROW = f"SELECT {_COLUMNS} FROM jobs WHERE sequence = ?"
_NEXT_DUE = f"SELECT min(due_ms) FROM jobs WHERE {_FREE} AND due_ms > ?"


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
    losses: int
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
    lease: str = ""


class Claims(Protocol):
    async def recover(self) -> None:
        """Free what an earlier life of this node held."""
        ...

    async def take(self, now_ms: int, limit: int, barred: frozenset[str], admit: Admit) -> list[Claim]:
        """Claim up to `limit` jobs that are due, the longest due first, none of `barred` targets, each only if `admit` says so."""
        ...

    def release(self, claim: Claim) -> None:
        """The end of `claim` is recorded, or its delivery was cancelled."""
        ...

    async def is_due(self, now_ms: int) -> bool:
        """Whether there is a job to be claimed."""
        ...

    async def next_due_ms(self, after_ms: int) -> int | None:
        """The next due time after `after_ms`."""
        ...

    async def close(self) -> None: ...


def claims_for(store: Store, ids: Ids) -> Claims:
    return MemoryClaims(store)


class MemoryClaims:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: set[int] = set()

    async def recover(self) -> None:
        self._held.clear()

    async def take(self, now_ms: int, limit: int, barred: frozenset[str], admit: Admit) -> list[Claim]:
        rows = await self._store.read(lambda tx: self._admitted(tx, now_ms, limit, barred, admit))
        self._held.update(row[0] for row in rows)
        return [Claim(*row) for row in rows]

    def release(self, claim: Claim) -> None:
        self._held.discard(claim.sequence)

    async def is_due(self, now_ms: int) -> bool:
        due = await self._store.read(lambda tx: _due(tx, now_ms, 1 + len(self._held), frozenset()))
        return any(sequence not in self._held for sequence, _ in due)

    async def next_due_ms(self, after_ms: int) -> int | None:
        return await self._store.read(lambda tx: next_due(tx, after_ms))

    async def close(self) -> None:
        self._held.clear()

    def _admitted(self, tx: Tx, now_ms: int, limit: int, barred: frozenset[str], admit: Admit) -> list[Row]:
        rows: list[Row] = []
        for sequence, target in _due(tx, now_ms, limit + len(self._held), barred):
            if sequence not in self._held and len(rows) < limit and admit(target):
                row = tx.one(_ROW, sequence)
                assert row is not None
                rows.append(row)
        return rows


def next_due(tx: Tx, after_ms: int) -> int | None:
    row = tx.one(_NEXT_DUE, after_ms)
    return None if row is None else row[0]


def _due(tx: Tx, now_ms: int, limit: int, barred: frozenset[str]) -> list[Any]:
    excluded = f" AND target NOT IN ({', '.join('?' * len(barred))})" if barred else ""
    return tx.all(_DUE % excluded, now_ms, *barred, limit)
