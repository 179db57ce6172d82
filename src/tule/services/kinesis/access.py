"""Who may do what with streams and consumers.  AWS: Service authorization reference, Kinesis Data Streams.

An operation on a stream needs its permission on the stream's ARN; the stream's resource policy counts as well, and so lets
other accounts in.  Operations on a consumer need it on the consumer's, with the consumer's policy.  GetRecords asks for the
stream of its iterator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from tule.access.actions import tags_in_request
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Need, Needs, RememberedNeeds
from tule.services.kinesis import iterators, names, remembered
from tule.services.kinesis.names import QueueRef, StreamRef
from tule.services.kinesis.state import consumers, queues, streams
from tule.services.kinesis.state.consumers import Consumer
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

Params = dict[str, Any]

_ON_STREAM = (
    "AddTagsToStream",
    "CreateStream",
    "DecreaseStreamRetentionPeriod",
    "DeleteStream",
    "DescribeStream",
    "DescribeStreamSummary",
    "DisableEnhancedMonitoring",
    "EnableEnhancedMonitoring",
    "GetShardIterator",
    "IncreaseStreamRetentionPeriod",
    "ListShards",
    "ListStreamConsumers",
    "ListTagsForStream",
    "MergeShards",
    "RegisterStreamConsumer",
    "RemoveTagsFromStream",
    "SplitShard",
    "StartStreamEncryption",
    "StopStreamEncryption",
    "UpdateMaxRecordSize",
    "UpdateShardCount",
    "UpdateStreamMode",
    "UpdateStreamRecordDistributionStrategy",
    "UpdateStreamWarmThroughput",
)
_ON_CONSUMER = ("DeregisterStreamConsumer", "DescribeStreamConsumer", "SubscribeToShard")
_ON_RESOURCE = ("DeleteResourcePolicy", "GetResourcePolicy", "ListTagsForResource", "PutResourcePolicy", "TagResource", "UntagResource")
_ON_QUEUE = (
    "AcknowledgeDeadLetterQueueRecords",
    "AcknowledgeQueueRecords",
    "DeleteQueue",
    "DescribeQueue",
    "ReceiveDeadLetterQueueRecords",
    "ReceiveQueueRecords",
    "RestoreDeadLetterQueueRecords",
    "UpdateDeadLetterQueueRecordsVisibility",
    "UpdateQueue",
    "UpdateQueueRecordsVisibility",
)
_ANYWHERE = ("DescribeAccountSettings", "DescribeLimits", "ListQueues", "ListStreams", "UpdateAccountSettings")


def _on_stream(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    if action == "kinesis:ListShards" and "NextToken" in params:
        return [Need(action)]
    try:
        ref = names.stream_ref(call, params)
    except ServiceError:
        return [Need(action)]  # the operation says what is wrong
    return [_need(action, ref, streams.find(tx, ref), params)]


async def _puts(action: str, call: Call, params: Params) -> Sequence[Need]:
    """As `_on_stream`.  The account's own root, whom nothing but a resource policy could refuse, is not looked into further."""
    try:
        ref = names.stream_ref(call, params)
    except ServiceError:
        return [Need(action)]  # the operation says what is wrong
    stream = await remembered.stream(call.node, ref)
    principal = call.principal
    if principal.kind == "root" and principal.account == ref.account and (stream is None or "policy" not in stream.config):
        return ()
    return [_need(action, ref, stream, params)]


def _need(action: str, ref: StreamRef, stream: Stream | None, params: Params) -> Need:
    config: Mapping[str, Any] = {} if stream is None else stream.config
    return Need(action, ref.arn, _context(config, params), _policy(config), owner=ref.account)


def _get_records(call: Call, tx: Tx, params: Params) -> list[Need]:
    try:
        position = iterators.position(call.node.pager, params["ShardIterator"], call.now_ms)
    except ServiceError:
        return []  # nothing can be read with it
    stream = streams.by_id(tx, position.stream)
    return [] if stream is None else [_need("kinesis:GetRecords", stream.ref, stream, params)]


def _on_consumer(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    if "ConsumerARN" in params:
        return [_consumer_need(action, tx, params["ConsumerARN"], params)]
    if "StreamARN" not in params or "ConsumerName" not in params:
        return [Need(action)]
    ref = names.of_stream_arn(params["StreamARN"])
    stream = streams.find(tx, ref)
    consumer = None if stream is None else consumers.find(tx, stream, params["ConsumerName"])
    arn = names.consumer_arn(ref, params["ConsumerName"], 0) if consumer is None else consumer.arn
    return [_consumer_need(action, tx, arn, params)]


def _consumer_need(action: str, tx: Tx, arn: str, params: Params) -> Need:
    ref = names.of_consumer_arn(arn)
    stream = streams.find(tx, ref.stream)
    consumer: Consumer | None = None if stream is None else consumers.find(tx, stream, ref.name)
    config: Mapping[str, Any] = {} if consumer is None else consumer.config
    return Need(action, arn, _context(config, params), _policy(config), owner=ref.stream.account)


def _on_queue(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    return [_queue_need(action, tx, params["QueueARN"], params)]


def _queue_need(action: str, tx: Tx, arn: str, params: Params) -> Need:
    ref = names.of_queue_arn(arn)
    queue = queues.find(tx, ref)
    config: Mapping[str, Any] = {} if queue is None else queue.config
    return Need(action, ref.arn, _context(config, params), _policy(config), owner=ref.account)


def _create_queue(call: Call, tx: Tx, params: Params) -> list[Need]:
    """On the queue, and on the streams that it delivers from."""
    ref = QueueRef(call.account, call.region, params["QueueName"])
    sources = [names.of_stream_arn(entry["StreamARN"]) for entry in params["StreamConfigurationList"]]
    on_streams = [_need("kinesis:CreateQueue", source, streams.find(tx, source), params) for source in sources]
    return [Need("kinesis:CreateQueue", ref.arn, _context({}, params)), *on_streams]


def _on_resource(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    arn = params["ResourceARN"]
    if names.is_queue_arn(arn):
        return [_queue_need(action, tx, arn, params)]
    if names.is_consumer_arn(arn):
        return [_consumer_need(action, tx, arn, params)]
    ref = names.of_stream_arn(arn)
    return [_need(action, ref, streams.find(tx, ref), params)]


def _anywhere(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    return [Need(action)]


def _policy(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    text = config.get("policy")
    return None if text is None else orjson.loads(text)


def _context(config: Mapping[str, Any], params: Params) -> Mapping[str, Any]:
    tags: Mapping[str, str] = config.get("tags") or {}
    if not tags and "Tags" not in params and "TagKeys" not in params:
        return {}
    return {**{f"aws:ResourceTag/{key}": value for key, value in tags.items()}, **tags_in_request(params)}


def _needs() -> dict[str, Needs]:
    needs: dict[str, Needs] = {"GetRecords": _get_records, "CreateQueue": _create_queue}
    kinds: tuple[tuple[tuple[str, ...], Callable[[str, Call, Tx, Params], list[Need]]], ...] = (
        (_ON_STREAM, _on_stream),
        (_ON_CONSUMER, _on_consumer),
        (_ON_QUEUE, _on_queue),
        (_ON_RESOURCE, _on_resource),
        (_ANYWHERE, _anywhere),
    )
    for operations, need in kinds:
        for operation in operations:
            needs[operation] = partial(need, f"kinesis:{operation}")
    return needs


NEEDS = _needs()
REMEMBERED_NEEDS: Mapping[str, RememberedNeeds] = {name: partial(_puts, f"kinesis:{name}") for name in ("PutRecord", "PutRecords")}
