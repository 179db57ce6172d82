"""Reading, putting and removing one item, with all that belongs to it: indexes, and who wants to hear of changes.

These are the functions through which every change of an item goes: operations, PartiQL, time to live, imports, replication.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from tule.lang.dynamodb.sizes import LIMIT
from tule.lang.dynamodb.sizes import size as size_of
from tule.lang.dynamodb.values import check_item
from tule.services.dynamodb import capacity, changes, indexes, item_collections, keys, refusals
from tule.services.dynamodb.changes import Origin
from tule.services.dynamodb.state import items as rows
from tule.services.dynamodb.state.items import Position, Stored
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

Item = dict[str, Any]


class Found:
    """An item as it lies in its table: its JSON, its size, and, once somebody asks, itself."""

    __slots__ = ("data", "decoded", "size")

    def __init__(self, data: bytes, size: int, item: Item | None = None) -> None:
        self.data = data
        self.size = size
        self.decoded = item

    @property
    def item(self) -> Item:
        if self.decoded is None:
            self.decoded = orjson.loads(self.data)
        return self.decoded


class Change:
    """What became of an item.  `old` and `new` are None where there is none; `old` also where nobody had to look."""

    __slots__ = ("at", "index_units", "new", "old")

    def __init__(self, at: Position, old: Found | None, new: Found | None, index_units: dict[str, int]) -> None:
        self.at = at
        self.old = old
        self.new = new
        self.index_units = index_units

    @property
    def units(self) -> int:
        """Write units of the table itself."""
        return capacity.write_units(0 if self.old is None else self.old.size, 0 if self.new is None else self.new.size)


def new_item(item: Item) -> Found:
    """An item in normal form, ready to be put.  Raises ValidationException where it is too large."""
    size = size_of(item)
    if size > LIMIT:
        raise refusals.item_too_large()
    return Found(orjson.dumps(item), size, item)


def find(tx: Tx, table: Table, at: Position) -> Found | None:
    row = rows.get(tx, table.id, at)
    return None if row is None else Found(*row)


def find_all(tx: Tx, table: Table, positions: Sequence[Position]) -> dict[tuple[bytes, bytes], Found]:
    """Those that are there."""
    return {at: Found(*row) for at, row in rows.get_all(tx, table.id, positions).items()} if positions else {}


def is_plain(table: Table) -> bool:
    """Whether a change of an item concerns nothing but the item: it need not be known what was there."""
    return not (table.indexes or table.records_changes or table.ttl_attribute)


def put(tx: Tx, table: Table, at: Position, old: Found | None, new: Found, *, origin: Origin | None = None) -> Change:
    """Put `new` where `old` was found; a plain table's need not have been looked for."""
    rows.put(tx, table.id, at, new.data, new.size)
    return Change(at, old, new, {} if is_plain(table) else _tell(tx, table, at, old, new, origin))


def put_first(tx: Tx, table: Table, at: Position, new: Found) -> Change | None:
    """Put `new` where nothing is; None, and nothing done, where something is.

    Nobody looks before: on PostgreSQL who looks for what is not there stands in the way of all who insert nearby.
    """
    if not rows.put_first(tx, table.id, at, new.data, new.size):
        return None
    return Change(at, None, new, {} if is_plain(table) else _tell(tx, table, at, None, new, None))


def put_all(tx: Tx, table: Table, new: Sequence[tuple[Position, Found]]) -> None:
    """Put items into a plain table."""
    rows.put_all(tx, table.id, [(at, one.data, one.size) for at, one in new])


def remove(tx: Tx, table: Table, at: Position, old: Found | None, *, origin: Origin | None = None) -> Change:
    """Remove what was found, if anything; a plain table's need not have been looked for."""
    rows.delete(tx, table.id, at)
    return Change(at, old, None, {} if old is None or is_plain(table) else _tell(tx, table, at, old, None, origin))


def _tell(tx: Tx, table: Table, at: Position, old: Found | None, new: Found | None, origin: Origin | None) -> dict[str, int]:
    before, after = _stored(old), _stored(new)
    units: dict[str, int] = {}
    if table.indexes:
        units, grown = indexes.maintain(tx, table, at, None if old is None else old.item, before, None if new is None else new.item, after)
        if table.local_indexes:
            grown += (0 if new is None else new.size) - (0 if old is None else old.size)
            item_collections.grow(tx, table, at, grown, is_limited=origin is None)
    if table.records_changes or table.ttl_attribute:
        known = new or old
        key = {} if known is None else keys.key_of(table, known.item)
        old_item, new_item = None if old is None else old.decoded, None if new is None else new.decoded
        changes.record(tx, table, key, old_item, new_item, old=before, new=after, at=at, origin=origin)
    return units


def _stored(found: Found | None) -> Stored | None:
    return None if found is None else Stored(found.data, found.size)


def write_item(tx: Tx, table: Table, item: Item, *, origin: Origin | None = None) -> Change:
    """Put an item.  Raises ValidationException as PutItem does."""
    item = check_item(item)
    at = keys.position_of_item(table, item)
    keys.check_index_keys(table, item)
    return put(tx, table, at, None if is_plain(table) else find(tx, table, at), new_item(item), origin=origin)
