"""What PutTargets refuses.  AWS: EventBridge API reference, PutTargets and Target."""

from __future__ import annotations

import orjson

from tule.core import arn as arns
from tule.lang import event_paths, input_templates
from tule.lang.event_paths import InvalidPath
from tule.lang.input_templates import InvalidTemplate
from tule.services.events import errors
from tule.services.events.state import Record

_INPUTS = ("Input", "InputPath", "InputTransformer")
_NEEDS_ROLE = ("kinesis", "firehose", "states", "ecs", "batch", "codebuild", "codepipeline", "redshift", "redshift-serverless", "ssm", "sagemaker")
_NEEDS_PARAMETERS = {("ecs", "cluster"): "EcsParameters", ("batch", "job-queue"): "BatchParameters", ("ssm", "document"): "RunCommandParameters"}


def check(target: Record) -> None:
    """Raises ValidationException."""
    id = target["Id"]
    if sum(member in target for member in _INPUTS) > 1:
        raise errors.validation(f"Only one of Input, InputPath, or InputTransformer must be provided for target {id}.")
    _check_arn(target, id)
    if "Input" in target:
        _check_json(target["Input"], id)
    if "InputPath" in target:
        _check_path("InputPath", target["InputPath"], id)
    if "InputTransformer" in target:
        _check_transformer(target["InputTransformer"], id)
    dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
    if dead_letters is not None and (not arns.is_arn(dead_letters) or arns.parse(dead_letters).service != "sqs"):
        raise errors.invalid_parameter("DeadLetterConfig.Arn", "Provided Arn is not an SQS queue.")


def _check_arn(target: Record, id: str) -> None:
    arn = target["Arn"]
    try:
        parsed = arns.parse(arn)
    except ValueError as error:
        raise errors.invalid_parameter("Arn", "Provided Arn is not in correct format.") from error
    needed = _NEEDS_PARAMETERS.get((parsed.service, parsed.resource_type))
    if needed is not None and needed not in target:
        raise errors.validation(f"Parameter(s) {needed} must be specified for target: {id}.")
    if parsed.service == "sqs" and parsed.resource.endswith(".fifo") and "SqsParameters" not in target:
        raise errors.validation(f"Parameter(s) SqsParameters must be specified for target: {id}.")
    if "RoleArn" not in target and (parsed.service in _NEEDS_ROLE or parsed.resource_type == "api-destination"):
        raise errors.validation(f"RoleArn is required for target {arn}.")


def _check_json(text: str, id: str) -> None:
    try:
        orjson.loads(text)
    except ValueError as error:
        raise errors.validation(f"JSON syntax error in input for target {id} : {error}.") from error


def _check_path(member: str, path: str, id: str) -> None:
    try:
        event_paths.parse(path)
    except InvalidPath as error:
        raise errors.validation(f"Invalid {member} for target {id}.") from error


def _check_transformer(transformer: Record, id: str) -> None:
    paths = transformer.get("InputPathsMap", {})
    for name, path in paths.items():
        if name.startswith("AWS"):
            raise errors.validation(f"InputPathsMap keys of target {id} cannot start with AWS.")
        _check_path("InputPathsMap", path, id)
    try:
        input_templates.compile(transformer["InputTemplate"], paths)
    except InvalidTemplate as error:
        raise errors.validation(f"Invalid InputTemplate for target {id} : {error}") from error
