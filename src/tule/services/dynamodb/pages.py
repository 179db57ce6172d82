"""Pages of Query and Scan: items until the limit, or 1 MB, whichever comes first.

Where no filter and no projection wants the inside of an item, its JSON goes into the answer as it lies in its table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

Item = dict[str, Any]

BYTES = 1 << 20


@dataclass(slots=True)
class Page:
    """`last` is the JSON of the last item that was looked at, where there may be more."""

    items: list[bytes] | list[Item]
    scanned: int
    size: int
    last: bytes | None

    @property
    def count(self) -> int:
        return len(self.items)

    @property
    def shown(self) -> orjson.Fragment | list[Item]:
        items = self.items
        if items and type(items[0]) is bytes:
            return orjson.Fragment(b"[" + b",".join(items) + b"]")  # type: ignore[arg-type]
        return items  # type: ignore[return-value]


def whole(rows: Iterable[tuple[bytes, int]], limit: int | None) -> Page:
    """Items as they are."""
    found: list[bytes] = []
    size = 0
    for data, bytes_of_item in rows:
        found.append(data)
        size += bytes_of_item
        if size >= BYTES:
            return Page(found, len(found), size, data)
    return Page(found, len(found), size, found[-1] if limit is not None and len(found) == limit else None)


def chosen(rows: Iterable[tuple[bytes, int]], limit: int | None, matches: Callable[[Item], bool] | None, show: Callable[[Item], Item] | None) -> Page:
    """Items that match, each as `show` shows it."""
    found: list[Any] = []
    size = scanned = 0
    data = b""
    for data, bytes_of_item in rows:
        scanned += 1
        size += bytes_of_item
        item = orjson.loads(data)
        if matches is None or matches(item):
            found.append(data if show is None else show(item))
        if size >= BYTES:
            return Page(found, scanned, size, data)
    return Page(found, scanned, size, data if limit is not None and scanned == limit else None)
