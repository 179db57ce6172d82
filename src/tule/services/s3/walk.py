"""Walking over keys: prefix, delimiter and common prefixes, a page at a time.

A common prefix costs one index seek however many keys are below it: having seen the first of them, the walk goes on at the
least key that is greater than all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from tule.services.s3.names import after_all_with

_FIRST_BATCH = 16


class Keyed(Protocol):
    @property
    def key(self) -> str: ...


Item = TypeVar("Item", bound=Keyed)


class Start(NamedTuple):
    """Where a walk begins: after `key`, or at it when `inclusive`."""

    key: str
    inclusive: bool

    def passed_by(self, key: str) -> bool:
        return key > self.key or (self.inclusive and key == self.key)


Fetch = Callable[[Start, str, int], Sequence[Item]]  # (start, end, count): items from `start` on with key < end, in order


class Page(NamedTuple, Generic[Item]):
    """`items` and `prefixes` are each in order of key; `last` is the last shown of either, None when nothing was."""

    items: list[Item]
    prefixes: list[str]
    truncated: bool
    last: str | None


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """`photos/2024/` for `photos/2024/may.jpg` under prefix `photos/` by delimiter `/`."""
    if not delimiter:
        return None
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[: at + len(delimiter)]


def start_after(marker: str, prefix: str, delimiter: str) -> Start:
    """A marker that is a common prefix of this listing, or below one, is followed by what comes after all of it."""
    below = common_prefix(marker, prefix, delimiter) if marker.startswith(prefix) else None
    return Start(marker, False) if below is None else Start(after_all_with(below), True)


def one_page(fetch: Fetch[Item], prefix: str, delimiter: str, start: Start, limit: int) -> Page[Item]:
    """One page of at most `limit` items and common prefixes together."""
    end = after_all_with(prefix)
    at = start if start.key >= prefix else Start(prefix, True)
    items: list[Item] = []
    prefixes: list[str] = []
    last: str | None = None
    batch = min(limit + 1, _FIRST_BATCH) if delimiter else limit + 1
    while True:
        found = fetch(at, end, batch)
        for item in found:
            if not at.passed_by(item.key):
                continue
            if len(items) + len(prefixes) == limit:
                return Page(items, prefixes, True, last)
            below = common_prefix(item.key, prefix, delimiter)
            if below is None:
                items.append(item)
                last, at = item.key, Start(item.key, False)
            else:
                prefixes.append(below)
                last, at = below, Start(after_all_with(below), True)
        if len(found) < batch:
            return Page(items, prefixes, False, last)
        batch = min(batch * 2, limit + 1) if at.key == found[-1].key else _FIRST_BATCH
