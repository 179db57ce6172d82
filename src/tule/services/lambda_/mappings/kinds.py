"""The kinds of event sources: how one is recognised, what may be said of it, and what holds when nothing is said.

AWS: Lambda API reference, CreateEventSourceMapping; the limits of each source in the Lambda developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tule.core import arn as arns
from tule.core.arn import Arn
from tule.core.errors import not_implemented
from tule.services.lambda_ import errors

_EVERY = frozenset({"BatchSize", "FilterCriteria", "KMSKeyArn", "MaximumBatchingWindowInSeconds", "MetricsConfig"})
_STREAM = _EVERY | {
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FunctionResponseTypes",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "StartingPositionTimestamp",
    "TumblingWindowInSeconds",
}
_STREAM_DEFAULTS: dict[str, Any] = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_QUEUE_DEFAULTS: dict[str, Any] = {"BatchSize": 10, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0}
SETTINGS = _STREAM | {
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "LoggingConfig",
    "ProvisionedPollerConfig",
    "Queues",
    "ScalingConfig",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
}
"""All that can be said of some source."""

_UNBUILT = {"kafka": "Amazon MSK", "mq": "Amazon MQ", "rds": "Amazon DocumentDB"}


@dataclass(slots=True, frozen=True)
class Kind:
    """`reason` is what StateTransitionReason says of a user's action; `payload` the member that filters may look into."""

    name: str
    settings: frozenset[str]
    defaults: Mapping[str, Any]
    reason: str
    payload: str = ""
    is_stream: bool = False
    is_fifo: bool = False
    text_filters: bool = field(default=True)  # whether patterns may take the payload for plain text


def kind_of(params: Mapping[str, Any]) -> Kind:
    """Raises InvalidParameterValueException for what is no event source, and NotImplemented for what is not built."""
    if "SelfManagedEventSource" in params:
        raise not_implemented("lambda", "CreateEventSourceMapping for self-managed Apache Kafka")
    arn = params.get("EventSourceArn", "")
    if not arns.is_arn(arn):
        raise errors.invalid_parameter("Unrecognized event source.")
    source = arns.parse(arn)
    if source.service in _UNBUILT:
        raise not_implemented("lambda", f"CreateEventSourceMapping for {_UNBUILT[source.service]}")
    kind = _kind(source)
    if kind is None:
        raise errors.invalid_parameter("Unrecognized event source.")
    return kind


def _kind(source: Arn) -> Kind | None:
    if source.service == "sqs":
        settings = _EVERY | {"FunctionResponseTypes", "ProvisionedPollerConfig", "ScalingConfig"}
        return Kind("SQS", settings, _QUEUE_DEFAULTS, "USER_INITIATED", "body", is_fifo=source.resource.endswith(".fifo"))
    if source.service == "kinesis" and source.resource_type == "stream":
        return Kind("Kinesis", _STREAM, _STREAM_DEFAULTS, "User action", "data", is_stream=True, text_filters=False)
    if source.service == "dynamodb" and "/stream/" in source.resource:
        return Kind("DynamoDB", _STREAM, _STREAM_DEFAULTS, "User action", is_stream=True)
    return None
