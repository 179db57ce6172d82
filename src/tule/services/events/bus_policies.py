"""The policies of buses that a node knows, so that an event costs no look at its bus.

What changes a bus wakes its topic, and every node forgets what it knows: this one before the change is answered, others a
moment later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.services.events import state
from tule.services.events.names import BusRef
from tule.store.store import Store


class BusPolicy(NamedTuple):
    arn: str
    policy: Mapping[str, Any] | None


class BusPolicies:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[BusRef, BusPolicy] = {}
        self._changes = 0
        store.subscribe(state.RULES + "*", self.forget)

    def forget(self) -> None:
        self._changes += 1
        self._known.clear()

    async def of(self, ref: BusRef) -> BusPolicy:
        known = self._known.get(ref)
        if known is not None:
            return known
        changes = self._changes
        record = await self._store.read(lambda tx: state.bus(tx, ref))
        found = BusPolicy(ref.arn, None if record is None else record.get("policy"))
        if changes == self._changes:  # else it may be old already
            self._known[ref] = found
        return found
