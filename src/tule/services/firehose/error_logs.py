"""Telling CloudWatch Logs what went wrong, where a delivery stream says so.

AWS: https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html
"""

from __future__ import annotations

import logging

import orjson

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.firehose import acting
from tule.services.firehose.destinations import settings
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.state.streams import Stream, arn_of

log = logging.getLogger("tule.firehose")


async def tell(node: Node, stream: Stream, failed: DeliveryFailed) -> None:
    """What cannot be told there stands in the node's own log."""
    log.warning("%s: %s: %s", arn_of(stream), failed.code, failed.message)
    options = settings.logging_of(stream)
    if options is None:
        return
    message = {
        "deliveryStreamARN": arn_of(stream),
        "destination": settings.s3_of(stream)["BucketARN"],
        "deliveryStreamVersionId": int(stream["version"]),
        "message": failed.message,
        "errorCode": failed.code,
    }
    events = [{"timestamp": node.clock.now_ms(), "message": orjson.dumps(message).decode()}]
    params = {"logGroupName": options["LogGroupName"], "logStreamName": options["LogStreamName"], "logEvents": events}
    try:
        await acting.call(node, stream, settings.role_of(stream), "logs", "PutLogEvents", params)
    except ServiceError as error:
        log.warning("%s cannot write to the log group %s: %s", arn_of(stream), options["LogGroupName"], error)
