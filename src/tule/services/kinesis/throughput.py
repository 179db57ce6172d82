"""How much a shard takes and gives: per second 1,000 records and 1 MiB in, five reads and 2 MiB out.

Held where `Config.throttling` says so (by itself in strict mode), by each node for itself.  What is too much for the moment
is a debt: a read of 10 MB keeps a shard from being read for five seconds, as AWS says.
AWS: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
"""

from __future__ import annotations

from typing import cast

from tule.platform.node import Node
from tule.platform.throttling import Bucket

RECORDS_IN = 1_000.0
BYTES_IN = 1024.0 * 1024
READS = 5.0
BYTES_OUT = 2.0 * 1024 * 1024


class Throughput:
    """Of all shards on one node."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, int], Bucket] = {}

    def take_write(self, shard: int, size: int, now_ms: int) -> bool:
        """False when the shard cannot take a record of this size now."""
        records, room = self._bucket("records", shard, RECORDS_IN, now_ms), self._bucket("in", shard, BYTES_IN, now_ms)
        if not records.holds(1, now_ms) or not room.holds(size, now_ms):
            return False
        records.take(1)
        room.take(size)
        return True

    def take_read(self, shard: int, now_ms: int) -> bool:
        """False when the shard cannot be read now."""
        reads, out = self._bucket("reads", shard, READS, now_ms), self._bucket("out", shard, BYTES_OUT, now_ms)
        if not reads.holds(1, now_ms) or not out.holds(1, now_ms):
            return False
        reads.take(1)
        return True

    def gave(self, shard: int, size: int, now_ms: int) -> None:
        self._bucket("out", shard, BYTES_OUT, now_ms).take(size)

    def _bucket(self, kind: str, shard: int, rate: float, now_ms: int) -> Bucket:
        bucket = self._buckets.get((kind, shard))
        if bucket is None:
            bucket = self._buckets[kind, shard] = Bucket(rate, now_ms)
        return bucket


def of(node: Node) -> Throughput:
    return cast(Throughput, node.memory.setdefault("kinesis.throughput", Throughput()))


def forget(node: Node) -> None:
    """After a reset."""
    node.memory.pop("kinesis.throughput", None)
