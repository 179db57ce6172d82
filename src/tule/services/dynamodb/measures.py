"""How many items and bytes tables and indexes hold, as descriptions show it.

AWS: "DynamoDB updates this value approximately every six hours. Recent changes might not be reflected in this value."  Small
tables are counted whenever they are described; of larger ones an earlier count is shown for a while, the longer the dearer it
was, at most six hours.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from tule.platform.node import Node
from tule.services.dynamodb.state import counts
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

FRESH_MS = 6 * 3_600_000
PATIENCE_S = 0.2
COST_SHARE = 100
SMALL = 2_000  # items that are counted while somebody waits
_MEMORY = "dynamodb.measures"


@dataclass(slots=True)
class Measures:
    """`indexes` gives items and bytes by index's id.  `is_whole` is false where only the first items were counted."""

    table: int
    items: int = 0
    size: int = 0
    indexes: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    is_whole: bool = True
    measured_ms: int = 0
    counted_s: float = 0.0  # by the clock that nobody turns
    took_s: float = 0.0


class _Memory:
    def __init__(self) -> None:
        self.known: dict[int, Measures] = {}
        self.counting: dict[int, asyncio.Task[None]] = {}


def _memory(node: Node) -> _Memory:
    return node.memory.setdefault(_MEMORY, _Memory())


def forget(node: Node) -> None:
    """For reset."""
    node.memory.pop(_MEMORY, None)


def first_look(tx: Tx, table: Table) -> Measures:
    """What a table holds, counted as far as that is cheap."""
    items, size = counts.table(tx, table.id, SMALL + 1)
    indexes = {index.id: counts.index(tx, index.id, SMALL + 1) for index in table.indexes}
    whole = items <= SMALL and all(count <= SMALL for count, _ in indexes.values())
    return Measures(table.id, items, size, indexes, whole, tx.now_ms)


def remembered(node: Node, table: Table, now_ms: int) -> Measures | None:
    """An earlier count that is good enough still."""
    known = _memory(node).known.get(table.id)
    return known if known is not None and _is_fresh(known, now_ms) else None


async def shown(node: Node, table: Table, looked: Measures) -> Measures:
    """What to show of a table after a first look: its own, or a count of everything, taken on a thread.

    Who describes a table waits a moment for a count; one that took longer is shown by the next description.
    """
    if looked.is_whole:
        return looked
    memory = _memory(node)
    counting = memory.counting.get(table.id)
    if counting is None:
        counting = memory.counting[table.id] = asyncio.create_task(_count(node, memory, table), name=f"count items of {table.arn}")
        counting.add_done_callback(lambda _: memory.counting.pop(table.id, None))
    await asyncio.wait((counting,), timeout=PATIENCE_S)
    return memory.known.get(table.id) or looked


def _is_fresh(known: Measures, now_ms: int) -> bool:
    """For as long as six hours where counting is dear, and for a hundred times as long as it took."""
    since_s = time.perf_counter() - known.counted_s
    return abs(now_ms - known.measured_ms) < FRESH_MS and since_s < known.took_s * COST_SHARE


async def _count(node: Node, memory: _Memory, table: Table) -> None:
    began = time.perf_counter()
    found = await node.store.snapshot(lambda tx: _everything(tx, table))
    found.counted_s = time.perf_counter()
    found.took_s = found.counted_s - began
    memory.known[table.id] = found


def _everything(tx: Tx, table: Table) -> Measures:
    items, size = counts.table(tx, table.id)
    return Measures(table.id, items, size, {index.id: counts.index(tx, index.id) for index in table.indexes}, True, tx.now_ms)
