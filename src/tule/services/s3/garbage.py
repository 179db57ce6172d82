"""Letting go of bytes that a version held, when that version is gone.

Versions share blobs after a copy, and readers may be about to open what a write has just replaced.  So letting go is a job
a little later, which asks again whether anything still refers to the bytes.  The sweeper of the blob store would find them
too; this is to give the space back soon.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence

from tule.backbone.delivery import Delivery, Done, Outcome
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
    payload = {"manifest": manifest, "blobs": blobs}
    enqueue(tx, Job(KIND, bucket.arn, bucket.account, bucket.region, payload, due_ms=tx.now_ms + _GRACE_MS, max_attempts=100))


def start(node: Node) -> Sequence[Awaitable[None]]:
    """Tell the blob store's sweeper which blobs are objects and parts."""
    node.blobs.referenced_by(references.holders)
    return ()


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """Forget what nobody refers to any more, rows first, then bytes."""
    manifest, blobs = delivery.payload["manifest"], delivery.payload["blobs"]
    held = await node.store.read(lambda tx: references.holders(tx, blobs))
    names = [blob for blob in blobs if blob not in held]
    if manifest is not None:
        names += await node.store.write(lambda tx: references.forget_manifest(tx, manifest))
    for name in names:
        await node.blobs.delete(name)
    return Done()
