"""Delivering to an HTTP endpoint.  AWS: https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html"""

from __future__ import annotations

import gzip
from base64 import b64encode
from typing import Any

import orjson

from tule.platform.node import Node
from tule.platform.outgoing import Answer, OutgoingFailed
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.state.buffers import Batch, Record
from tule.services.firehose.state.streams import Stream, arn_of

TIMEOUT_S = 180.0
MAX_ANSWER_BYTES = 1024 * 1024

Config = dict[str, Any]


async def post(node: Node, stream: Stream, batch: Batch, records: list[Record]) -> None:
    """The request's id is the batch's, whatever the attempt.  Raises DeliveryFailed."""
    config: Config = stream["destination"]
    asked = config.get("RequestConfiguration") or {}
    body = orjson.dumps(
        {
            "requestId": batch.id,
            "timestamp": node.clock.now_ms(),
            "records": [{"data": b64encode(record.data).decode()} for record in records],
        }
    )
    headers = _headers(stream, batch, asked)
    if asked.get("ContentEncoding") == "GZIP":
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, mtime=0)
    try:
        answer = await node.outgoing.request("POST", config["EndpointConfiguration"]["Url"], headers, body, timeout_s=TIMEOUT_S)
    except OutgoingFailed as error:
        raise DeliveryFailed("HttpEndpoint.ConnectionFailed", str(error)) from error
    _check(answer, batch.id)


def _headers(stream: Stream, batch: Batch, asked: Config) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
        "X-Amz-Firehose-Protocol-Version": "1.0",
        "X-Amz-Firehose-Request-Id": batch.id,
        "X-Amz-Firehose-Source-Arn": arn_of(stream),
    }
    key = stream["destination"]["EndpointConfiguration"].get("AccessKey")
    if key:
        headers["X-Amz-Firehose-Access-Key"] = key
    attributes = {attribute["AttributeName"]: attribute["AttributeValue"] for attribute in asked.get("CommonAttributes") or ()}
    if attributes:
        headers["X-Amz-Firehose-Common-Attributes"] = orjson.dumps({"commonAttributes": attributes}).decode()
    return headers


def _check(answer: Answer, request_id: str) -> None:
    """The endpoint has taken the records when it says so, naming the request.  Raises DeliveryFailed."""
    if answer.status != 200:
        said = answer.body[:1024].decode(errors="replace")
        passes = answer.status != 413
        raise DeliveryFailed("HttpEndpoint.DestinationException", f"Received error response from endpoint: {answer.status} {said}", passes=passes)
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise DeliveryFailed("HttpEndpoint.ResponseTooLarge", "The response received from the endpoint is too large.")
    try:
        said = orjson.loads(answer.body)
        named, at = said["requestId"], said["timestamp"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        message = "The response received from the endpoint is invalid: it must be JSON with requestId and timestamp."
        raise DeliveryFailed("HttpEndpoint.InvalidResponseFromDestination", message) from error
    if named != request_id or not isinstance(at, int) or isinstance(at, bool):
        message = "The response received from the endpoint is invalid: its requestId is not the request's, or its timestamp no number."
        raise DeliveryFailed("HttpEndpoint.InvalidResponseFromDestination", message)
