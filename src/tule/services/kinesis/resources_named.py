"""Streams, consumers and queues alike, for what can be done to either by its ARN: tags and policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tule.services.kinesis import errors, lookup, names
from tule.services.kinesis.state import consumers, queues, streams
from tule.store.store import Tx


@dataclass(slots=True, frozen=True)
class Named:
    """`configure(tx, tags=...)` changes its settings."""

    name: str
    account: str
    config: dict[str, Any]
    configure: Callable[..., object]


def find(tx: Tx, arn: str) -> Named:
    """Raises ResourceNotFoundException, InvalidArgumentException."""
    if names.is_queue_arn(arn):
        queue_ref = names.of_queue_arn(arn)
        queue = queues.find(tx, queue_ref)
        if queue is None:
            raise errors.no_queue(queue_ref.name, queue_ref.account)
        return Named(queue.ref.name, queue.ref.account, queue.config, partial(_configure_queue, queue))
    if not names.is_consumer_arn(arn):
        stream = lookup.stream_at(tx, names.of_stream_arn(arn))
        return Named(stream.ref.name, stream.ref.account, stream.config, partial(_configure_stream, stream))
    ref = names.of_consumer_arn(arn)
    consumer = consumers.find(tx, lookup.stream_at(tx, ref.stream), ref.name)
    if consumer is None or consumer.arn != arn:
        raise errors.no_consumer(arn, ref.stream.account)
    return Named(consumer.name, ref.stream.account, consumer.config, partial(_configure_consumer, consumer))


def _configure_stream(stream: streams.Stream, tx: Tx, **settings: Any) -> None:
    streams.configure(tx, stream, **settings)


def _configure_queue(queue: queues.Queue, tx: Tx, **settings: Any) -> None:
    queues.configure(tx, queue, **settings)


def _configure_consumer(consumer: consumers.Consumer, tx: Tx, **settings: Any) -> None:
    consumers.configure(tx, consumer, **settings)
