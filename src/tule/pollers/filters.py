"""Which records are wanted.  A record is, when one of the patterns matches; without any pattern all are.

A pattern may look at what a record carries (`body` of a message, `data` of a Kinesis record): as an object, when the
pattern has one there, or as plain text, when it has a list.  What is of the other kind does not match.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import orjson

Kind = Literal["object", "text", "none"]
_UNREAD = object()


class Pattern(Protocol):
    """A compiled event pattern."""

    def matches(self, event: dict[str, Any]) -> bool: ...


@dataclass(slots=True, frozen=True)
class Filter:
    """`kind` is what the pattern takes the record's payload for; `none` when it does not look at it."""

    pattern: Pattern
    kind: Kind = "none"


@dataclass(slots=True, frozen=True)
class Filters:
    """`texts` are the patterns as they were written, by which filters are compared."""

    texts: tuple[str, ...] = ()
    compiled: tuple[Filter, ...] = field(default=(), compare=False)

    def want(self, event: Mapping[str, Any], payload_name: str = "", payload: str | bytes = "") -> bool:
        """Whether one of them matches `event`, whose member `payload_name` is `payload`."""
        if not self.compiled:
            return True
        parsed: Any = _UNREAD
        for one in self.compiled:
            if one.kind == "none":
                seen = dict(event)
            else:
                parsed = _object(payload) if parsed is _UNREAD else parsed
                if (parsed is None) != (one.kind == "text"):
                    continue
                seen = {**event, payload_name: payload if parsed is None else parsed}
            if one.pattern.matches(seen):
                return True
        return False


NOTHING_FILTERED = Filters()


def _object(payload: str | bytes) -> dict[str, Any] | list[Any] | None:
    try:
        parsed = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, (dict, list)) else None
