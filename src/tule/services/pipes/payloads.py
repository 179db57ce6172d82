"""What a record carries, read as JSON where it is: the `body` of a message, the `data` of a Kinesis record.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html, implicit body data parsing
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

_BODY, _DATA = "body", "data"


def parsed(event: Any) -> Any:
    """The event with its payload read; what is not JSON stays as it was."""
    if not isinstance(event, Mapping):
        return event
    match event.get("eventSource"):
        case "aws:sqs" if isinstance(event.get(_BODY), str):
            return {**event, _BODY: _json(event[_BODY], event[_BODY])}
        case "aws:kinesis" if isinstance(event.get(_DATA), str):
            return {**event, _DATA: _json(_decoded(event[_DATA]), event[_DATA])}
        case _:
            return event


def _json(text: str | bytes, otherwise: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return otherwise


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
