"""Giving changes their places in the shards of a stream: done by whoever reads it.

The head of a slot is held meanwhile, so that two readers of it take turns; those who write meet neither.  These transactions see
what others commit meanwhile (`write_relaxed`): that they find more than when they began does no harm, and what they do not find
yet is later in every item's order than what they do.
"""

from __future__ import annotations

from dataclasses import replace

from tule.platform.node import Node
from tule.services.dynamodb.state import stream_inbox, stream_records, streams
from tule.services.dynamodb.state.streams import Head, Stream
from tule.services.dynamodb.streams import records
from tule.store.store import Tx

SHARD_LIFE_MS = 4 * 3_600_000  # AWS's shards are open for about four hours
AT_ONCE = 1_000


async def settle(node: Node, stream: Stream) -> None:
    """Give places to all that waits in any slot, and close the shards of a stream that was closed."""
    for head in await node.store.read(lambda tx: streams.heads(tx, stream.id)):
        await _settle(node, stream, head.slot)


async def settle_shards(node: Node, stream: Stream) -> None:
    """Have all shards that there are by now: what waits may belong into one that is still to be opened."""
    for head in await node.store.read(lambda tx: streams.heads(tx, stream.id)):
        if stream.closed_ms is not None or node.clock.now_ms() - head.opened_ms >= SHARD_LIFE_MS:
            await _settle(node, stream, head.slot)


async def _settle(node: Node, stream: Stream, slot: int) -> None:
    while await node.store.read(lambda tx: is_waiting(tx, stream, slot)):
        await move_some(node, stream, slot)


def is_waiting(tx: Tx, stream: Stream, slot: int) -> bool:
    """Whether there is something to move, or a shard to close."""
    if not stream_inbox.is_empty(tx, stream.id, slot):
        return True
    return stream.closed_ms is not None and streams.head_of(tx, stream.id, slot) is not None


async def move_some(node: Node, stream: Stream, slot: int) -> None:
    await node.store.write_relaxed(lambda tx: _move(tx, stream, slot))


def _move(tx: Tx, stream: Stream, slot: int) -> None:
    head = streams.hold(tx, stream.id, slot)
    if head is None:
        return
    waiting = stream_inbox.waiting(tx, stream.id, slot, AT_ONCE)
    rows: list[tuple[int, int, int, bytes]] = []
    for one in waiting:
        if one.at_ms - head.opened_ms >= SHARD_LIFE_MS:
            head = streams.turn(tx, stream.id, head, one.at_ms)
        head = replace(head, last=head.last + 1)
        rows.append((head.shard, head.last, one.at_ms, records.numbered(one.record, head.last, slot)))
    if rows:
        stream_records.append(tx, rows)
        stream_inbox.remove(tx, waiting)
        streams.move(tx, stream.id, head)
    elif stream.closed_ms is not None:
        streams.end(tx, stream, head)


async def turn_idle(node: Node, stream: Stream) -> None:
    """Shards are turned over also where nothing is written."""
    found: list[Head] = await node.store.read(lambda tx: streams.heads(tx, stream.id))
    for head in found:
        if node.clock.now_ms() - head.opened_ms >= SHARD_LIFE_MS:
            await node.store.write_relaxed(lambda tx, slot=head.slot: _turn(tx, stream, slot))


def _turn(tx: Tx, stream: Stream, slot: int) -> None:
    head = streams.hold(tx, stream.id, slot)
    if head is not None and tx.now_ms - head.opened_ms >= SHARD_LIFE_MS and stream_inbox.is_empty(tx, stream.id, slot):
        streams.turn(tx, stream.id, head, tx.now_ms)
        tx.wake(stream.arn)
