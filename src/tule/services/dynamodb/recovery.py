"""Tables as they were at a time: their items now, with what changed since then undone.

The journal has, of every change while point-in-time recovery is on, the item as the change found it.  A page takes the next
items that are there and the next that changed since, side by side in the order of their positions; so a table is gone through
in steps, each of which may be a transaction of its own: what changes between them is in the journal, too.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
"""

from __future__ import annotations

from typing import NamedTuple

from tule.platform.node import Node
from tule.services.dynamodb import pins
from tule.services.dynamodb.state import items, journal
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.state.items import START, Position, Stored
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

DAY_MS = 86_400_000
DAYS = 35  # how far back a table can be restored, unless it says less
TRIMMED_AT_ONCE = 1_000


class Page(NamedTuple):
    """Items with their positions, in order; `after` is where the next page begins, None at the end."""

    items: list[tuple[Position, Stored]]
    after: Position | None


class Window(NamedTuple):
    """The times to which a table can be restored."""

    earliest_ms: int
    latest_ms: int


def page_at(tx: Tx, table: int, at_ms: int, after: Position = START, limit: int = 500) -> Page:
    """The next items after a position of a table as it was at `at_ms`, changes in that very millisecond included."""
    present, more = items.step(tx, table, after, limit)
    changed, more_changed = journal.changed_since(tx, table, at_ms, after, limit)
    ends = [page[-1][0] for page, goes_on in ((present, more), (changed, more_changed)) if goes_on]
    end = min(ends) if ends else None
    found: dict[Position, Stored | None] = {at: Stored(text, size) for at, text, size in present}
    found.update(changed)
    return Page([(at, found[at]) for at in sorted(found) if found[at] is not None and (end is None or at <= end)], end)  # type: ignore[misc]


def window(table: Table, now_ms: int) -> Window:
    """Of a table whose point-in-time recovery is on.  AWS's latest time is some minutes ago; here every change counts at once."""
    earliest_ms = max(table.config["journal_ms"], now_ms - days(table) * DAY_MS)
    return Window(earliest_ms, max(earliest_ms, now_ms))


def days(table: Table) -> int:
    return table.config.get("journal_days", DAYS)


async def trim(node: Node) -> None:
    """Remove what no restore can ask for any more: a reconciler's run."""
    for id in await node.store.read(journal.tables):
        while await node.store.write(lambda tx, id=id: _trim_some(tx, id)):
            pass


def _trim_some(tx: Tx, id: int) -> bool:
    table = rows.by_id(tx, id)
    until_ms = tx.now_ms if table is None or not table.journal else window(table, tx.now_ms).earliest_ms
    pinned_ms = None if table is None else pins.earliest_ms(table)
    until_ms = until_ms if pinned_ms is None else min(until_ms, pinned_ms)
    return journal.trim(tx, id, until_ms, TRIMMED_AT_ONCE) == TRIMMED_AT_ONCE
