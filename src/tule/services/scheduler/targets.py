"""What a schedule can call: templated targets, named by a resource's ARN, and universal ones, named by an API.

AWS: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html and managing-targets-universal.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core import arn as arns
from tule.core.arn import Arn
from tule.core.errors import ServiceError, not_implemented, validation
from tule.platform import sdk_calls
from tule.wire.models import Models

UNIVERSAL = "aws-sdk"
_TEMPLATED = frozenset(
    ("codebuild", "codepipeline", "ecs", "events", "firehose", "inspector", "kinesis", "lambda", "sagemaker", "sns", "sqs", "states")
)
_PARAMETERS = {
    "EcsParameters": "ecs",
    "EventBridgeParameters": "events",
    "KinesisParameters": "kinesis",
    "SageMakerPipelineParameters": "sagemaker",
    "SqsParameters": "sqs",
}
_NEEDED = {"ecs": "EcsParameters", "events": "EventBridgeParameters", "kinesis": "KinesisParameters"}
_JSON_ONLY = frozenset(("events", "lambda", "states"))
_UNBUILT = ("EventBridgePutEventsV2Parameters", "EventBridgePutRawEventsParameters")
_READ_ONLY = (
    "get describe list poll receive search scan query select read lookup discover validate batchGet batchDescribe batchRead transactGet"
    " adminGet adminList testMigration retrieve testConnection translateDocument isAuthorized invokeModel"
)
_READ_ONLY_PREFIXES = tuple(_READ_ONLY.split())

Target = Mapping[str, Any]


def is_universal(arn: Arn) -> bool:
    return arn.service == "scheduler" and not arn.region and not arn.account and arn.resource_type == UNIVERSAL


def universal(arn: Arn) -> tuple[str, str]:
    """(service, action) of `arn:aws:scheduler:::aws-sdk:sqs:sendMessage`."""
    service, _, action = arn.resource_id.partition(":")
    return service, action


def check(target: Target, region: str, models: Models) -> None:
    """Raises ValidationException for what Scheduler refuses at once."""
    for name in _UNBUILT:
        if name in target:
            raise not_implemented("scheduler", name)
    try:
        arn = arns.parse(target["Arn"])
    except ValueError as error:
        raise validation("Provided Arn is not in correct format.") from error
    if is_universal(arn):
        _check_universal(target, arn, models)
    else:
        _check_templated(target, arn, region)
    _check_dead_letter(target, region)


def _check_universal(target: Target, arn: Arn, models: Models) -> None:
    service, action = universal(arn)
    if action.startswith(_READ_ONLY_PREFIXES):
        raise validation(f"{action} API is not supported.")
    if "Input" not in target:
        raise validation("You must provide an input to set this target for your schedule.")
    for block in _PARAMETERS:
        if block in target:
            raise validation(f"Parameters {block} not supported for the target.")
    request = _json(target["Input"])
    if not isinstance(request, dict):
        raise validation("JSON syntax error in input for the target.")
    try:
        missing, unknown = (look(models, service, action, request) for look in (sdk_calls.missing, sdk_calls.unknown))
    except ServiceError:
        return  # an API of which nothing is known here can be named, and its runs will fail
    if missing:
        raise validation(f"Invalid RequestJson provided. Reason Request payload is missing the following field(s): {', '.join(missing)}.")
    if unknown:
        raise validation(
            f"Invalid RequestJson provided. Reason The field '{unknown[0]}' is not supported by api '{action}' for the service '{service}'."
        )


def _check_templated(target: Target, arn: Arn, region: str) -> None:
    if arn.service not in _TEMPLATED:
        raise validation(f"{arn.service} is not a supported service for a target.")
    if arn.region and arn.region != region:
        raise validation(f"The target ARN provided does not match the current region {region}.")
    for block, service in _PARAMETERS.items():
        if block in target and service != arn.service:
            raise validation(f"Parameters {block} not supported for the target.")
    needed = _NEEDED.get(arn.service)
    if needed and needed not in target:
        raise validation(f"Parameters {needed} must be specified.")
    if arn.service == "sqs":
        _check_queue(target, arn)
    if arn.service == "ecs" and target["EcsParameters"].get("LaunchType") == "FARGATE" and "NetworkConfiguration" not in target["EcsParameters"]:
        raise validation("Parameter NetworkConfiguration must be specified for the target when launch type is FARGATE.")
    if arn.service in _JSON_ONLY and "Input" in target:
        _json(target["Input"])


def _check_queue(target: Target, arn: Arn) -> None:
    grouped = "MessageGroupId" in target.get("SqsParameters", {})
    if arn.resource.endswith(".fifo") and not grouped:
        raise validation("Parameters SqsParameters must be specified.")
    if grouped and not arn.resource.endswith(".fifo"):
        raise validation("Parameters MessageGroupId not valid for the target.")


def _check_dead_letter(target: Target, region: str) -> None:
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue and arns.parse(queue).region != region:
        raise validation(f"The dead-letter queue ARN provided does not match the current region {region}.")


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise validation("JSON syntax error in input for the target.") from error


def settings(target: Target) -> dict[str, Any]:
    """What the target needs besides its text, by the names that `platform.targets` knows."""
    bus = target.get("EventBridgeParameters", {})
    found = {**target.get("SqsParameters", {}), **target.get("KinesisParameters", {})}
    return {**found, **{name: bus[name] for name in ("Source", "DetailType") if name in bus}}
