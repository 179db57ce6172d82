"""Finding tables, without a look at their rows each time.

A node remembers the tables that it met.  What changes a table wakes `CHANGED`, and every node forgets what it remembers:
this one before the change is answered, others a moment later.  So a read may trust its memory; a write must not, because
an index that came meanwhile would miss the item: `find_for_change` compares the version, in the writing transaction.

A reading transaction that began before a change may remember after it what it saw; and hints between nodes may be lost.
So a memory is trusted for a second only, and confirmed then by its version.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.dynamodb import errors
from tule.services.dynamodb.names import TableRef, table_ref
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Index, Keys, Table
from tule.store.store import Tx

__all__ = ["Index", "Keys", "Table", "described", "find", "find_for_change", "forget", "remembered", "table_of"]

TRUSTED_S = 1.0
_MEMORY = "dynamodb.tables"

Refusal = Callable[[str], ServiceError]


@dataclass(slots=True)
class _Known:
    table: Table
    confirmed: float  # monotonic seconds


class _Memory:
    def __init__(self, node: Node) -> None:
        self.known: dict[TableRef, _Known] = {}
        node.store.subscribe(rows.CHANGED, self.known.clear)

    def get(self, tx: Tx, ref: TableRef) -> Table | None:
        known = self.known.get(ref)
        if known is not None:
            now = time.monotonic()
            if now - known.confirmed < TRUSTED_S:
                return known.table
            if rows.version_of(tx, known.table.id) == known.table.version:
                known.confirmed = now
                return known.table
        return self.load(tx, ref)

    def get_current(self, tx: Tx, ref: TableRef) -> Table | None:
        known = self.known.get(ref)
        if known is not None and rows.version_of(tx, known.table.id) == known.table.version:
            return known.table
        table = rows.find(tx, *ref)
        if table is not None:
            now = time.monotonic()
            tx.after_commit(lambda: self.known.__setitem__(ref, _Known(table, now)))  # not before: it may be rolled back
        return table

    def load(self, tx: Tx, ref: TableRef) -> Table | None:
        table = rows.find(tx, *ref)
        if table is not None:
            self.known[ref] = _Known(table, time.monotonic())
        return table


def _memory(node: Node) -> _Memory:
    memory = node.memory.get(_MEMORY)
    if memory is None:
        memory = node.memory[_MEMORY] = _Memory(node)
    return memory


def forget(node: Node) -> None:
    """For reset."""
    _memory(node).known.clear()


def find(node: Node, tx: Tx, account: str, region: str, name_or_arn: str, refusal: Refusal = errors.no_resource) -> Table:
    """The table, for reads of its items.  Raises `refusal(name)` when there is none, or none whose items can be read yet."""
    ref = table_ref(account, region, name_or_arn)
    return _usable(_memory(node).get(tx, ref), ref, refusal)


def find_for_change(node: Node, tx: Tx, account: str, region: str, name_or_arn: str, refusal: Refusal = errors.no_resource) -> Table:
    """The table as it is in this transaction, for changes of its items.  Raises `refusal(name)`."""
    ref = table_ref(account, region, name_or_arn)
    return _usable(_memory(node).get_current(tx, ref), ref, refusal)


async def remembered(node: Node, ref: TableRef) -> Table | None:
    """The table without a transaction, as of a moment ago: for permissions, which are asked for before the operation looks."""
    memory = _memory(node)
    known = memory.known.get(ref)
    return known.table if known is not None else await node.store.read(lambda tx: memory.load(tx, ref))


def described(tx: Tx, account: str, region: str, name_or_arn: str, refusal: Refusal = errors.no_table) -> Table:
    """The table whatever its status, from its row: for operations on tables themselves.  Raises `refusal(name)`."""
    ref = table_ref(account, region, name_or_arn)
    table = rows.find(tx, *ref)
    if table is None:
        raise refusal(ref.name)
    return table


def table_of(call: Call, tx: Tx, name_or_arn: str, refusal: Refusal = errors.no_table) -> Table:
    """`described`, for the account and region of a call."""
    return described(tx, call.account, call.region, name_or_arn, refusal)


def _usable(table: Table | None, ref: TableRef, refusal: Refusal) -> Table:
    if table is None or not table.is_usable:
        raise refusal(ref.name)
    return table
