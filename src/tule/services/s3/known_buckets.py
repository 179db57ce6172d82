"""Buckets that this node met a moment ago (`platform/remembered.py`), so that not every request has to look for its own.

Permissions and reads go by what is known; a write looks at its bucket's row in its own transaction, and a read does so before it
says that there is no such object.
"""

from __future__ import annotations

from typing import cast

from tule.platform.node import Node
from tule.platform.remembered import Remembered
from tule.services.s3.state import buckets
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx

_MEMORY = "s3.buckets"


def _memory(node: Node) -> Remembered[str, Bucket]:
    memory = cast("Remembered[str, Bucket] | None", node.memory.get(_MEMORY))
    if memory is None:
        memory = node.memory[_MEMORY] = Remembered(node.store, buckets.CHANGED)
    return memory


async def forget(node: Node) -> None:
    """For reset."""
    _memory(node).forget()


def known(node: Node, name: str) -> Bucket | None:
    """The bucket as of a moment ago, if this node met it; never by an access point."""
    return _memory(node).get(name)


def get(node: Node, tx: Tx, name: str) -> Bucket:
    """The bucket as of a moment ago, or as its row has it, which is remembered.  Raises NoSuchBucket.

    For the beginning of a transaction: what it sees later may be older than what `forget` was called for by then."""
    found = known(node, name)
    if found is not None:
        return found
    keep = _memory(node).reading()
    bucket = buckets.get(tx, name)
    if bucket.point is None:
        keep(name, bucket)
    return bucket
