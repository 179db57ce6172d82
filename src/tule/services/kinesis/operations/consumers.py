"""Consumers with a throughput of their own.  AWS: Kinesis Data Streams API reference, RegisterStreamConsumer."""

from __future__ import annotations

from typing import Any

from tule.core.paging import InvalidToken, page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.kinesis import errors, lookup, names
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state import consumers, queues
from tule.services.kinesis.state.consumers import Consumer
from tule.store.store import Tx

Params = dict[str, Any]

MAX_CONSUMERS = 20
MAX_LISTED = 100
TOKEN_MS = 300_000
_SCOPE = "kinesis.consumers"


def register_stream_consumer(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    tags = params.get("Tags") or {}
    lookup.check_tags(call, tags, tags, stream.ref.name, stream.ref.account)
    if consumers.count(tx, stream) + queues.count(tx, stream) >= MAX_CONSUMERS:
        raise errors.limit_exceeded(f"Stream {stream.ref.arn} can not have more than {MAX_CONSUMERS} registered consumers.")
    consumer = consumers.create(tx, stream, params["ConsumerName"], tags)
    if consumer is None:
        raise errors.in_use(f"Consumer {params['ConsumerName']} under stream {stream.ref.arn} already exists for account {stream.ref.account}.")
    return {"Consumer": {**consumer.shown(), "ConsumerStatus": "CREATING"}}


def deregister_stream_consumer(call: Call, tx: Tx, params: Params) -> None:
    consumer = named(tx, params)
    consumers.delete(tx, consumer)
    tx.wake(consumer.ref.arn)  # its subscriptions end


@reads
def describe_stream_consumer(call: Call, tx: Tx, params: Params) -> Params:
    consumer = named(tx, params)
    return {"ConsumerDescription": {**consumer.shown(), "StreamARN": consumer.ref.arn}}


@reads
def list_stream_consumers(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    limit = params.get("MaxResults", MAX_LISTED)
    found, last = page(consumers.page(tx, stream, _after(call, stream.ref, params), limit + 1), limit, lambda consumer: consumer.name)
    answer: Params = {"Consumers": [consumer.shown() for consumer in found]}
    if last is not None:
        answer["NextToken"] = call.node.pager.token(_SCOPE, [*stream.ref, last, call.now_ms])
    return answer


def _after(call: Call, ref: StreamRef, params: Params) -> str:
    """Raises InvalidArgumentException, ExpiredNextTokenException."""
    if "NextToken" not in params:
        return ""
    try:
        *token_ref, last, made_ms = call.node.pager.position(_SCOPE, params["NextToken"])
    except InvalidToken as error:
        raise errors.invalid_argument("NextToken is invalid.") from error
    if tuple(token_ref) != tuple(ref):
        raise errors.invalid_argument("NextToken is invalid.")
    if call.now_ms - made_ms > TOKEN_MS:
        raise errors.expired_token()
    return last


def named(tx: Tx, params: Params) -> Consumer:
    """By ConsumerARN, or by StreamARN and ConsumerName.  Raises ResourceNotFoundException, InvalidArgumentException."""
    arn = params.get("ConsumerARN")
    if arn is not None:
        ref = names.of_consumer_arn(arn)
        consumer = consumers.find(tx, lookup.stream_at(tx, ref.stream), ref.name)
        if consumer is None or consumer.arn != arn:
            raise errors.no_consumer(arn, ref.stream.account)
        return consumer
    if "StreamARN" not in params or "ConsumerName" not in params:
        raise errors.invalid_argument("Either ConsumerARN or both StreamARN and ConsumerName must be provided.")
    stream = lookup.stream_at(tx, names.of_stream_arn(params["StreamARN"]))
    consumer = consumers.find(tx, stream, params["ConsumerName"])
    if consumer is None:
        raise errors.no_consumer(params["ConsumerName"], stream.ref.account)
    return consumer
