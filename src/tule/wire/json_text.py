"""JSON text in and out: orjson, and the standard library where integers do not fit in 64 bits."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from tule.wire.malformed import Malformed

MAX_DEPTH = 100
_MANY_DIGITS = re.compile(rb"[0-9]{19}")


def loads(data: bytes, *, deep: bool, exact: bool = False) -> Any:
    """Parse; raises Malformed.

    `deep`: the shape can nest without end, so depth has to be looked at.  `exact`: the shape holds a document, whose
    integers beyond 64 bits must stay exact (orjson makes them floats).
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"Unable to parse JSON: {error}") from error
    if exact and _MANY_DIGITS.search(data):
        value = _loads_exact(data)
    if deep and data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        check_depth(value)
    return value


def _loads_exact(data: bytes) -> Any:
    """Integers of up to 4300 digits; only for text that orjson took."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("Unable to parse JSON: number too large") from error


def dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def check_depth(value: Any) -> None:
    """Raises Malformed when containers nest deeper than MAX_DEPTH."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for container in level:
            inner = container.values() if isinstance(container, dict) else container
            below.extend(entry for entry in inner if isinstance(entry, dict | list))
        if not below:
            return
        level = below
    raise Malformed("The request is nested too deeply")


def _plain(value: Any) -> Any:
    if isinstance(value, orjson.Fragment):
        return json.loads(orjson.dumps(value))
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
