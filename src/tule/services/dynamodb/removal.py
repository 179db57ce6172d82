"""The end of a table, and of what hangs on it."""

from __future__ import annotations

from tule.services.dynamodb import changes, sweeping
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.store.store import Tx


def remove(tx: Tx, table: Table) -> None:
    """The table is gone at once; its items follow in the background when they are many."""
    changes.table_deleted(tx, table)
    rows.delete(tx, table)
    sweeping.sweep_table(tx, table)
