"""Moving the items of one table, or of a backup, to another, some at a time.

`past` gives a table as it was at a time, by its journal, however it changes meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.services.dynamodb import indexes, recovery
from tule.services.dynamodb.state import items
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

STEP = 500


class Source(NamedTuple):
    """Items under an id; of a time, where `at_ms` says one."""

    id: int
    at_ms: int | None = None


class Step(NamedTuple):
    """How many items were moved, and how many bytes they have; `after` is None at the end."""

    items: int
    size: int
    after: Position | None


def step(tx: Tx, source: Source, target: int, after: Position, table: Table | None = None) -> Step:
    """Copy the next items; where the target is a table, its indexes get them, too."""
    page = _page(tx, source, after)
    if not page.items:
        return Step(0, 0, page.after)
    found = [(at, stored.item, stored.size) for at, stored in page.items]
    items.put_all(tx, target, found)
    if table is not None:
        indexes.take_in(tx, table, table.kept_indexes, found)
    return Step(len(page.items), sum(stored.size for _, stored in page.items), page.after)


def _page(tx: Tx, source: Source, after: Position) -> recovery.Page:
    if source.at_ms is not None:
        return recovery.page_at(tx, source.id, source.at_ms, after, STEP)
    found, more = items.step(tx, source.id, after, STEP)
    return recovery.Page([(at, items.Stored(text, size)) for at, text, size in found], found[-1][0] if more else None)


def payload(source: Source, after: Position) -> dict[str, Any]:
    """A source and a place in it, for a job."""
    return {"source": source.id, "at_ms": source.at_ms, "hash": after.hash.hex(), "range": after.range.hex()}


def of_payload(given: Mapping[str, Any]) -> tuple[Source, Position]:
    return Source(given["source"], given["at_ms"]), Position(bytes.fromhex(given["hash"]), bytes.fromhex(given["range"]))
