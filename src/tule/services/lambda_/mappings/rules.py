"""What may be asked of a mapping, and what it is made of.  AWS: Lambda API reference, CreateEventSourceMapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core import arn as arns
from tule.services.lambda_ import errors
from tule.services.lambda_.mappings.filter_criteria import filters_of
from tule.services.lambda_.mappings.kinds import SETTINGS, Kind

MAX_FIFO_BATCH = 10
MAX_BATCH_WITHOUT_WINDOW = 10
MIN_AGE_S = 60
MIN_QUEUE_POLLERS = 2
QUEUE_POLLERS = {"MinimumPollers": 2, "MaximumPollers": 200}
DESTINATIONS = ("sqs", "sns", "s3")

Params = dict[str, Any]


def check(kind: Kind, params: Mapping[str, Any], shown: Mapping[str, Any], now_ms: int) -> None:
    """`params` are what was asked for, `shown` what would come of it.  Raises InvalidParameterValueException."""
    _check_settings(kind, params)
    for metric in shown.get("MetricsConfig", {}).get("Metrics", ()):
        if metric != "EventCount":
            raise errors.invalid_parameter(f"The metric {metric} is not supported for {kind.name} event sources.")
    if kind.is_stream:
        _check_stream(kind, shown)
        _check_since(params, now_ms)
    else:
        _check_queue(kind, shown)
    filters_of(kind, shown.get("FilterCriteria"))


def _check_settings(kind: Kind, params: Mapping[str, Any]) -> None:
    for name in sorted(SETTINGS & params.keys()):
        if name in kind.settings or params[name] in ({}, []):
            continue
        if name in ("StartingPosition", "StartingPositionTimestamp"):
            raise errors.invalid_parameter(f"{name} is not valid for {kind.name} event sources.")
        raise errors.invalid_parameter(f"Unsupported {name} parameter for given event source mapping type.")


def _check_queue(kind: Kind, shown: Mapping[str, Any]) -> None:
    size, window_s = shown["BatchSize"], shown["MaximumBatchingWindowInSeconds"]
    if kind.is_fifo and window_s:
        raise errors.invalid_parameter("Batching window is not supported for FIFO queues")
    if kind.is_fifo and size > MAX_FIFO_BATCH:
        raise errors.invalid_parameter(f"Maximum batch size must be between 1 and {MAX_FIFO_BATCH} inclusive")
    if size > MAX_BATCH_WITHOUT_WINDOW and not window_s:
        raise errors.invalid_parameter(
            f"Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than {MAX_BATCH_WITHOUT_WINDOW}"
        )
    if "ScalingConfig" in shown and "ProvisionedPollerConfig" in shown:
        raise errors.invalid_parameter("ScalingConfig and ProvisionedPollerConfig cannot be used together.")
    if "ProvisionedPollerConfig" in shown:
        _check_pollers(shown["ProvisionedPollerConfig"])


def _check_pollers(config: Mapping[str, Any]) -> None:
    least, most = config["MinimumPollers"], config["MaximumPollers"]
    if "PollerGroupName" in config:
        raise errors.invalid_parameter("PollerGroupName is not valid for SQS event sources.")
    if least < MIN_QUEUE_POLLERS:
        raise errors.invalid_parameter(f"MinimumPollers must be greater than or equal to {MIN_QUEUE_POLLERS} for SQS event sources.")
    if least > most:
        raise errors.invalid_parameter("MinimumPollers must be less than or equal to MaximumPollers.")


def _check_since(params: Mapping[str, Any], now_ms: int) -> None:
    if params.get("StartingPositionTimestamp", 0) * 1000 > now_ms:
        raise errors.invalid_parameter("StartingPositionTimestamp cannot be in the future.")


def _check_stream(kind: Kind, shown: Mapping[str, Any]) -> None:
    position = shown.get("StartingPosition")
    if position is None:
        raise errors.invalid_parameter(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
        )
    if position == "AT_TIMESTAMP" and kind.name != "Kinesis":
        raise errors.invalid_parameter(f"Unsupported starting position for arn type: {shown['EventSourceArn']}")
    if position == "AT_TIMESTAMP" and "StartingPositionTimestamp" not in shown:
        raise errors.invalid_parameter("StartingPositionTimestamp must be specified if StartingPosition is AT_TIMESTAMP.")
    if position != "AT_TIMESTAMP" and "StartingPositionTimestamp" in shown:
        raise errors.invalid_parameter("StartingPositionTimestamp can only be specified if StartingPosition is AT_TIMESTAMP.")
    age_s = shown["MaximumRecordAgeInSeconds"]
    if age_s != -1 and age_s < MIN_AGE_S:
        raise errors.invalid_parameter(f"MaximumRecordAgeInSeconds must be -1 or at least {MIN_AGE_S}.")
    _check_destinations(shown["DestinationConfig"])


def _check_destinations(config: Mapping[str, Any]) -> None:
    if config.get("OnSuccess", {}).get("Destination"):
        raise errors.invalid_parameter("Unsupported DestinationConfig parameter for given event source mapping type.")
    target = config.get("OnFailure", {}).get("Destination", "")
    if target and (not arns.is_arn(target) or arns.parse(target).service not in DESTINATIONS):
        raise errors.invalid_parameter(f"The destination ARN {target} is invalid.")


def shown_of(kind: Kind, params: Mapping[str, Any], before: Mapping[str, Any]) -> Params:
    """The settings of a mapping: those asked for, over those it has, over the defaults.  Empty ones are taken back."""
    shown = dict(kind.defaults) | {name: before[name] for name in kind.settings if name in before}
    for name in kind.settings & params.keys():
        value = params[name]
        if name == "DestinationConfig":
            shown[name] = {"OnFailure": dict(value.get("OnFailure", {})), **({"OnSuccess": value["OnSuccess"]} if "OnSuccess" in value else {})}
        elif name == "ProvisionedPollerConfig" and value:
            shown[name] = {**QUEUE_POLLERS, **value}
        elif value in ({}, "") or (name == "FilterCriteria" and not value.get("Filters")):
            shown.pop(name, None)
        else:
            shown[name] = value
    return shown
