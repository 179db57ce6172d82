"""Transforming records by a function.  AWS: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.firehose import acting
from tule.services.firehose.destinations import settings
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.processing.item import Item
from tule.services.firehose.state.buffers import Batch, Record
from tule.services.firehose.state.streams import KINESIS, Stream, arn_of

_RESULTS = ("Ok", "Dropped", "ProcessingFailed")

Parameters = dict[str, str]


async def transform(
    node: Node, stream: Stream, function: Parameters, batch: Batch, items: list[Item], fail: Callable[[Record, DeliveryFailed], None]
) -> list[Item]:
    """What the function makes of the items; those that it fails go to `fail`.  Raises DeliveryFailed."""
    arn = function["LambdaArn"]
    by_id = {_record_id(item, i): item for i, item in enumerate(items)}
    answer = await _invoke(node, stream, function, _event(node, stream, batch, by_id))
    results = _results(answer, arn, set(by_id))
    done: list[Item] = []
    for id, item in by_id.items():
        said = results[id]
        if said["result"] == "ProcessingFailed":
            fail(item.source, _refused("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record", arn))
        elif said["result"] == "Ok":
            try:
                data = b64decode(said.get("data", ""), validate=True)
            except (Base64Error, ValueError, TypeError):
                fail(item.source, _refused("Lambda.InvalidBase64", "The data field is not valid base64.", arn))
                continue
            keys = ((said.get("metadata") or {}).get("partitionKeys")) or {}
            done.append(replace(item, data=data, function={key: str(value) for key, value in keys.items() if value not in (None, "")}))
    return done


def _record_id(item: Item, number: int) -> str:
    return f"{item.source.id:050d}{number:06d}"


def _event(node: Node, stream: Stream, batch: Batch, items: dict[str, Item]) -> dict[str, Any]:
    event: dict[str, Any] = {"invocationId": batch.id, "deliveryStreamArn": arn_of(stream), "region": stream["region"]}
    if stream["type"] == KINESIS:
        event["sourceKinesisStreamArn"] = stream["source"]["KinesisStreamARN"]
    event["records"] = [_record(id, item) for id, item in items.items()]
    return event


def _record(id: str, item: Item) -> dict[str, Any]:
    record: dict[str, Any] = {
        "recordId": id,
        "approximateArrivalTimestamp": item.source.arrived_ms,
        "data": b64encode(item.data).decode(),
    }
    if item.source.origin:
        record["kinesisRecordMetadata"] = orjson.loads(item.source.origin)
    return record


async def _invoke(node: Node, stream: Stream, function: Parameters, event: dict[str, Any]) -> bytes:
    """Raises DeliveryFailed."""
    arn = function["LambdaArn"]
    try:
        role = function.get("RoleArn") or settings.role_of(stream)
        params = {"FunctionName": arn, "InvocationType": "RequestResponse", "Payload": orjson.dumps(event)}
        answer = await acting.call(node, stream, role, "lambda", "Invoke", params)
    except ServiceError as error:
        raise _refused(_CODES.get(error.code, f"Lambda.{error.code}"), error.message or error.code, arn) from error
    payload: bytes = answer["Payload"]
    if "FunctionError" in answer:
        message = f"The Lambda function was successfully invoked but it returned an error result. {payload[:1024].decode(errors='replace')}"
        raise _refused("Lambda.FunctionError", message, arn)
    return payload


_CODES = {
    "AccessDeniedException": "Lambda.InvokeAccessDenied",
    "AccessDenied": "Lambda.InvokeAccessDenied",
    "ResourceNotFoundException": "Lambda.FunctionNotFound",
    "TooManyRequestsException": "Lambda.InvokeLimitExceeded",
}


def _results(payload: bytes, arn: str, ids: set[str]) -> dict[str, dict[str, Any]]:
    """Exactly one for every record.  Raises DeliveryFailed."""
    try:
        found = orjson.loads(payload)["records"]
        by_id = {entry["recordId"]: entry for entry in found}
        results = {entry["result"] for entry in found}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        message = "There was an error parsing or processing the response of the Lambda function: it must have records with recordId and result."
        raise _refused("Lambda.JsonProcessingException", message, arn) from error
    if len(by_id) != len(found):
        raise _refused("Lambda.DuplicatedRecordId", "Multiple records were returned with the same record ID.", arn)
    if ids - set(by_id):
        raise _refused("Lambda.MissingRecordId", "One or more record Ids were not returned.", arn)
    if not results <= set(_RESULTS):
        raise _refused("Lambda.ProcessingFailedStatus", f"The result of a record must be one of {', '.join(_RESULTS)}.", arn)
    return by_id


def _refused(code: str, message: str, arn: str) -> DeliveryFailed:
    return DeliveryFailed(code, message, lambdaArn=str(arns.parse(arn)))
