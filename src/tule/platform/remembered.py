"""What a node met a moment ago, so that not every request has to look for it in the store: buckets, streams.

What changes one of them wakes a topic, and every node forgets all that it knows of its kind: this one before the change is
answered, others a moment later.  Hints between nodes may be lost, so what is known is trusted for a second only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tule.store.store import Store

K = TypeVar("K")
V = TypeVar("V")

TRUSTED_S = 1.0


class Remembered(Generic[K, V]):
    """Things of one kind by key, each with the monotonic seconds when it was read."""

    def __init__(self, store: Store, topic: str) -> None:
        self._known: dict[K, tuple[V, float]] = {}
        store.subscribe(topic, self.forget)

    def forget(self) -> None:
        """A new dict, not an empty one: who began to read before the change puts what it saw where nobody looks any more."""
        self._known = {}

    def get(self, key: K) -> V | None:
        """As of a moment ago."""
        found = self._known.get(key)
        return found[0] if found is not None and time.monotonic() - found[1] < TRUSTED_S else None

    def reading(self) -> Callable[[K, V], None]:
        """To be called before something is read; what it returns keeps what was read."""
        known, now = self._known, time.monotonic()

        def keep(key: K, value: V) -> None:
            known[key] = (value, now)

        return keep
