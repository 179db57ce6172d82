"""Puts, deletes, updates and condition checks of one item, as requests, batches, transactions and PartiQL ask for them.

A write knows what was asked and nothing of the table; `position` fits it to one, refusing what does not, and `apply` does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tule.lang.dynamodb import clauses
from tule.lang.dynamodb.conditions import Condition
from tule.lang.dynamodb.sizes import LIMIT
from tule.lang.dynamodb.sizes import size as size_of
from tule.lang.dynamodb.updates import Update as UpdateClause
from tule.lang.dynamodb.values import check_item
from tule.services.dynamodb import items, keys, refusals
from tule.services.dynamodb.items import Change, Found
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

Item = dict[str, Any]
Params = dict[str, Any]


class ConditionFailed(Exception):
    """`found` is the item that did not satisfy the condition, or None."""

    def __init__(self, found: Found | None) -> None:
        super().__init__()
        self.found = found


@dataclass(slots=True)
class Put:
    """`new` is in normal form."""

    new: Found
    condition: Condition | None = None
    looks = False  # whether it must see what is there, whatever the table

    def position(self, table: Table) -> Position:
        """Raises ValidationException where the item has not the table's key, or what an index cannot take."""
        at = keys.position_of_item(table, self.new.item)
        if table.indexes:
            keys.check_index_keys(table, self.new.item)
        return at

    def apply(self, tx: Tx, table: Table, at: Position, old: Found | None) -> Change:
        return items.put(tx, table, at, old, self.new)


@dataclass(slots=True)
class Delete:
    key: Item
    condition: Condition | None = None
    looks = False

    def position(self, table: Table) -> Position:
        """Raises ValidationException for what is not the table's key."""
        return keys.position_of_key(table, self.key)

    def apply(self, tx: Tx, table: Table, at: Position, old: Found | None) -> Change:
        return items.remove(tx, table, at, old)


@dataclass(slots=True)
class Check:
    """A transaction's condition on an item that it does not change."""

    key: Item
    condition: Condition | None = None
    looks = True

    def position(self, table: Table) -> Position:
        """Raises ValidationException for what is not the table's key."""
        return keys.position_of_key(table, self.key)

    def apply(self, tx: Tx, table: Table, at: Position, old: Found | None) -> Change:
        return Change(at, old, old, {})


@dataclass(slots=True)
class Update:
    """`clause` None makes sure that the item is there."""

    key: Item
    clause: UpdateClause | None
    condition: Condition | None = None
    looks = True

    def position(self, table: Table) -> Position:
        """Raises ValidationException for what is not the table's key, and for changes of a key."""
        at = keys.position_of_key(table, self.key)
        if self.clause is not None:
            self.clause.check_keys(table.keys.all)
            if table.indexes:
                _check_index_paths(table, self.clause)
        return at

    def apply(self, tx: Tx, table: Table, at: Position, old: Found | None) -> Change:
        """Raises ValidationException where the update does not fit the item, or makes it too large."""
        before = None if old is None else old.item
        if before is None and self.clause is not None and self.clause.only_removes:
            return Change(at, None, None, {})
        after = dict(before or self.key) if self.clause is None else self.clause.apply(before, self.key).item
        size = size_of(after)
        if size > LIMIT:
            raise refusals.updated_item_too_large()
        if table.indexes and self.clause is not None:
            keys.check_index_keys(table, {name: after[name] for name in self.clause.written if name in after})
        return items.put(tx, table, at, old, Found(orjson.dumps(after), size, after))


Write = Put | Delete | Update | Check


def put(params: Params) -> Put:
    """What PutItem, or a transaction's Put, asks."""
    condition = clauses.written(params)
    return Put(items.new_item(check_item(params["Item"])), condition)


def delete(params: Params) -> Delete:
    condition = clauses.written(params)
    return Delete(check_item(params["Key"]), condition)


def check(params: Params) -> Check:
    condition = clauses.written(params)
    return Check(check_item(params["Key"]), condition)


def update(params: Params) -> Update:
    clause, condition = clauses.updated(params)
    return Update(check_item(params["Key"]), clause, condition)


def _check_index_paths(table: Table, clause: UpdateClause) -> None:
    """An attribute of an index's key is changed as a whole or not at all."""
    names = {name for index in table.kept_indexes for name in index.keys.all}
    for path in clause.paths:
        if len(path) > 1 and path[0] in names:
            raise refusals.nested_index_key(str(path[0]))


def run(tx: Tx, table: Table, write: Write, *, looks: bool = False) -> Change:
    """Do one write; `looks` to see what was there in any case.  Raises ConditionFailed and what `position` and `apply` raise."""
    at = write.position(table)
    condition = write.condition
    if condition is None and isinstance(write, Put) and (looks or not items.is_plain(table)):
        first = items.put_first(tx, table, at, write.new)
        if first is not None:
            return first
    old = items.find(tx, table, at) if looks or condition is not None or write.looks or not items.is_plain(table) else None
    if condition is not None and not condition.matches(None if old is None else old.item):
        raise ConditionFailed(old)
    return write.apply(tx, table, at, old)
