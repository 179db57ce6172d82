"""Walking over what there are several of for each key, versions or uploads: a page may end between two of one key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from tule.services.s3.names import after_all_with
from tule.services.s3.walk import Start, common_prefix, start_after


class Marked(Protocol):
    """`mark` tells those of one key apart: a version's or an upload's id."""

    @property
    def key(self) -> str: ...

    @property
    def mark(self) -> str: ...


Item = TypeVar("Item", bound=Marked)
Got = TypeVar("Got", bound=Marked, covariant=True)


class Rows(Protocol[Got]):
    def listed(self, start: Start, end: str, limit: int) -> Sequence[Got]:
        """The first `limit` of keys from `start` on and less than `end`, in order."""
        ...

    def rest(self, key: str, mark: str, limit: int) -> Sequence[Got]:
        """Those of one key that follow `mark`."""
        ...


class Page(NamedTuple, Generic[Item]):
    """`last_mark` is empty when the last shown was a common prefix."""

    items: list[Item]
    prefixes: list[str]
    truncated: bool
    last_key: str
    last_mark: str


class _Filling(Generic[Item]):
    """A page that takes items and common prefixes until it is full; one more makes it truncated."""

    def __init__(self, prefix: str, delimiter: str, limit: int) -> None:
        self._prefix = prefix
        self._delimiter = delimiter
        self._limit = limit
        self._items: list[Item] = []
        self._prefixes: list[str] = []
        self._last = ("", "")

    def take(self, item: Item) -> bool:
        """False when there was no room."""
        below = common_prefix(item.key, self._prefix, self._delimiter)
        if below is not None and self._prefixes and self._prefixes[-1] == below:
            return True
        if len(self._items) + len(self._prefixes) == self._limit:
            return False
        if below is None:
            self._items.append(item)
            self._last = (item.key, item.mark)
        else:
            self._prefixes.append(below)
            self._last = (below, "")
        return True

    def page(self, *, truncated: bool) -> Page[Item]:
        return Page(self._items, self._prefixes, truncated, *self._last)


def one_page(rows: Rows[Item], prefix: str, delimiter: str, key_marker: str, mark: str, limit: int) -> Page[Item]:
    """What follows `mark` of `key_marker`, or all of `key_marker` when `mark` is empty."""
    filling = _Filling[Item](prefix, delimiter, limit)
    if limit == 0:
        return filling.page(truncated=False)
    if mark:
        for item in rows.rest(key_marker, mark, limit + 1):
            if item.key.startswith(prefix) and not filling.take(item):
                return filling.page(truncated=True)
    start = start_after(key_marker, prefix, delimiter) if key_marker else Start("", True)
    for item in _all(rows, prefix, delimiter, start, limit + 1):
        if not filling.take(item):
            return filling.page(truncated=True)
    return filling.page(truncated=False)


def _all(rows: Rows[Item], prefix: str, delimiter: str, start: Start, batch: int) -> Iterator[Item]:
    """All from `start` on, but of each common prefix perhaps only the first ones; in batches larger than a page."""
    end = after_all_with(prefix)
    at = start if start.key >= prefix else Start(prefix, True)
    while True:
        found = rows.listed(at, end, batch)
        yield from found
        if len(found) < batch:
            return
        last = found[-1]
        below = common_prefix(last.key, prefix, delimiter)
        if below is not None:
            at = Start(after_all_with(below), True)
        else:
            yield from rows.rest(last.key, last.mark, batch)
            at = Start(last.key, False)
