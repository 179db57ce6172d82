"""How much buckets hold, counted for CloudWatch once for each day of the clock, at its beginning.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html, "Amazon S3 daily storage metrics".
"""

from __future__ import annotations

from collections import defaultdict

from tule.backbone.reconcile import Reconciler
from tule.platform.node import Node
from tule.services.s3.request_metrics import NAMESPACE
from tule.store.store import Row, Tx
from tule.watch.metric_store import Series, Summary

DAY_MS = 86_400_000
INTERVAL_MS = 3_600_000
_HELD = (
    "SELECT b.name, b.account, b.region, o.storage_class, count(*), sum(o.size) FROM s3_buckets b JOIN {table} o ON o.bucket = b.id"
    " GROUP BY b.name, b.account, b.region, o.storage_class"
)
_TYPES = {
    "STANDARD": "StandardStorage",
    "STANDARD_IA": "StandardIAStorage",
    "ONEZONE_IA": "OneZoneIAStorage",
    "REDUCED_REDUNDANCY": "ReducedRedundancyStorage",
    "INTELLIGENT_TIERING": "IntelligentTieringFAStorage",
    "GLACIER_IR": "GlacierInstantRetrievalStorage",
    "GLACIER": "GlacierStorage",
    "DEEP_ARCHIVE": "DeepArchiveStorage",
}


class StorageMetrics:
    """One for each node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._day = node.clock.now_ms() // DAY_MS

    def reconciler(self) -> Reconciler:
        """For `keep` in the background of the node."""
        return Reconciler("s3.storage-metrics", INTERVAL_MS, (), self.run)

    async def run(self) -> None:
        """Count, where another day has begun since the last time."""
        day = self._node.clock.now_ms() // DAY_MS
        if day == self._day:
            return
        self._day = day
        for series, value, unit in _counts(await self._node.store.snapshot(_held)):
            summary = Summary()
            summary.add(value)
            self._node.meter.merge(series, day * DAY_MS, unit, summary)


def _held(tx: Tx) -> list[Row]:
    return [row for table in ("s3_objects", "s3_noncurrent") for row in tx.all(_HELD.format(table=table))]


def _counts(rows: list[Row]) -> list[tuple[Series, float, str]]:
    sizes: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    objects: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for name, account, region, storage_class, count, size in rows:
        sizes[account, region, name, _TYPES.get(storage_class, "StandardStorage")] += int(size)
        objects[account, region, name] += count
    held: list[tuple[Series, float, str]] = []
    for (account, region, name, kind), size in sizes.items():
        held.append((_series(account, region, "BucketSizeBytes", name, kind), size, "Bytes"))
    for (account, region, name), count in objects.items():
        held.append((_series(account, region, "NumberOfObjects", name, "AllStorageTypes"), count, "Count"))
    return held


def _series(account: str, region: str, metric: str, bucket: str, kind: str) -> Series:
    return Series(account, region, NAMESPACE, metric, (("BucketName", bucket), ("StorageType", kind)))
