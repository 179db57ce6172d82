"""Records pushed to a consumer as they come.  AWS: Kinesis Data Streams API reference, SubscribeToShard.

A subscription lasts five minutes of the node's clock.  It waits for the stream's wake-ups, and says now and then that
nothing came.  A consumer has one for each shard: a later one takes over, but not within five seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.kinesis import encryption, errors, iterators, lookup, sequence
from tule.services.kinesis.iterators import Position
from tule.services.kinesis.operations import reading
from tule.services.kinesis.operations.consumers import named
from tule.services.kinesis.state import consumers, records
from tule.services.kinesis.state.records import Page
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

Params = dict[str, Any]

LASTS_MS = 300_000
KEPT_MS = 5_000  # before another subscription may take over
QUIET_MS = 5_000  # after which a subscriber is told that there is nothing new
MAX_EVENT_BYTES = 2 * 1024 * 1024
MAX_EVENT_RECORDS = 10_000


@dataclass(slots=True, eq=False)
class Subscription:
    """`news` is set when there may be records, and when another subscription has taken over."""

    consumer: str
    shard: Shard
    began_ms: int
    after: int
    continuation: str
    news: asyncio.Event = field(default_factory=asyncio.Event)
    taken_over: bool = False


Subscriptions = dict[tuple[str, int], Subscription]


def _subscriptions(node: Node) -> Subscriptions:
    return cast(Subscriptions, node.memory.setdefault("kinesis.subscriptions", {}))


async def subscribe_to_shard(call: Call, params: Params) -> Params:
    asked = params["StartingPosition"]

    def find(tx: Tx) -> Subscription:
        consumer = named(tx, params)
        stream = lookup.stream_at(tx, consumer.ref)
        shard = lookup.shard_of(tx, stream, params["ShardId"])
        after = iterators.start(tx, stream, shard, asked["Type"], asked.get("SequenceNumber"), asked.get("Timestamp"), "SubscribeToShard")
        continuation = sequence.text(shard.opened_s, shard.index, max(after, shard.opened_at), max(shard.opened_s, tx.now_ms // 1000))
        return Subscription(consumer.arn, shard, tx.now_ms, after, continuation)

    subscription = await call.node.store.read(find)
    if params.get("DryRun"):
        raise errors.dry_run()
    _take(call.node, subscription)
    return {"EventStream": _events(call, subscription)}


def _take(node: Node, subscription: Subscription) -> None:
    """Raises ResourceInUseException when the one before is too young to be taken over."""
    running, key = _subscriptions(node), (subscription.consumer, subscription.shard.number)
    before = running.get(key)
    if before is not None:
        if subscription.began_ms - before.began_ms < KEPT_MS:
            raise errors.in_use(f"Another active subscription exists for this consumer: {subscription.consumer}, shard: {subscription.shard.id}")
        before.taken_over = True
        before.news.set()
    running[key] = subscription


async def _events(call: Call, subscription: Subscription) -> AsyncIterator[Params]:
    node = call.node
    stream_arn = subscription.consumer.partition("/consumer/")[0]
    unsubscribe = node.store.subscribe(stream_arn, subscription.news.set)
    ends_ms = subscription.began_ms + LASTS_MS
    try:
        told_ms = node.clock.now_ms()
        while not subscription.taken_over and node.clock.now_ms() < ends_ms:
            subscription.news.clear()
            page, children = await _read(call, subscription)
            is_end = subscription.shard.closed_at is not None and not page.more
            if page.fragments or is_end or node.clock.now_ms() - told_ms >= QUIET_MS:
                told_ms = node.clock.now_ms()
                yield {"SubscribeToShardEvent": _event(call, subscription, page, children, is_end)}
            if is_end:
                return
            if not page.more:
                await _news(node, subscription, min(ends_ms, told_ms + QUIET_MS))
        if subscription.taken_over:
            raise errors.in_use("Another active subscription exists for this consumer.")
    finally:
        unsubscribe()
        running, key = _subscriptions(node), (subscription.consumer, subscription.shard.number)
        if running.get(key) is subscription:
            del running[key]


async def _read(call: Call, subscription: Subscription) -> tuple[Page, list[Shard]]:
    """What is there; the shard is looked at anew, since it may have been closed.  Raises ResourceNotFoundException."""

    def read(tx: Tx) -> tuple[Stream, Page, list[Shard], Shard]:
        stream, shard = reading.located(tx, Position(subscription.shard.stream, subscription.shard.index, subscription.after))
        if consumers.find(tx, stream, subscription.consumer.rpartition("/")[2].rpartition(":")[0]) is None:
            raise errors.no_consumer(subscription.consumer, stream.ref.account)
        page = records.read(tx, stream, shard, subscription.after, MAX_EVENT_RECORDS, MAX_EVENT_BYTES)
        return stream, page, reading.children_at_end(tx, shard, page), shard

    stream, page, children, subscription.shard = await call.node.store.read(read)
    if page.fragments:
        shard, subscription.after = subscription.shard, page.after
        subscription.continuation = sequence.text(shard.opened_s, shard.index, page.after, page.last_ms // 1000)
        if stream.config.get("sealed"):
            page = replace(page, fragments=await encryption.opened(call, stream, page.fragments))
    return page, children


def _event(call: Call, subscription: Subscription, page: Page, children: list[Shard], is_end: bool) -> Params:
    """The last event of a closed shard says where to go on instead of how to continue."""
    event: Params = {"Records": reading.shown(call, page.fragments), "MillisBehindLatest": reading.behind_ms(page, call.node.clock.now_ms())}
    if is_end:
        event["ChildShards"] = reading.child_shards(children)
    else:
        event["ContinuationSequenceNumber"] = subscription.continuation
    return event


async def _news(node: Node, subscription: Subscription, until_ms: int) -> None:
    news = asyncio.create_task(subscription.news.wait())
    timer = asyncio.create_task(node.clock.sleep_until(until_ms))
    try:
        await asyncio.wait((news, timer), return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()
        timer.cancel()
