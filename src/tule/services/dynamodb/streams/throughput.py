"""How often a stream may be read, held where `Config.throttling` says so; by each node for itself.

AWS: DynamoDB Streams API reference, DescribeStream (10 calls a second); developer guide, Streams (two readers of a shard, each
of which may call GetRecords five times a second).
"""

from __future__ import annotations

from typing import cast

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.platform.throttling import Bucket, is_limited
from tule.services.dynamodb.errors import limit_exceeded

READS = 10.0
BYTES_OUT = 2.0 * 1024 * 1024
DESCRIBED = 10.0
_MEMORY = "dynamodb.streams"

_Buckets = dict[tuple[str, int], Bucket]


def forget(node: Node) -> None:
    """After a reset."""
    node.memory.pop(_MEMORY, None)


def check_read(call: Call, shard: int) -> None:
    """Raises LimitExceededException."""
    if not is_limited(call):
        return
    now_ms = call.node.clock.now_ms()
    reads, out = _bucket(call, "reads", shard, READS), _bucket(call, "out", shard, BYTES_OUT)
    if not reads.holds(1, now_ms) or out.level(now_ms) <= 0:
        raise limit_exceeded("Rate exceeded")
    reads.take(1)


def gave(call: Call, shard: int, size: int) -> None:
    """So many bytes of a shard's records."""
    if is_limited(call):
        _bucket(call, "out", shard, BYTES_OUT).take(size)


def check_described(call: Call, stream: int) -> None:
    """Raises ThrottlingException."""
    if not is_limited(call):
        return
    bucket = _bucket(call, "described", stream, DESCRIBED)
    if not bucket.holds(1, call.node.clock.now_ms()):
        raise ServiceError("ThrottlingException", "Rate exceeded", 400)
    bucket.take(1)


def _bucket(call: Call, kind: str, id: int, rate: float) -> Bucket:
    buckets = cast(_Buckets, call.node.memory.setdefault(_MEMORY, {}))
    bucket = buckets.get((kind, id))
    if bucket is None:
        bucket = buckets[kind, id] = Bucket(rate, call.node.clock.now_ms())
    return bucket
