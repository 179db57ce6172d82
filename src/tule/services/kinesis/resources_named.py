"""Streams and consumers alike, for what can be done to either by its ARN: tags and policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tule.services.kinesis import errors, lookup, names
from tule.services.kinesis.state import consumers, streams
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


def _configure_consumer(consumer: consumers.Consumer, tx: Tx, **settings: Any) -> None:
    consumers.configure(tx, consumer, **settings)
