"""What DynamoDB Streams counts for CloudWatch, by stream.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.dynamodb.metrics import NAMESPACE
from tule.services.dynamodb.names import resource_ref
from tule.services.dynamodb.streams import iterators

_THROTTLED = ("LimitExceededException", "ThrottlingException")


class Returned(NamedTuple):
    """What a GetRecords returned."""

    records: int
    size: int


def counted(call: Call, params: Mapping[str, Any], answer: Mapping[str, Any] | None, error: ServiceError | None, seconds: float) -> None:
    """How a call ended."""
    ref = resource_ref(iterators.stream_of(params["ShardIterator"]) if "ShardIterator" in params else params.get("StreamArn", ""))
    operation = ("Operation", call.operation)
    if answer is not None and ref is not None:
        stream = (operation, ("StreamLabel", ref.id), ("TableName", ref.table.name))
        _add(call, "SuccessfulRequestLatency", stream, int(seconds * 100_000) / 100, "Milliseconds")
        if isinstance(call.measured, Returned):
            _add(call, "ReturnedRecordsCount", stream, float(call.measured.records))
            _add(call, "ReturnedBytes", stream, float(call.measured.size), "Bytes")
    elif error is not None and ref is not None and error.code in _THROTTLED:
        _add(call, "ThrottledRequests", (operation, ("TableName", ref.table.name)), 1.0)
    elif error is not None and ref is not None and error.status >= 500:
        _add(call, "SystemErrors", (operation, ("TableName", ref.table.name)), 1.0)
    elif error is not None and error.status < 500:
        _add(call, "UserErrors", (), 1.0)


def _add(call: Call, name: str, dimensions: tuple[tuple[str, str], ...], value: float, unit: str = "Count") -> None:
    call.node.meter.add(call.account, call.region, NAMESPACE, name, dimensions, value, unit)
