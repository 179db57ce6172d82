"""Walking over versions: as over keys, but a key has several, and a page may end between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tule.services.s3.names import after_all_with
from tule.services.s3.state import objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import ListedVersion
from tule.services.s3.walk import Start, common_prefix, start_after
from tule.store.store import Tx


class VersionPage(NamedTuple):
    """`last_version` is empty when the last shown was a common prefix."""

    items: list[ListedVersion]
    prefixes: list[str]
    truncated: bool
    last_key: str
    last_version: str


class _Filling:
    """A page that takes versions and common prefixes until it is full; one more makes it truncated."""

    def __init__(self, prefix: str, delimiter: str, limit: int) -> None:
        self._prefix = prefix
        self._delimiter = delimiter
        self._limit = limit
        self.items: list[ListedVersion] = []
        self.prefixes: list[str] = []
        self.last = ("", "")

    def take(self, item: ListedVersion) -> bool:
        """False when there was no room."""
        below = common_prefix(item.key, self._prefix, self._delimiter)
        if below is not None and self.prefixes and self.prefixes[-1] == below:
            return True
        if len(self.items) + len(self.prefixes) == self._limit:
            return False
        if below is None:
            self.items.append(item)
            self.last = (item.key, item.version)
        else:
            self.prefixes.append(below)
            self.last = (below, "")
        return True

    def page(self, *, truncated: bool) -> VersionPage:
        return VersionPage(self.items, self.prefixes, truncated, *self.last)


def one_page(tx: Tx, bucket: Bucket, prefix: str, delimiter: str, key_marker: str, version_marker: str, limit: int) -> VersionPage:
    filling = _Filling(prefix, delimiter, limit)
    if limit == 0:
        return filling.page(truncated=False)
    if version_marker:
        for item in objects.older_versions(tx, bucket, key_marker, version_marker, limit + 1):
            if item.key.startswith(prefix) and not filling.take(item):
                return filling.page(truncated=True)
    at = start_after(key_marker, prefix, delimiter) if key_marker else Start("", True)
    for item in _versions(tx, bucket, prefix, delimiter, at, limit + 1):
        if not filling.take(item):
            return filling.page(truncated=True)
    return filling.page(truncated=False)


def _versions(tx: Tx, bucket: Bucket, prefix: str, delimiter: str, at: Start, batch: int) -> Iterator[ListedVersion]:
    """All versions from `at` on, but of each common prefix perhaps only the first ones; in batches larger than a page."""
    end = after_all_with(prefix)
    at = at if at.key >= prefix else Start(prefix, True)
    while True:
        found = objects.listed_versions(tx, bucket, at, end, batch)
        yield from found
        if len(found) < batch:
            return
        last = found[-1]
        below = common_prefix(last.key, prefix, delimiter)
        if below is not None:
            at = Start(after_all_with(below), True)
        else:
            yield from objects.older_versions(tx, bucket, last.key, last.version, batch)
            at = Start(last.key, False)
