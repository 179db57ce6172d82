"""Buckets that this node met a moment ago, so that not every request has to look for its own in the store.

What changes a bucket wakes `buckets.CHANGED`, and every node forgets what it knows: this one before the change is answered, others
a moment later.  Hints between nodes may be lost, so what is known is trusted for a second only.  Permissions and reads go by it;
a write looks at its bucket's row in its own transaction, and a read does so before it says that there is no such object.
"""

from __future__ import annotations

import time

from tule.platform.node import Node
from tule.services.s3.state import buckets
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx

TRUSTED_S = 1.0
_MEMORY = "s3.buckets"


class _Memory:
    """`known` by name, each with the monotonic seconds when it was read."""

    def __init__(self, node: Node) -> None:
        self.known: dict[str, tuple[Bucket, float]] = {}
        node.store.subscribe(buckets.CHANGED, self.forget)

    def forget(self) -> None:
        """A new dict, not an empty one: a transaction that began before the change puts what it saw where nobody looks any more."""
        self.known = {}


def _memory(node: Node) -> _Memory:
    memory = node.memory.get(_MEMORY)
    if memory is None:
        memory = node.memory[_MEMORY] = _Memory(node)
    return memory


async def forget(node: Node) -> None:
    """For reset."""
    _memory(node).forget()


def known(node: Node, name: str) -> Bucket | None:
    """The bucket as of a moment ago, if this node met it; never by an access point."""
    found = _memory(node).known.get(name)
    return found[0] if found is not None and time.monotonic() - found[1] < TRUSTED_S else None


def get(node: Node, tx: Tx, name: str) -> Bucket:
    """The bucket as of a moment ago, or as its row has it, which is remembered.  Raises NoSuchBucket.

    For the beginning of a transaction: what it sees later may be older than what `forget` was called for by then."""
    found = known(node, name)
    if found is not None:
        return found
    memory, now = _memory(node).known, time.monotonic()
    bucket = buckets.get(tx, name)
    if bucket.point is None:
        memory[name] = (bucket, now)
    return bucket
