"""Messages of SQS as functions and pipes get them.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tule.core.arn import Arn
from tule.pollers.contract import Record

ENVELOPE_BYTES = 700  # of a record besides its body and attributes


def record(queue: Arn, message: Mapping[str, Any], received_ms: int, *, gathered: bool = False) -> Record:
    """`gathered` is whether batches wait for a window: AWS then shows the digest of attributes that are not there, too."""
    event: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
    }
    if gathered or "MD5OfMessageAttributes" in message:
        event["md5OfMessageAttributes"] = message.get("MD5OfMessageAttributes")
    event["md5OfBody"] = message["MD5OfBody"]
    event["eventSource"] = "aws:sqs"
    event["eventSourceARN"] = str(queue)
    event["awsRegion"] = queue.region
    size = ENVELOPE_BYTES + len(message["Body"].encode()) + sum(len(str(value)) for value in event["messageAttributes"].values())
    return Record(message["MessageId"], event, received_ms, size)


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if "StringValue" in value:
        shown["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        shown["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return {**shown, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
