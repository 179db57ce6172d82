"""What a stream is to its reader, whichever service keeps it: shards, iterators, pages of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tule.pollers.contract import Record


@dataclass(slots=True, frozen=True)
class Shard:
    """`parents` are those that it was made of: their records come before its own."""

    id: str
    parents: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Page:
    """`following` is where the next page begins; None at the end of a shard that was closed.  `more`: it has records already."""

    records: Sequence[Record]
    following: str | None
    more: bool


class IteratorExpired(Exception):
    """Ask for another one."""


class Busy(Exception):
    """Too many have read too much; later."""


class Stream(Protocol):
    """All of these raise ServiceError when the stream may not be read, or is gone."""

    async def shards(self) -> list[Shard]:
        """Those that still have records, or will have."""
        ...

    async def begin(self, shard: str) -> str:
        """An iterator at the place where the source says that reading begins.  Also raises Busy."""
        ...

    async def after(self, shard: str, sequence: str) -> str:
        """An iterator behind a record, or where what is left of the shard begins when that record is gone.  Also raises Busy."""
        ...

    async def read(self, shard: str, iterator: str, limit: int) -> Page:
        """Also raises IteratorExpired, Busy."""
        ...
