"""Things of an account that have no policies of their own: providers, certificates, devices, keys.  Each kind a shelf of documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tule.core.errors import ServiceError
from tule.services.iam import state
from tule.services.iam.state import GLOBAL
from tule.store.documents import Documents
from tule.store.store import Tx

Thing = dict[str, Any]


@dataclass(slots=True, frozen=True)
class Shelf:
    """`missing` and `taken` say what AWS says of a key that is not there, or is there already."""

    documents: Documents
    missing: Callable[[str], ServiceError]
    taken: Callable[[str], ServiceError]

    def add(self, tx: Tx, account: str, key: str, thing: Thing) -> None:
        if not self.documents.create(tx, account, GLOBAL, key, thing):
            raise self.taken(key)
        state.changed(tx)

    def find(self, tx: Tx, account: str, key: str) -> Thing | None:
        return self.documents.get(tx, account, GLOBAL, key)

    def get(self, tx: Tx, account: str, key: str) -> Thing:
        thing = self.find(tx, account, key)
        if thing is None:
            raise self.missing(key)
        return thing

    def put(self, tx: Tx, account: str, key: str, thing: Thing) -> None:
        self.documents.put(tx, account, GLOBAL, key, thing)
        state.changed(tx)

    def remove(self, tx: Tx, account: str, key: str) -> None:
        if not self.documents.delete(tx, account, GLOBAL, key):
            raise self.missing(key)
        state.changed(tx)

    def every(self, tx: Tx, account: str) -> list[Thing]:
        return [thing for _, thing in self.documents.page(tx, account, GLOBAL)]

    def of_user(self, tx: Tx, account: str, user_id: str) -> list[Thing]:
        """Those whose `user` is this unique id, oldest first."""
        mine = [thing for thing in self.every(tx, account) if thing.get("user") == user_id]
        return sorted(mine, key=lambda thing: thing["created_ms"])
