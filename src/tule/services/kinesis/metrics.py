"""What Kinesis counts for CloudWatch, by stream.  AWS: https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.kinesis import names
from tule.services.kinesis.names import StreamRef

NAMESPACE = "AWS/Kinesis"
_THROTTLED = "ProvisionedThroughputExceededException"


class Read(NamedTuple):
    """What GetRecords measured."""

    stream: StreamRef
    records: int = 0
    size: int = 0
    behind_ms: int = 0


def counted(call: Call, params: dict[str, Any], answer: Mapping[str, Any] | None, error: ServiceError | None, seconds: float) -> None:
    """How a call ended; mistakes of callers are not counted."""
    if error is not None and error.status < 500 and error.code != _THROTTLED:
        return
    took_ms = round(seconds * 1000, 2)
    match call.operation:
        case "PutRecord":
            _put_record(call, params, took_ms, succeeded=answer is not None, throttled=error is not None and error.code == _THROTTLED)
        case "PutRecords":
            _put_records(call, params, answer, took_ms)
        case "GetRecords" if isinstance(call.measured, Read):
            _get_records(call, call.measured, took_ms, succeeded=answer is not None)
        case _:
            pass


def _put_record(call: Call, params: dict[str, Any], took_ms: float, *, succeeded: bool, throttled: bool) -> None:
    stream = names.stream_ref(call, params)
    _add(call, stream, "PutRecord.Success", float(succeeded))
    _add(call, stream, "WriteProvisionedThroughputExceeded", float(throttled))
    if succeeded:
        _add(call, stream, "PutRecord.Bytes", _size(params), "Bytes")
        _add(call, stream, "PutRecord.Latency", took_ms, "Milliseconds")
        _add(call, stream, "IncomingRecords", 1.0)
        _add(call, stream, "IncomingBytes", _size(params), "Bytes")


def _put_records(call: Call, params: dict[str, Any], answer: Mapping[str, Any] | None, took_ms: float) -> None:
    stream, given = names.stream_ref(call, params), params["Records"]
    shown = answer["Records"] if answer is not None else ()
    taken = [record for record, each in zip(given, shown, strict=False) if "ErrorCode" not in each]
    size, refused = sum(map(_size, taken)), len(shown) - len(taken)
    _add(call, stream, "PutRecords.Success", float(bool(taken)))
    _add(call, stream, "PutRecords.TotalRecords", len(given))
    _add(call, stream, "PutRecords.SuccessfulRecords", len(taken))
    _add(call, stream, "PutRecords.ThrottledRecords", refused)
    _add(call, stream, "PutRecords.FailedRecords", len(given) - len(shown))
    _add(call, stream, "WriteProvisionedThroughputExceeded", refused)
    if answer is not None:
        _add(call, stream, "PutRecords.Bytes", size, "Bytes")
        _add(call, stream, "PutRecords.Latency", took_ms, "Milliseconds")
        _add(call, stream, "IncomingRecords", len(taken))
        _add(call, stream, "IncomingBytes", size, "Bytes")


def _get_records(call: Call, read: Read, took_ms: float, *, succeeded: bool) -> None:
    stream = read.stream
    _add(call, stream, "GetRecords.Success", float(succeeded))
    _add(call, stream, "ReadProvisionedThroughputExceeded", float(not succeeded))
    if succeeded:
        _add(call, stream, "GetRecords.Records", read.records)
        _add(call, stream, "GetRecords.Bytes", read.size, "Bytes")
        _add(call, stream, "GetRecords.Latency", took_ms, "Milliseconds")
        _add(call, stream, "GetRecords.IteratorAgeMilliseconds", read.behind_ms, "Milliseconds")


def _size(record: Mapping[str, Any]) -> int:
    """As it counts against a shard's limit."""
    return len(record["Data"]) + len(record.get("PartitionKey") or "")


def _add(call: Call, stream: StreamRef, name: str, value: float, unit: str = "Count") -> None:
    call.node.meter.add(stream.account, stream.region, NAMESPACE, name, (("StreamName", stream.name),), value, unit)
