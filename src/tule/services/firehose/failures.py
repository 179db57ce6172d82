"""What could not be processed or delivered, as it is written to the error output: one JSON document a line, with the record as
it was.  AWS: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson

from tule.services.firehose.state.buffers import Record

PROCESSING = "processing-failed"


class DeliveryFailed(Exception):
    """`passes`: whether it may work later.  `details` are further members of the record's line in the error output."""

    def __init__(self, code: str, message: str, *, passes: bool = True, **details: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.passes = passes
        self.details = details


def line(record: Record, failed: DeliveryFailed, attempts: int, now_ms: int) -> Record:
    """A record of the error output."""
    said = {
        "attemptsMade": attempts,
        "arrivalTimestamp": record.arrived_ms,
        "errorCode": failed.code,
        "errorMessage": failed.message,
        "attemptEndingTimestamp": now_ms,
        "rawData": b64encode(record.data).decode(),
        **failed.details,
    }
    return Record(record.arrived_ms, orjson.dumps(said) + b"\n")
