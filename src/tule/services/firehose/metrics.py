"""What Firehose counts for CloudWatch, by delivery stream.  AWS: https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.firehose.state.buffers import BACKUP, OUTPUT, Record
from tule.services.firehose.state.streams import Stream

NAMESPACE = "AWS/Firehose"
_PUTS = ("PutRecord", "PutRecordBatch")
_DESTINATIONS = {
    "S3": "DeliveryToS3",
    "ExtendedS3": "DeliveryToS3",
    "HttpEndpoint": "DeliveryToHttpEndpoint",
    "Redshift": "DeliveryToRedshift",
}


def counted(call: Call, params: Mapping[str, Any], answer: Mapping[str, Any] | None, error: ServiceError | None, seconds: float) -> None:
    """How a call ended."""
    operation = call.operation
    if operation not in _PUTS or answer is None:
        return
    del error
    given: Sequence[Mapping[str, Any]] = params.get("Records") or (params["Record"],)
    size = sum(len(record["Data"]) for record in given)
    counts = [
        ("IncomingRecords", len(given), "Count"),
        ("IncomingBytes", size, "Bytes"),
        ("IncomingPutRequests", 1, "Count"),
        (f"{operation}.Bytes", size, "Bytes"),
        (f"{operation}.Requests", 1, "Count"),
        (f"{operation}.Latency", round(seconds * 1000, 2), "Milliseconds"),
    ]
    if operation == "PutRecordBatch":
        counts.append(("PutRecordBatch.Records", len(given), "Count"))
    for name, value, unit in counts:
        _add(call.node, call.account, call.region, params["DeliveryStreamName"], name, value, unit)


def delivered(node: Node, stream: Stream, stage: str, records: Sequence[Record], *, succeeded: bool) -> None:
    """A batch was brought to its destination or to its backup, or could not be."""
    if stage == BACKUP:
        where = "BackupToS3"
    elif stage == OUTPUT and stream["kind"] in _DESTINATIONS:
        where = _DESTINATIONS[stream["kind"]]
    else:
        return
    counts: list[tuple[str, float, str]] = [("Success", float(succeeded), "Count")]
    if succeeded:
        oldest_ms = min((record.arrived_ms for record in records), default=node.clock.now_ms())
        counts += [
            ("Records", len(records), "Count"),
            ("Bytes", sum(len(record.data) for record in records), "Bytes"),
            ("DataFreshness", max(0, node.clock.now_ms() - oldest_ms) / 1000, "Seconds"),
        ]
    for name, value, unit in counts:
        _add(node, stream["account"], stream["region"], stream["name"], f"{where}.{name}", value, unit)


def _add(node: Node, account: str, region: str, stream: str, name: str, value: float, unit: str) -> None:
    node.meter.add(account, region, NAMESPACE, name, (("DeliveryStreamName", stream),), value, unit)
