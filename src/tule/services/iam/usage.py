"""When keys and roles were last used.  AWS: GetAccessKeyLastUsed, RoleLastUsed, "Refine permissions using last accessed information".

`Usage.record` is called for each authorized request and costs a look into a dictionary: a use is written, at most once a
minute, by the loop `write`.  Losing the last minute of uses is no loss.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from tule.access.principal import Principal
from tule.services.iam.state import Entity
from tule.store.store import Store, Tx

SCHEMA = """
CREATE TABLE iam_uses (
    subject TEXT NOT NULL,
    service TEXT NOT NULL,
    action TEXT NOT NULL,
    region TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, service, action)
);
"""

_PUT = (
    "INSERT INTO iam_uses (subject, service, action, region, at_ms) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (subject, service, action) DO UPDATE SET region = excluded.region, at_ms = excluded.at_ms"
)
_LATEST = "SELECT service, action, region, at_ms FROM iam_uses WHERE subject = ? ORDER BY at_ms DESC LIMIT 1"
_ALL = "SELECT service, action, region, at_ms FROM iam_uses WHERE subject = ? ORDER BY service, at_ms DESC"
_FRESH_MS = 60_000
_GATHER_SECONDS = 1.0
_MAX_REMEMBERED = 100_000

Key = tuple[str, str, str]


@dataclass(slots=True, frozen=True)
class Use:
    service: str
    action: str
    region: str
    at_ms: int


class Usage:
    """One node's uses that are not yet written, and when each was written last."""

    def __init__(self) -> None:
        self._recorded_ms: dict[Key, int] = {}
        self._pending: dict[Key, tuple[str, int]] = {}
        self._arrived = asyncio.Event()

    def record(self, principal: Principal, service: str, operation: str, region: str, at_ms: int) -> None:
        for subject in (principal.access_key, principal.user_id.partition(":")[0]):
            if subject[:4] in ("AKIA", "AIDA", "AROA"):
                self._record((subject, service, operation), region, at_ms)

    def _record(self, key: Key, region: str, at_ms: int) -> None:
        if at_ms - self._recorded_ms.get(key, -_FRESH_MS) < _FRESH_MS:
            return
        if len(self._recorded_ms) >= _MAX_REMEMBERED:
            self._recorded_ms.clear()
        self._recorded_ms[key] = at_ms
        self._pending[key] = region, at_ms
        self._arrived.set()

    async def write(self, store: Store) -> None:
        """For the node's life: write what was recorded, gathered for a second."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._arrived.clear()
            rows = [(*key, region, at_ms) for key, (region, at_ms) in self._pending.items()]
            self._pending.clear()
            await store.write(lambda tx, rows=rows: tx.many(_PUT, rows))


def of_key(tx: Tx, access_key: str) -> Use | None:
    return _latest(tx, access_key)


def role_last_used(tx: Tx, role: Entity) -> dict[str, Any]:
    """RoleLastUsed; empty for a role that nobody has used."""
    used = _latest(tx, role["id"])
    return {} if used is None else {"LastUsedDate": used.at_ms // 1000, "Region": used.region}


def of_entity(tx: Tx, entity_id: str) -> list[Use]:
    """By service, newest first within each."""
    return [Use(*row) for row in tx.all(_ALL, entity_id)]


def _latest(tx: Tx, subject: str) -> Use | None:
    row = tx.one(_LATEST, subject)
    return None if row is None else Use(*row)
