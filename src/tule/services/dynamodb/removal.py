"""The end of a table, and of what hangs on it."""

from __future__ import annotations

from tule.services.dynamodb import backups, changes, clearing, errors, sweeping
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.store.store import Tx


def remove(tx: Tx, table: Table) -> None:
    """The table is gone at once; its items follow in the background when they are many.

    Had it point-in-time recovery, it becomes a backup for a while.  Raises ResourceInUseException while it is backed up.
    """
    if table.config.get("pins"):
        raise errors.in_use(f"Attempt to change a resource which is still in use: Table is being backed up or exported: {table.name}")
    changes.table_deleted(tx, table)
    rows.delete(tx, table)
    clearing.clear(tx, table)
    if table.journal:
        backups.keep_deleted(tx, table)
    sweeping.sweep(tx, table.account, table.region, table.arn, [] if table.journal else [table.id], [index.id for index in table.indexes])
