"""What a pipe can read: queues and streams, with their parameters and defaults.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-source.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tule.core import arn as arns
from tule.core.errors import not_implemented
from tule.lang import event_patterns
from tule.pollers.contract import Source
from tule.pollers.filters import NOTHING_FILTERED, Filter, Filters
from tule.pollers.filters import Kind as PayloadKind
from tule.services.pipes import errors
from tule.services.pipes.names import PipeRef
from tule.services.pipes.state import Document

Settings = Mapping[str, Any]


@dataclass(slots=True, frozen=True)
class Kind:
    """`block` is the member of SourceParameters that is for it, `payload` the record's member that filters may look into."""

    block: str
    defaults: Mapping[str, Any]
    payload: str = ""
    is_stream: bool = False


_STREAM = {"BatchSize": 100, "MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": -1, "ParallelizationFactor": 1}
KINDS = {
    "sqs": Kind("SqsQueueParameters", {"BatchSize": 10}, "body"),
    "kinesis": Kind("KinesisStreamParameters", _STREAM, "data", is_stream=True),
    "dynamodb": Kind("DynamoDBStreamParameters", _STREAM, is_stream=True),
}
_UNBUILT = {"kafka": "Amazon MSK", "mq": "Amazon MQ"}
_BLOCKS = {
    **{kind.block: service for service, kind in KINDS.items()},
    "ManagedStreamingKafkaParameters": "kafka",
    "ActiveMQBrokerParameters": "mq",
    "RabbitMQBrokerParameters": "mq",
    "SelfManagedKafkaParameters": "smk",
}
FIXED = ("StartingPosition", "StartingPositionTimestamp")
"""What an update cannot change."""


def kind_of(source: str) -> Kind:
    """Raises ValidationException for what no pipe reads, and NotImplemented for what is not built."""
    if not arns.is_arn(source):
        raise not_implemented("pipes", "sources of self-managed Apache Kafka")
    service = arns.parse(source).service
    if service in _UNBUILT:
        raise not_implemented("pipes", f"sources of {_UNBUILT[service]}")
    if service not in KINDS:
        raise errors.invalid_field("Source", "Invalid pipe source.")
    return KINDS[service]


def check(settings: Settings, region: str) -> None:
    """Raises ValidationException."""
    kind = kind_of(settings["Source"])
    source, given = arns.parse(settings["Source"]), settings.get("SourceParameters", {})
    if source.region != region:
        raise errors.invalid_field("Source", "Creating cross-region pipe is not permitted.")
    for block, service in _BLOCKS.items():
        if block in given and service != source.service:
            raise errors.invalid_field(f"SourceParameters.{block}", "Invalid source parameter provided for source.")
    if kind.is_stream and kind.block not in given:
        raise errors.invalid_field(f"SourceParameters.{kind.block}", "Missing required parameter.")
    if given.get(kind.block, {}).get("StartingPosition") == "AT_TIMESTAMP" and "StartingPositionTimestamp" not in given[kind.block]:
        raise errors.invalid_field(f"SourceParameters.{kind.block}.StartingPositionTimestamp", "Missing required parameter.")
    filters_of(kind, settings)


def parameters(settings: Settings) -> dict[str, Any]:
    """Those of the source's kind, with what holds where nothing is said."""
    kind = kind_of(settings["Source"])
    return {**kind.defaults, **settings.get("SourceParameters", {}).get(kind.block, {})}


def shown(settings: Settings) -> dict[str, Any]:
    """SourceParameters as DescribePipe shows them."""
    return {**settings.get("SourceParameters", {}), kind_of(settings["Source"]).block: parameters(settings)}


def filters_of(kind: Kind, settings: Settings) -> Filters:
    """Raises ValidationException."""
    criteria = settings.get("SourceParameters", {}).get("FilterCriteria", {})
    texts = tuple(found["Pattern"] for found in criteria.get("Filters", []) if found.get("Pattern"))
    return Filters(texts, tuple(_filter(kind, text) for text in texts)) if texts else NOTHING_FILTERED


def _filter(kind: Kind, text: str) -> Filter:
    try:
        pattern = event_patterns.compile(text)
    except event_patterns.InvalidPattern as error:
        raise errors.invalid_field("SourceParameters.FilterCriteria.Filters", f"Invalid Event Pattern. Reason: {error}") from error
    return Filter(pattern, _payload_kind(orjson.loads(text), kind.payload) if kind.payload else "none")


def _payload_kind(written: Mapping[str, Any], payload: str) -> PayloadKind:
    """Whether a pattern looks at the payload, and for what it takes it."""
    if payload in written:
        return "object" if isinstance(written[payload], dict) else "text"
    for inner in written.get("$or", []):
        kind = _payload_kind(inner, payload)
        if kind != "none":
            return kind
    return "none"


def source_of(ref: PipeRef, pipe: Document, max_batch: int | None) -> Source:
    """What the pipe's poller is to read; a batch is not larger than what the pipe's stations take."""
    settings = pipe["settings"]
    kind, given = kind_of(settings["Source"]), parameters(settings)
    position, age_s = given.get("StartingPosition", "TRIM_HORIZON"), given.get("MaximumRecordAgeInSeconds", -1)
    return Source(
        arn=settings["Source"],
        reader=ref.arn,
        account=ref.account,
        region=ref.region,
        batch_size=given["BatchSize"] if max_batch is None else min(given["BatchSize"], max_batch),
        window_ms=given.get("MaximumBatchingWindowInSeconds", 0) * 1000,
        filters=filters_of(kind, settings),
        revision=pipe["revision"],
        described=pipe,
        position=position,
        since_ms=round(given["StartingPositionTimestamp"] * 1000) if position == "AT_TIMESTAMP" else pipe["created_ms"],
        lanes=given.get("ParallelizationFactor", 1),
        bisect=given.get("OnPartialBatchItemFailure") == "AUTOMATIC_BISECT",
        max_retries=given.get("MaximumRetryAttempts", -1),
        max_age_ms=age_s if age_s < 0 else age_s * 1000,
    )


def event_of(event: dict[str, Any]) -> dict[str, Any]:
    """A record as pipes show it: that of Kinesis has its data beside the rest."""
    inner = event.get("kinesis")
    if not isinstance(inner, dict):
        return event
    return {**inner, **{name: value for name, value in event.items() if name != "kinesis"}}


def id_of(event: Any) -> str | None:
    """By what an answer may name an event, as far as it still says so."""
    if not isinstance(event, Mapping):
        return None
    found = event.get("messageId") or event.get("eventID")
    return found if isinstance(found, str) else None
