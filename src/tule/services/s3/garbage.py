"""Letting go of bytes that a version held, when that version is gone.

Versions share blobs after a copy, and somebody may be reading, or about to open, what a write has just replaced.  So letting
go is a job a little later, which asks again whether anything refers to the bytes and whether anybody reads them here.  Until
then the sweeper of the blob store leaves them alone; after a crash it finds what the job did not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Generator, Iterable, Sequence
from contextlib import contextmanager

from tule.backbone.delivery import Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, enqueue
from tule.platform.node import Node
from tule.services.s3.state import references
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Dropped
from tule.store.store import Tx

KIND = "s3-let-go"
_GRACE_MS = 60_000


def let_go(tx: Tx, bucket: Bucket, dropped: Iterable[Dropped]) -> None:
    """Give back the bytes of versions that are gone."""
    for manifest, blob in dropped:
        if manifest is not None or blob is not None:
            _later(tx, bucket, manifest, [] if blob is None else [blob])


def let_go_blobs(tx: Tx, bucket: Bucket, blobs: list[str]) -> None:
    """Give back parts that no upload needs any more."""
    if blobs:
        _later(tx, bucket, None, blobs)


def _later(tx: Tx, bucket: Bucket, manifest: str | None, blobs: list[str]) -> None:
    references.release(tx, blobs)
    payload = {"manifest": manifest, "blobs": blobs}
    enqueue(tx, Job(KIND, bucket.arn, bucket.account, bucket.region, payload, due_ms=tx.now_ms + _GRACE_MS, max_attempts=100))


@contextmanager
def reading(node: Node, blobs: Iterable[str]) -> Generator[None]:
    """While inside, this node does not delete these."""
    read: Counter[str] = node.memory.setdefault("s3.reading", Counter[str]())
    names = list(blobs)
    read.update(names)
    try:
        yield
    finally:
        read.subtract(names)
        for name in names:
            if not read[name]:
                del read[name]


def start(node: Node) -> Sequence[Awaitable[None]]:
    """Tell the blob store's sweeper which blobs are objects and parts."""
    node.blobs.referenced_by(references.holders)
    return ()


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """Forget what nobody refers to any more, rows first, then bytes."""
    manifest, blobs = delivery.payload["manifest"], delivery.payload["blobs"]
    parts = [] if manifest is None else await node.store.read(lambda tx: references.blobs_of(tx, manifest))
    read: Counter[str] = node.memory.get("s3.reading", Counter[str]())
    if any(name in read for name in (*blobs, *parts)):
        return Retry("still being read", delay_ms=_GRACE_MS, counts=False)
    for name in await node.store.write(lambda tx: references.forget(tx, manifest, blobs)):
        await node.blobs.delete(name)
    return Done()
