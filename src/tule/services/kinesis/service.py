"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.kinesis import access, metrics, remembered, throughput, trimming
from tule.services.kinesis.operations import (
    accounts,
    consumers,
    policies,
    queue_records,
    queues,
    reading,
    settings,
    shards,
    streams,
    subscriptions,
    tags,
    writing,
)
from tule.services.kinesis.resources import RESOURCE_TYPES

_RECORDED = (
    "CreateStream ListShards PutRecord PutRecords GetShardIterator GetRecords SubscribeToShard PutResourcePolicy GetResourcePolicy"
    " DeleteResourcePolicy"
)


async def _reset(node: Node) -> None:
    throughput.forget(node)
    remembered.forget(node)


SERVICE = Service(
    "kinesis",
    operations=operations_in(streams, settings, shards, writing, reading, consumers, subscriptions, tags, policies, accounts, queues, queue_records),
    needs=access.NEEDS,
    remembered_needs=access.REMEMBERED_NEEDS,
    start=trimming.start,
    counted=metrics.counted,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
    recorded=frozenset(_RECORDED.split()),
)
