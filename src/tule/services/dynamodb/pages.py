"""Pages of Query and Scan: items until the limit, or 1 MB, whichever comes first.

A page that takes long is read in slices, between which a node does what else it has to do.  Where no filter and no projection
wants the inside of an item, its JSON goes into the answer as it lies in its table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

Item = dict[str, Any]
Rows = Iterator[tuple[bytes, int]]

BYTES = 1 << 20
SLICE_S = 0.003
LOOK_BYTES = 8_192  # bytes between two looks at the time


@dataclass(slots=True)
class Page:
    """A page or a slice of one.  `last` is the JSON of the last item that was looked at; `is_cut` where that took too long to
    go on at once, `more` where the page ends there and there may be more."""

    items: list[bytes]
    scanned: int
    size: int
    last: bytes
    is_cut: bool = False
    more: bool = False

    @property
    def count(self) -> int:
        return len(self.items)

    @property
    def shown(self) -> orjson.Fragment:
        return orjson.Fragment(b"[" + b",".join(self.items) + b"]")


def whole(rows: Rows, limit: int | None, room: int = BYTES) -> Page:
    """Items as they are, `room` bytes of them; the last may be beyond."""
    began = time.perf_counter()
    found: list[bytes] = []
    size = 0
    mark = min(room, LOOK_BYTES)
    for data, bytes_of_item in rows:
        found.append(data)
        size += bytes_of_item
        if size >= mark:
            if size >= room:
                return Page(found, len(found), size, data, more=True)
            if time.perf_counter() - began > SLICE_S:
                return _cut(Page(found, len(found), size, data), limit)
            mark = min(room, size + LOOK_BYTES)
    return Page(found, len(found), size, found[-1] if found else b"", more=len(found) == limit)


def chosen(rows: Rows, limit: int | None, matches: Callable[[Item], bool] | None, show: Callable[[Item], Item] | None, room: int = BYTES) -> Page:
    """Items that match, each as `show` shows it."""
    began = time.perf_counter()
    found: list[bytes] = []
    size = scanned = 0
    mark = min(room, LOOK_BYTES)
    data = b""
    for data, bytes_of_item in rows:
        scanned += 1
        size += bytes_of_item
        item = orjson.loads(data)
        if matches is None or matches(item):
            found.append(data if show is None else orjson.dumps(show(item)))
        if size >= mark:
            if size >= room:
                return Page(found, scanned, size, data, more=True)
            if time.perf_counter() - began > SLICE_S:
                return _cut(Page(found, scanned, size, data), limit)
            mark = min(room, size + LOOK_BYTES)
    return Page(found, scanned, size, data, more=scanned == limit)


def _cut(page: Page, limit: int | None) -> Page:
    page.is_cut = page.scanned != limit
    page.more = not page.is_cut
    return page


def joined(slices: Sequence[Page]) -> Page:
    """The page that these are."""
    if len(slices) == 1:
        return slices[0]
    last = next((one.last for one in reversed(slices) if one.scanned), b"")
    return Page(
        [item for one in slices for item in one.items],
        sum(one.scanned for one in slices),
        sum(one.size for one in slices),
        last,
        more=slices[-1].more,
    )
