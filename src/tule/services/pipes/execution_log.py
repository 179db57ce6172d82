"""The log of one execution: a record for each step that the pipe's log level asks for, sent when the execution is over.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-logs.html and eb-pipes-logs-schema.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from tule.access.principal import platform
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.pipes.names import PipeRef
from tule.wire.http import Body

log = logging.getLogger("tule.pipes")

_LEVELS = ("OFF", "ERROR", "INFO", "TRACE")
_TRACE_STEPS = frozenset(
    (
        "EnrichmentInvocationStarted",
        "EnrichmentInvocationSucceeded",
        "EnrichmentTransformationStarted",
        "EnrichmentTransformationSucceeded",
        "TargetInvocationSkipped",
        "TargetInvocationStarted",
        "TargetInvocationSucceeded",
        "TargetStageSkipped",
        "TargetTransformationStarted",
        "TargetTransformationSucceeded",
    )
)
MAX_RECORD_BYTES = 256 * 1024
_DATA = ("payload", "awsRequest", "awsResponse")  # in the order in which they are cut


class ExecutionLog:
    def __init__(self, node: Node, ref: PipeRef, settings: Mapping[str, Any]) -> None:
        self._node = node
        self._ref = ref
        self._settings: Mapping[str, Any] = settings.get("LogConfiguration", {})
        self._level = _LEVELS.index(self._settings.get("Level", "OFF"))
        self._with_data = "ALL" in self._settings.get("IncludeExecutionData", [])
        self._execution = node.ids.uuid()
        self._records: list[tuple[int, str]] = []

    def step(self, name: str, error: Mapping[str, Any] | None = None, **data: str) -> None:
        """`data` are `payload`, `awsRequest` and `awsResponse`, which are told where the pipe includes execution data."""
        level = "ERROR" if error is not None else "TRACE" if name in _TRACE_STEPS else "INFO"
        if _LEVELS.index(level) > self._level:
            return
        at_ms = self._node.clock.now_ms()
        record: dict[str, Any] = {
            "resourceArn": self._ref.arn,
            "timestamp": at_ms,
            "executionId": self._execution,
            "messageType": name,
            "logLevel": level,
        }
        if error is not None:
            record["error"] = dict(error)
        if self._with_data:
            record |= data
        self._records.append((at_ms, _within_limit(record)))

    async def send(self) -> None:
        """A log that cannot be written holds up nothing, and is told of in the node's own."""
        if not self._records:
            return
        try:
            if "CloudwatchLogsLogDestination" in self._settings:
                await self._to_group(self._settings["CloudwatchLogsLogDestination"]["LogGroupArn"])
            if "FirehoseLogDestination" in self._settings:
                await self._to_delivery_stream(self._settings["FirehoseLogDestination"]["DeliveryStreamArn"])
            if "S3LogDestination" in self._settings:
                await self._to_bucket(self._settings["S3LogDestination"])
        except ServiceError as error:
            log.warning("The log of %s cannot be written: %s", self._ref.arn, error.message)

    async def _to_group(self, arn: str) -> None:
        stream = {"logGroupName": arns.parse(arn).resource.removeprefix("log-group:").removesuffix(":*"), "logStreamName": self._ref.name}
        events = [{"timestamp": at_ms, "message": text} for at_ms, text in self._records]
        try:
            await self._call("logs", "PutLogEvents", {**stream, "logEvents": events})
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise
            await self._call("logs", "CreateLogStream", stream)
            await self._call("logs", "PutLogEvents", {**stream, "logEvents": events})

    async def _to_delivery_stream(self, arn: str) -> None:
        records = [{"Data": text.encode() + b"\n"} for _, text in self._records]
        await self._call("firehose", "PutRecordBatch", {"DeliveryStreamName": arns.parse(arn).resource_id, "Records": records})

    async def _to_bucket(self, destination: Mapping[str, Any]) -> None:
        """One object for an execution, a line for each record.  AWS does not say how it names them."""
        at = datetime.fromtimestamp(self._records[0][0] / 1000, UTC).strftime("%Y/%m/%d/%H/%M")
        prefix = destination.get("Prefix", "")
        folder = f"{prefix.rstrip('/')}/" if prefix else ""
        key = f"{folder}AWSLogs/{self._ref.account}/pipes/{self._ref.region}/{self._ref.name}/{at}/{self._execution}.log"
        text = "".join(f"{record}\n" for _, record in self._records)
        params = {"Bucket": destination["BucketName"], "Key": key, "Body": Body.of(text.encode()), "ContentType": "application/json"}
        await self._call("s3", "PutObject", {**params, "ExpectedBucketOwner": destination["BucketOwner"]})

    async def _call(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        await self._node.dispatcher.invoke(service, operation, params, principal=platform(self._ref.account), region=self._ref.region)


def _within_limit(record: dict[str, Any]) -> str:
    """As JSON; what is too long is cut, one member after the other."""
    text = orjson.dumps(record)
    cut: list[str] = []
    for name in _DATA:
        excess = len(text) - MAX_RECORD_BYTES
        if excess <= 0 or name not in record:
            continue
        cut.append(name)
        record = {**record, name: record[name][: max(0, len(record[name]) - excess - 100)], "truncatedFields": cut}
        text = orjson.dumps(record)
    return text.decode()
