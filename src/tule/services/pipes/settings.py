"""A pipe's settings: what may be asked for, and what an update leaves as it was.  AWS: EventBridge Pipes API reference, CreatePipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core import arn as arns
from tule.services.pipes import errors, sources, templates

MEMBERS = (
    "Description",
    "Source",
    "SourceParameters",
    "Enrichment",
    "EnrichmentParameters",
    "Target",
    "TargetParameters",
    "RoleArn",
    "LogConfiguration",
    "KmsKeyIdentifier",
)
_TARGET_BLOCKS = {
    "LambdaFunctionParameters": ("lambda",),
    "StepFunctionStateMachineParameters": ("states",),
    "KinesisStreamParameters": ("kinesis",),
    "EcsTaskParameters": ("ecs",),
    "BatchJobParameters": ("batch",),
    "SqsQueueParameters": ("sqs",),
    "EventBridgeEventBusParameters": ("events",),
    "HttpParameters": ("events", "execute-api"),
    "RedshiftDataParameters": ("redshift", "redshift-serverless"),
    "SageMakerPipelineParameters": ("sagemaker",),
    "CloudWatchLogsParameters": ("logs",),
    "TimestreamParameters": ("timestream",),
}
_TARGETS = frozenset(service for services in _TARGET_BLOCKS.values() for service in services) | {"sns", "firehose", "inspector"}
_NEEDED = {"kinesis": "KinesisStreamParameters", "ecs": "EcsTaskParameters", "batch": "BatchJobParameters", "timestream": "TimestreamParameters"}
_ENRICHMENTS = ("lambda", "states", "execute-api", "events")
_HTTP = "http"
_MAX_BATCH = {"sqs": 10, "sns": 10, "events": 10, "kinesis": 500, "firehose": 500, "logs": 10_000, _HTTP: 1}
_LOG_DESTINATIONS = ("CloudwatchLogsLogDestination", "FirehoseLogDestination", "S3LogDestination")

Settings = dict[str, Any]


def created(params: Mapping[str, Any]) -> Settings:
    return {name: params[name] for name in MEMBERS if params.get(name) not in (None, "")}


def updated(before: Settings, params: Mapping[str, Any]) -> Settings:
    """What is not said stays; a block of parameters is replaced as one.  An empty enrichment or key takes it away."""
    after = dict(before)
    for name in MEMBERS:
        if name not in params:
            continue
        if params[name] == "":
            after.pop(name, None)
        elif name == "SourceParameters":
            after[name] = _source_parameters(before, params[name])
        else:
            after[name] = params[name]
    return after


def _source_parameters(before: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Where reading of a stream began cannot be changed."""
    there = before.get("SourceParameters", {})
    after = {**there, **given}
    block = sources.kind_of(before["Source"]).block
    if block in given:
        after[block] = {**{name: there[block][name] for name in sources.FIXED if name in there.get(block, {})}, **given[block]}
    return after


def check(settings: Settings, account: str, region: str) -> None:
    """Raises ValidationException, and AccessDeniedException for another account's role."""
    if arns.parse(settings["RoleArn"]).account != account:
        raise errors.role_of_another_account()
    sources.check(settings, region)
    _check_enrichment(settings, region)
    _check_target(settings, region)
    _check_logging(settings.get("LogConfiguration", {}))
    for member in ("EnrichmentParameters", "TargetParameters"):
        unknown = templates.unknown_variable(settings.get(member, {}).get("InputTemplate", ""))
        if unknown is not None:
            message = f"Invalid json path reference or predefined variable for placeholder: {unknown}"
            raise errors.invalid_field(f"{member}.InputTemplate", message)


def _check_enrichment(settings: Settings, region: str) -> None:
    if "Enrichment" not in settings:
        return
    enrichment = arns.parse(settings["Enrichment"])
    if enrichment.service not in _ENRICHMENTS or (enrichment.service == "events" and enrichment.resource_type != "api-destination"):
        raise errors.invalid_field("Enrichment", "Invalid pipe enrichment.")
    if enrichment.region != region:
        raise errors.invalid_field("Enrichment", "Creating cross-region pipe is not permitted.")


def _check_target(settings: Settings, region: str) -> None:
    target, given = arns.parse(settings["Target"]), settings.get("TargetParameters", {})
    if target.service not in _TARGETS:
        raise errors.invalid_field("Target", "Invalid pipe target.")
    if target.region != region:
        raise errors.invalid_field("Target", "Creating cross-region pipe is not permitted.")
    for block, services in _TARGET_BLOCKS.items():
        if block in given and target.service not in services:
            raise errors.invalid_field(f"TargetParameters.{block}", "Invalid target parameter provided for target.")
    needed = _NEEDED.get(target.service)
    if needed is not None and needed not in given:
        raise errors.invalid_field(f"TargetParameters.{needed}", "Missing required parameter.")
    if target.service == "sns" and target.resource.endswith(".fifo"):
        raise errors.invalid_field("Target", "SNS FIFO topics are not supported as a pipe target.")
    _check_batch_size(settings)


def max_batch(settings: Settings) -> int | None:
    """How many events the enrichment and the target take at once, where that is limited."""
    stations = [settings["Target"], *([settings["Enrichment"]] if "Enrichment" in settings else [])]
    limits = [_MAX_BATCH[service] for arn in stations if (service := _service(arn)) in _MAX_BATCH]
    return min(limits, default=None)


def _service(arn: str) -> str:
    parsed = arns.parse(arn)
    return _HTTP if parsed.service == "execute-api" or parsed.resource_type == "api-destination" else parsed.service


def _check_batch_size(settings: Settings) -> None:
    block = sources.kind_of(settings["Source"]).block
    size, most = settings.get("SourceParameters", {}).get(block, {}).get("BatchSize", 1), max_batch(settings)
    if most is not None and size > most:
        message = f"The configured batch size {size} is greater than the max supported batch size {most} for the target."
        raise errors.invalid_field(f"SourceParameters.{block}.BatchSize", message)


def _check_logging(logging: Mapping[str, Any]) -> None:
    if logging.get("Level", "OFF") != "OFF" and not any(name in logging for name in _LOG_DESTINATIONS):
        raise errors.invalid_field("LogConfiguration", "Must provide at least 1 log destination in LogConfiguration.")
    bucket = logging.get("S3LogDestination")
    if bucket is not None and bucket.get("OutputFormat", "json") != "json":
        message = "w3c and plain output formats are not supported by Pipes."
        raise errors.invalid_field("LogConfiguration.S3LogDestination.OutputFormat", message)
