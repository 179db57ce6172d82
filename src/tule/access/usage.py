"""What a user or role has really used: action and resource, so that the least policy can be derived from it.

`record` is called for each allowed need and costs a look into a set; new uses are written in batches by `write`.  Names
that are data (objects, log streams) count as `*`, so that the record stays small.  Losing the last second is no loss.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tule.access.need import Need
from tule.access.principal import Principal
from tule.store.store import Store, Tx

SCHEMA = """
CREATE TABLE access_used (
    entity TEXT NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    first_ms INTEGER NOT NULL,
    PRIMARY KEY (entity, action, resource)
);
"""
_PUT = "INSERT INTO access_used (entity, action, resource, first_ms) VALUES (?, ?, ?, ?) ON CONFLICT (entity, action, resource) DO NOTHING"
_OF_ENTITY = "SELECT action, resource FROM access_used WHERE entity = ? ORDER BY action, resource"
_GATHER_SECONDS = 1.0
_MAX_REMEMBERED = 100_000


@dataclass(slots=True, frozen=True)
class Use:
    action: str
    resource: str


class Usage:
    def __init__(self) -> None:
        self._seen: set[tuple[str, str, str]] = set()
        self._unwritten: dict[tuple[str, str, str], int] = {}
        self._arrived = asyncio.Event()

    def record(self, principal: Principal, need: Need, at_ms: int) -> None:
        entity = principal.entity_arn
        key = (entity, need.action, need.resource)
        if key in self._seen or not entity or principal.kind not in ("user", "role"):
            return
        if len(self._seen) >= _MAX_REMEMBERED:
            self._seen.clear()
        self._seen.add(key)
        if len(self._unwritten) < _MAX_REMEMBERED:
            self._unwritten.setdefault((entity, need.action, generalized(need.resource)), at_ms)
        self._arrived.set()

    async def write(self, store: Store) -> None:
        """For the node's life: write what was used, a second's worth at a time."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            await self.flush(store)

    async def flush(self, store: Store) -> None:
        self._arrived.clear()
        rows, self._unwritten = [(*use, at_ms) for use, at_ms in sorted(self._unwritten.items())], {}
        if rows:
            await store.write(lambda tx: tx.many(_PUT, rows))

    def forget(self) -> None:
        """Notice again what was noticed before: after a reset, or whenever identities have changed."""
        self._seen.clear()


def used_by(tx: Tx, entity_arn: str) -> list[Use]:
    return [Use(*row) for row in tx.all(_OF_ENTITY, entity_arn)]


def generalized(resource: str) -> str:
    """With `*` for names that are data: an object's key, a log stream, an execution."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return resource
    service, rest = parts[2], parts[5]
    if service == "s3" and not parts[4] and "/" in rest:
        rest = rest.split("/", 1)[0] + "/*"
    elif service == "logs" and ":log-stream:" in rest:
        rest = rest.split(":log-stream:", 1)[0] + ":*"
    elif service == "states" and rest.startswith(("execution:", "express:")):
        rest = ":".join(rest.split(":")[:2]) + ":*"
    return ":".join([*parts[:5], rest])


def least_policy(uses: Iterable[Use]) -> dict[str, Any]:
    """The smallest policy document that would have allowed all of this: one statement for each set of resources."""
    resources: dict[str, set[str]] = defaultdict(set)
    for use in uses:
        resources[use.action].add(use.resource)
    actions: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for action in sorted(resources):
        actions[tuple(sorted(resources[action]))].append(action)
    statements = [{"Effect": "Allow", "Action": names, "Resource": list(where)} for where, names in actions.items()]
    return {"Version": "2012-10-17", "Statement": statements}
