"""Amazon Kinesis Data Streams.

AWS: https://docs.aws.amazon.com/kinesis/latest/APIReference/

Known to differ: streams, consumers and queues are ACTIVE at once, and shards are split, merged and deleted at once, so that
CREATING, UPDATING and DELETING are never seen; streams in ON_DEMAND mode keep the shards they have; SubscribeToShard speaks
HTTP/1.1; the limits of throughput hold in strict mode, or where `throttling` is `on`; KMS keys are kept and shown, and encrypt
nothing.  Not built yet, and answered 501: channels.
"""

from __future__ import annotations

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.kinesis import access, throughput, trimming
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
from tule.services.kinesis.state.schema import SCHEMA

_RECORDED = (
    "CreateStream ListShards PutRecord PutRecords GetShardIterator GetRecords SubscribeToShard PutResourcePolicy GetResourcePolicy"
    " DeleteResourcePolicy"
)


async def _reset(node: Node) -> None:
    throughput.forget(node)


SERVICE = Service(
    "kinesis",
    operations=operations_in(streams, settings, shards, writing, reading, consumers, subscriptions, tags, policies, accounts, queues, queue_records),
    needs=access.NEEDS,
    schema=SCHEMA,
    start=trimming.start,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
    recorded=frozenset(_RECORDED.split()),
)
