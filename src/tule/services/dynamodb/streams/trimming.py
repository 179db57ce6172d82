"""Removes what cannot be read any more: records of more than a day ago, shards and streams that were closed before that.

A reconciler: it takes no input and may run at any time.  What it has not removed yet is not shown either.  It also turns
over the shards of streams to which nothing is written, as AWS does.
"""

from __future__ import annotations

from tule.platform.node import Node
from tule.services.dynamodb.state import stream_records, streams
from tule.services.dynamodb.state.streams import Shard, Stream
from tule.services.dynamodb.streams import sequencing
from tule.services.dynamodb.streams.operations import RETENTION_MS, is_expired
from tule.store.store import Tx

EVERY_MS = 600_000
AT_ONCE = 1_000  # each batch a transaction of its own, so that others write in between


async def trim(node: Node) -> None:
    for stream in await node.store.read(streams.everywhere):
        await sequencing.settle(node, stream)
        await sequencing.turn_idle(node, stream)
        await _trim_stream(node, stream)


async def _trim_stream(node: Node, stream: Stream) -> None:
    horizon_ms = node.clock.now_ms() - RETENTION_MS
    if stream.created_ms > horizon_ms:
        return
    found: list[Shard] = await node.store.read(lambda tx: streams.all_shards(tx, stream))
    for shard in found:
        await _trim_shard(node, shard, horizon_ms)
    if stream.closed_ms is not None and stream.closed_ms <= horizon_ms:
        await node.store.write(lambda tx: streams.remove(tx, stream))


async def _trim_shard(node: Node, shard: Shard, horizon_ms: int) -> None:
    def batch(tx: Tx) -> bool:
        position = stream_records.trim(tx, shard.id, horizon_ms, AT_ONCE)
        if position is not None:
            streams.note_trimmed(tx, shard.id, position)
        elif is_expired(shard, tx.now_ms):
            streams.remove_shard(tx, shard)
        return position is not None

    while await node.store.write(batch):
        pass
