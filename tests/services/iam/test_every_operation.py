"""No operation falls over: each of IAM and STS, with parameters made of its model and nothing there to work on, answers as a client's fault."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from tests.node import Account
from tule.services import iam, sts

OPERATIONS = [(service.name, operation) for service in (iam.ROOM.load(), sts.ROOM.load()) for operation in sorted(service.operations)]
FULL = ("required", "all")


def _value(shape: Shape, *, everything: bool) -> Any:
    if isinstance(shape, StructureShape):
        wanted = shape.members if everything else {name: shape.members[name] for name in shape.required_members}
        return {name: _value(member, everything=everything) for name, member in wanted.items()}
    if isinstance(shape, ListShape):
        return [_value(shape.member, everything=everything)]
    if isinstance(shape, MapShape):
        return {}
    if shape.metadata.get("enum"):
        return shape.metadata["enum"][0]
    match shape.type_name:
        case "string":
            return _text(shape)
        case "integer" | "long":
            return shape.metadata.get("min", 1)
        case "boolean":
            return True
        case "blob":
            return b"x"
        case _:
            return 0


def _text(shape: Shape) -> str:
    name = shape.name.lower()
    if "path" in name:
        return "/x/"
    if "arn" in name:
        return "arn:aws:iam::123456789012:role/nobody"
    if "document" in name:
        return '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    digits = shape.metadata.get("pattern", "").startswith("[\\d]")
    return ("1" if digits else "x") * max(shape.metadata.get("min", 1), 2)


@pytest.mark.parametrize("members", FULL)
@pytest.mark.parametrize(("service", "operation"), OPERATIONS, ids=[operation for _, operation in OPERATIONS])
def test_an_operation_answers_or_blames_the_client(aws: Account, service: str, operation: str, members: str) -> None:
    client = aws.client(service, config=Config(parameter_validation=False, retries={"max_attempts": 1}))
    model: OperationModel = client.meta.service_model.operation_model(operation)
    params = _value(model.input_shape, everything=members == "all") if model.input_shape else {}
    params.pop("Marker", None)
    method = next(name for name, api_name in client.meta.method_to_api_mapping.items() if api_name == operation)
    try:
        status = getattr(client, method)(**params)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status < 500
