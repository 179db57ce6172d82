"""What a request says about itself: the condition keys of one call, each computed when a policy first asks for it.

Names are case-insensitive and kept in lower case.  `touched` tells whether any policy has asked for anything: a decision
made without it holds for every request of the same caller, action and resource, and may be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Value = str | list[str]
Source = Callable[[str], Any]


class RequestContext:
    """`given` are keys of the call (`s3:prefix`); `source` answers for the rest (global keys), None where absent."""

    __slots__ = ("_given", "_source", "touched")

    def __init__(self, given: Mapping[str, Any] | None = None, source: Source | None = None) -> None:
        self._given = {name.lower(): value for name, value in given.items()} if given else {}
        self._source = source
        self.touched = False

    def get(self, key: str) -> Value | None:
        """The value of a key in lower case, as text or a list of texts; None where the request does not have it."""
        self.touched = True
        if key in self._given:
            return as_value(self._given[key])
        return as_value(self._source(key)) if self._source is not None else None


def as_value(value: Any) -> Value | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [as_text(item) for item in value]
    return as_text(value)


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
