"""Garbage collection of blobs: those that no row refers to, once they are old enough that no transaction can still come."""

from __future__ import annotations

import logging

from tule.backbone.reconcile import Reconciler
from tule.blobs.blobs import Blobs

log = logging.getLogger("tule.blobs")

INTERVAL_MS = 6 * 3_600_000
GRACE_MS = 24 * 3_600_000


def blob_sweeper(blobs: Blobs) -> Reconciler:
    """For `keep` in the background of a node, once every service has said what it refers to."""

    async def sweep() -> None:
        swept = await blobs.sweep(GRACE_MS)
        if swept:
            log.info("Swept %d blobs that nobody refers to.", swept)

    return Reconciler("blobs", INTERVAL_MS, [], sweep)
