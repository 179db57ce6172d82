"""What Kinesis counts for CloudWatch, by stream.  AWS: https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.kinesis import names
from tule.services.kinesis.names import StreamRef
from tule.watch.metric_store import Series, Summary

if TYPE_CHECKING:
    from tule.platform.node import Node
    from tule.watch.meter import Meter

NAMESPACE = "AWS/Kinesis"
MINUTE_MS = 60_000
_MEMORY = "kinesis.metrics"
_THROTTLED = "ProvisionedThroughputExceededException"


class Read(NamedTuple):
    """What GetRecords measured."""

    stream: StreamRef
    records: int = 0
    size: int = 0
    behind_ms: int = 0


class Written(NamedTuple):
    """What PutRecord or PutRecords put, all of it."""

    stream: StreamRef
    records: int
    size: int


class _Busy:
    """Calls of the last moment that put all they were given, which are most: records, bytes and seconds of each, summed up all together."""

    def __init__(self, meter: Meter) -> None:
        self.put: dict[tuple[StreamRef, str, int], list[tuple[int, int, float]]] = {}
        self.tell = meter.gathers_from(self._sum_up)
        self._meter = meter

    def _sum_up(self) -> None:
        gathered, self.put = self.put, {}
        for (stream, operation, minute), calls in gathered.items():
            records, sizes = Counter([float(count) for count, _, _ in calls]), Counter([float(size) for _, size, _ in calls])
            took, each = Counter([round(seconds * 1000, 2) for _, _, seconds in calls]), float(len(calls))
            self._merge(stream, minute, f"{operation}.Success", {1.0: each})
            self._merge(stream, minute, "WriteProvisionedThroughputExceeded", {0.0: each})
            self._merge(stream, minute, f"{operation}.Bytes", sizes, "Bytes")
            self._merge(stream, minute, f"{operation}.Latency", took, "Milliseconds")
            self._merge(stream, minute, "IncomingRecords", records)
            self._merge(stream, minute, "IncomingBytes", sizes, "Bytes")
            if operation == "PutRecords":
                self._merge(stream, minute, "PutRecords.TotalRecords", records)
                self._merge(stream, minute, "PutRecords.SuccessfulRecords", records)
                self._merge(stream, minute, "PutRecords.ThrottledRecords", {0.0: each})
                self._merge(stream, minute, "PutRecords.FailedRecords", {0.0: each})

    def _merge(self, stream: StreamRef, minute: int, name: str, seen: Mapping[float, float], unit: str = "Count") -> None:
        summary = Summary()
        for value, count in seen.items():
            summary.add(value, count)
        series = Series(stream.account, stream.region, NAMESPACE, name, (("StreamName", stream.name),))
        self._meter.merge(series, minute * MINUTE_MS, unit, summary)


def _busy(node: Node) -> _Busy:
    found = node.memory[_MEMORY] = _Busy(node.meter)
    return found


def counted(call: Call, params: dict[str, Any], answer: Mapping[str, Any] | None, error: ServiceError | None, seconds: float) -> None:
    """How a call ended; mistakes of callers are not counted."""
    written = call.measured
    if answer is not None and type(written) is Written:
        busy = call.node.memory.get(_MEMORY) or _busy(call.node)
        key = (written.stream, call.operation, call.now_ms // MINUTE_MS)
        put = busy.put.get(key)
        if put is None:
            put = busy.put[key] = []
            busy.tell()
        put.append((written.records, written.size, seconds))
        return
    if error is not None and error.status < 500 and error.code != _THROTTLED:
        return
    took_ms = round(seconds * 1000, 2)
    match call.operation:
        case "PutRecord":
            _failed_put_record(call, params, throttled=error is not None and error.code == _THROTTLED)
        case "PutRecords":
            _put_records(call, params, answer, took_ms)
        case "GetRecords" if isinstance(call.measured, Read):
            _get_records(call, call.measured, took_ms, succeeded=answer is not None)
        case _:
            pass


def _failed_put_record(call: Call, params: dict[str, Any], *, throttled: bool) -> None:
    stream = names.stream_ref(call, params)
    _add(call, stream, "PutRecord.Success", 0.0)
    _add(call, stream, "WriteProvisionedThroughputExceeded", float(throttled))


def _put_records(call: Call, params: dict[str, Any], answer: Mapping[str, Any] | None, took_ms: float) -> None:
    """Those of which not all records were put."""
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
