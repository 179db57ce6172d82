"""Who still needs a table's journal: backups and exports that are under way, each with the time from which it reads.

While there is one the table records its changes, whether or not point-in-time recovery is on, and nothing after that time is
trimmed.
"""

from __future__ import annotations

from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.store.store import Tx


def add(tx: Tx, table: Table, user: int, at_ms: int) -> Table:
    pins = table.config.get("pins") or {}
    return table if str(user) in pins else rows.configure(tx, table, pins={**pins, str(user): at_ms})


def remove(tx: Tx, table: Table, user: int) -> Table:
    pins = table.config.get("pins") or {}
    if str(user) not in pins:
        return table
    return rows.configure(tx, table, pins={key: at_ms for key, at_ms in pins.items() if key != str(user)} or None)


def earliest_ms(table: Table) -> int | None:
    """From when on the journal is needed; None when nobody needs it."""
    pins: dict[str, int] = table.config.get("pins") or {}
    return min(pins.values(), default=None)
