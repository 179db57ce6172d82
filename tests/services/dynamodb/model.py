"""A table of DynamoDB as the documents describe it: a dictionary that every question walks through.

Items are written as in Python: texts, whole numbers, lists, sets of texts.  The table's key is `p` (a text) and `n` (a number).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Item = dict[str, Any]
Key = tuple[str, int]
Change = Callable[[Item], None]


class Failed(Exception):
    """The condition did not hold."""


@dataclass(frozen=True)
class Index:
    """`shown` None: everything."""

    name: str
    hash: str
    range: str | None
    shown: frozenset[str] | None


INDEXES = (
    Index("by-group", "g", None, frozenset(("p", "n", "g"))),
    Index("by-group-and-time", "g", "t", frozenset(("p", "n", "g", "t", "a"))),
    Index("local-by-time", "p", "t", None),
)


@dataclass
class Model:
    items: dict[Key, Item] = field(default_factory=dict[Key, Item])

    def get(self, key: Key) -> Item | None:
        return copy.deepcopy(self.items.get(key))

    def put(self, item: Item, *, only_new: bool = False) -> Item | None:
        """The old item."""
        key = (item["p"], item["n"])
        old = self.get(key)
        if only_new and old is not None:
            raise Failed
        self.items[key] = copy.deepcopy(item)
        return old

    def delete(self, key: Key, *, only_with: str | None = None) -> Item | None:
        """The old item; `only_with` is an attribute that it must have."""
        old = self.get(key)
        if only_with is not None and (old is None or only_with not in old):
            raise Failed
        self.items.pop(key, None)
        return old

    def require(self, key: Key) -> None:
        """The item must be there."""
        if key not in self.items:
            raise Failed

    def update(self, key: Key, change: Change, *, only_there: bool = False) -> Item:
        """The new item; of one that must be there, perhaps."""
        if only_there:
            self.require(key)
        item = self.get(key) or {"p": key[0], "n": key[1]}
        change(item)
        self.items[key] = item
        return copy.deepcopy(item)

    def expire(self, now_s: int) -> None:
        """Remove the items whose time, the attribute `e`, has come."""
        self.items = {key: item for key, item in self.items.items() if item.get("e", now_s + 1) > now_s}

    def together(self, writes: Iterable[Callable[[Model], object]]) -> None:
        """All of these, or none when a condition does not hold."""
        attempt = copy.deepcopy(self)
        for write in writes:
            write(attempt)
        self.items = attempt.items

    def query(self, p: str, low: int, high: int, *, forward: bool = True) -> list[Item]:
        """Items of a partition key whose sort keys lie between two numbers, both included."""
        found = [item for (hash, n), item in self.items.items() if hash == p and low <= n <= high]
        return sorted(copy.deepcopy(found), key=lambda item: item["n"], reverse=not forward)

    def indexed(self, index: Index) -> list[Item]:
        """What an index has: of those items that have its keys, what it shows."""
        names = {index.hash, *((index.range,) if index.range else ())}
        found = [item for item in self.items.values() if names <= item.keys()]
        return [{name: copy.deepcopy(item[name]) for name in item if index.shown is None or name in index.shown} for item in found]

    def of_index(self, index: Index, value: str) -> list[Item]:
        """What an index has of a partition key, in the order of its sort key; equal ones in any order."""
        found = [item for item in self.indexed(index) if item[index.hash] == value]
        return sorted(found, key=lambda item: item[index.range] if index.range else 0)
