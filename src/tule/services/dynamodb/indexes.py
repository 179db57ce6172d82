"""Keeping secondary indexes, in the transaction of the item's change, and filling one that is new.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/SecondaryIndexes.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.lang.dynamodb.values import size as size_of
from tule.services.dynamodb import keys
from tule.services.dynamodb.state import index_items, items
from tule.services.dynamodb.state.index_items import Place
from tule.services.dynamodb.state.items import Position, Stored
from tule.services.dynamodb.table import ALL, INCLUDE, Index, Table
from tule.store.store import Tx

Item = Mapping[str, Any]

KB = 1024


def maintain(
    tx: Tx, table: Table, at: Position, old: Item | None, old_stored: Stored | None, new: Item | None, new_stored: Stored | None
) -> tuple[dict[str, int], int]:
    """Bring every index of the table from an item's old state to its new one.

    The write units by index, where there were any, and by how many bytes the local ones grew.
    """
    units: dict[str, int] = {}
    grown = 0
    for index in table.kept_indexes:
        used, more = _maintain(tx, table, index, at, old, old_stored, new, new_stored)
        if used:
            units[index.name] = used
        if not index.is_global:
            grown += more
    return units, grown


def _maintain(
    tx: Tx, table: Table, index: Index, at: Position, old: Item | None, old_stored: Stored | None, new: Item | None, new_stored: Stored | None
) -> tuple[int, int]:
    before = keys.place(table, index, old, at) if old is not None else None
    after = keys.place(table, index, new, at) if new is not None else None
    if before is None and after is None:
        return 0, 0
    before_row = _row(table, index, old, old_stored) if before is not None else None
    after_row = _row(table, index, new, new_stored) if after is not None else None
    if before == after and before_row == after_row:
        return 0, 0
    used = 0
    if before is not None and before != after:
        index_items.delete(tx, index.id, before)
        used += _units(before_row)
    if after is not None and after_row is not None:
        index_items.put(tx, index.id, after, *after_row)
        used += max(_units(before_row), _units(after_row)) if before == after else _units(after_row)
    return used, _bytes(after_row) - _bytes(before_row)


def _bytes(row: Stored | None) -> int:
    return 0 if row is None else row.size


def _units(row: Stored | None) -> int:
    return 0 if row is None else max(1, -(-row.size // KB))


def _row(table: Table, index: Index, item: Item | None, stored: Stored | None) -> Stored | None:
    if item is None or stored is None or index.projection == ALL:
        return stored
    shown = projected(table, index, item)
    return Stored(orjson.dumps(shown), size_of(shown))


def projected(table: Table, index: Index, item: Item) -> dict[str, Any]:
    """What an index shows of an item."""
    if index.projection == ALL:
        return dict(item)
    names = {*table.keys.all, *index.keys.all}
    if index.projection == INCLUDE:
        names |= index.included
    return {name: value for name, value in item.items() if name in names}


def backfill(tx: Tx, table: Table, index: Index, after: Position, limit: int) -> Position | None:
    """Put up to `limit` items beyond `after` into a new index.  Where to go on, or None at the table's end.

    What is written meanwhile keeps the index itself; a step sees it, so both may come in any order.
    """
    step = items.step(tx, table.id, after, limit)
    take_in(tx, table, (index,), step.items)
    return step.items[-1][0] if step.more else None


def take_in(tx: Tx, table: Table, indexes: Sequence[Index], found: Sequence[tuple[Position, bytes, int]]) -> None:
    """Put items into indexes that have none of them yet.

    Items that lack an index's keys, or whose attributes cannot be its keys, are left out, as AWS leaves them out.
    """
    rows: list[tuple[int, Place, bytes, int]] = []
    for at, text, size in found if indexes else ():
        item = orjson.loads(text)
        for index in indexes:
            where = keys.place(table, index, item, at)
            row = _row(table, index, item, Stored(text, size))
            if where is not None and row is not None:
                rows.append((index.id, where, row.item, row.size))
    if rows:
        index_items.put_all(tx, rows)
