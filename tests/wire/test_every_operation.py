"""Every operation of every service, both ways, against botocore: its serializer's requests come back as the same params,
and its parser reads our answers as the same results, in every protocol that the service speaks."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.wire.clients import MODELS, answer_of, botocore_model, plain, request_of
from tests.wire.samples import Samples, Unsampleable
from tule.wire.http import Body
from tule.wire.identify import identify
from tule.wire.models import SERVICES

_SEED = os.environ.get("TULE_WIRE_SEED", "")
"""Another word here draws other values."""

_CHANGED_BY_BOTOCORE = {"Expires"}
"""Members of S3 that botocore's own customizations make a timestamp; on the wire and for us they are text."""

_UNKNOWN_TO_BOTOCORE = {("s3", "PostObject")}
"""Browsers' uploads by form are an API of S3, but of no SDK: it comes from our patch."""

_SHADOWED = {
    ("s3", "GetBucketLifecycle"): "GetBucketLifecycleConfiguration",
    ("s3", "PutBucketLifecycle"): "PutBucketLifecycleConfiguration",
    ("s3", "GetBucketNotification"): "GetBucketNotificationConfiguration",
    ("s3", "PutBucketNotification"): "PutBucketNotificationConfiguration",
    ("s3", "ListDirectoryBuckets"): "ListBuckets",
}
"""Operations whose request cannot be told from another's, which answers instead."""

_READ_SPECIALLY = {("s3", "GetBucketLocation")}
"""Answers that botocore's parser cannot read: handlers of its client do (tested on their own)."""

_SPOKEN = [(service, protocol) for service in SERVICES for protocol in MODELS.service(service).protocols]


@pytest.mark.parametrize(("service", "protocol"), _SPOKEN)
async def test_what_botocore_sends_is_what_the_operation_gets(service: str, protocol: str) -> None:
    model = MODELS.service(service)
    unsampled = 0
    for name, raw in model.operations.items():
        if _is_left_out(service, name, protocol):
            continue
        operation = botocore_model(service).operation_model(name)
        shape = model.shapes.at(raw["input"]) if "input" in raw else None
        try:
            params = {} if shape is None else Samples(model.shapes, f"{service}.{name}{_SEED}", protocol=protocol, answer=False).structure(shape)
        except Unsampleable:
            unsampled += 1
            continue
        if service == "s3":
            params = {member: value for member, value in params.items() if member not in _CHANGED_BY_BOTOCORE}
        if operation.input_shape is not None:
            params = _known(params, operation.input_shape)
        request = request_of(operation, protocol, params)
        codec = identify(MODELS, request, botocore_model(service).signing_name)
        assert (codec.service, codec.name, codec.protocol) == (service, name, protocol)
        if codec.input_stream is not None:
            request.body = None
        parsed = await _read(codec.parse(request))
        assert parsed == plain(params), f"{service}.{name} in {protocol}"
    assert unsampled <= len(model.operations) * 0.03


@pytest.mark.parametrize(("service", "protocol"), _SPOKEN)
def test_what_the_operation_answers_is_what_botocore_reads(service: str, protocol: str) -> None:
    model = MODELS.service(service)
    for name, raw in model.operations.items():
        codec = model.operation(name, protocol)
        if _is_left_out(service, name, protocol) or (service, name) in _READ_SPECIALLY or codec.event_output is not None:
            continue
        operation = botocore_model(service).operation_model(name)
        result: dict[str, Any] = {}
        if "output" in raw:
            result = Samples(model.shapes, f"{name}.{service}{_SEED}", protocol=protocol, answer=True).structure(model.shapes.at(raw["output"]))
        if service == "s3":
            result = {member: value for member, value in result.items() if member not in _CHANGED_BY_BOTOCORE}
        response = codec.serialize(result, "6f2f0a76-2f5c-4b1e-8f0a-0d3c1b2a4e5f")
        read = answer_of(operation, protocol, response)
        metadata = read.pop("ResponseMetadata")
        assert plain(read) == plain(result), f"{service}.{name} in {protocol}"
        if "RequestId" in metadata:
            assert metadata["RequestId"] == "6f2f0a76-2f5c-4b1e-8f0a-0d3c1b2a4e5f"


def _known(value: Any, shape: Any) -> Any:
    """Without the members that only our patches add; `shape` is botocore's."""
    if shape.type_name == "structure":
        return {name: _known(member, shape.members[name]) for name, member in value.items() if name in shape.members}
    if shape.type_name == "list":
        return [_known(element, shape.member) for element in value]
    return value


def _is_left_out(service: str, name: str, protocol: str) -> bool:
    """botocore does not speak query to SQS any more: tests of its own do."""
    return (service, name) in _SHADOWED or (service, name) in _UNKNOWN_TO_BOTOCORE or (service, protocol) == ("sqs", "query")


async def _read(params: dict[str, Any]) -> dict[str, Any]:
    return {name: await value.read(1 << 20) if isinstance(value, Body) else value for name, value in params.items()}
