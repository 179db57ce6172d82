"""Byte ranges.  AWS: GetObject, Range; RFC 9110, section 14: what is not understood is ignored."""

from __future__ import annotations

import re
from typing import NamedTuple

from tule.services.s3 import errors

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*")


class Span(NamedTuple):
    """From `start` up to `end`, exclusive."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.end - 1}/{size}"


def span(header: str | None, size: int) -> Span | None:
    """None for the whole (no range, several ranges, or nonsense).  Raises InvalidRange when it names no byte."""
    match = _RANGE.fullmatch(header) if header else None
    if header is None or match is None:
        return None
    first, last = match[1], match[2]
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    elif last:
        start, end = max(size - int(last), 0), size
        if int(last) == 0:
            raise errors.invalid_range(header.strip(), size)
    else:
        return None
    if start >= size:
        raise errors.invalid_range(header.strip(), size)
    return Span(start, end)
