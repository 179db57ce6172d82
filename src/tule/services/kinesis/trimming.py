"""Removes records that nobody can read any more: older than their stream's retention, or of a stream that was deleted.

A reconciler: it takes no input and may run at any time.  What it has not removed yet is not shown either.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.backbone.reconcile import Reconciler
from tule.platform.node import Node
from tule.services.kinesis.state import records, shards, streams
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

TOPIC = "kinesis.trimming"
EVERY_MS = 600_000
AT_ONCE = 2_000  # each batch a transaction of its own, so that others write in between
FOREVER_MS = 2**62


def start(node: Node) -> Sequence[Awaitable[None]]:
    async def run() -> None:
        await trim(node)

    return [Reconciler("kinesis.trimming", EVERY_MS, [TOPIC], run).keep(node.store, node.clock, node.jobs)]


async def trim(node: Node) -> None:
    while deleted := await node.store.read(shards.orphans):
        for number in deleted:
            await _trim(node, number, FOREVER_MS)
            await node.store.write(lambda tx, number=number: shards.delete(tx, number))
    for stream in await node.store.read(streams.everywhere):
        await _trim_stream(node, stream)


async def _trim_stream(node: Node, stream: Stream) -> None:
    horizon_ms = node.clock.now_ms() - stream.retention_ms
    if stream.created_ms >= horizon_ms:
        return
    found: list[Shard] = await node.store.read(lambda tx: shards.all_shards(tx, stream))
    for shard in found:
        await _trim(node, shard.number, horizon_ms)


async def _trim(node: Node, number: int, before_ms: int) -> None:
    def batch(tx: Tx) -> int:
        return records.trim(tx, number, before_ms, AT_ONCE)

    while await node.store.write(batch) == AT_ONCE:
        pass
