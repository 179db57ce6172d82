"""Which items changed between two times, out of the journal: each with what it was before and after."""

from __future__ import annotations

from typing import NamedTuple

from tule.services.dynamodb.state import items
from tule.services.dynamodb.state.items import STEP_BYTES, Position, Stored
from tule.store.store import Tx

_CHANGED = (
    "SELECT hash, range, min(sequence), max(at_ms) FROM dynamodb_journal WHERE table_id = ? AND at_ms >= ? AND at_ms < ?"
    " AND (hash, range) > (?, ?) GROUP BY hash, range ORDER BY hash, range LIMIT ?"
)
_BEFORE = "SELECT item, size FROM dynamodb_journal WHERE sequence = ?"
_LATER = "SELECT item, size FROM dynamodb_journal WHERE table_id = ? AND hash = ? AND range = ? AND at_ms >= ? ORDER BY sequence LIMIT 1"


class ChangedItem(NamedTuple):
    """`old` and `new` are None where there was no item; `at_ms` is the time of the last change."""

    at: Position
    old: Stored | None
    new: Stored | None
    at_ms: int


def between(tx: Tx, table: int, from_ms: int, to_ms: int, after: Position, limit: int) -> tuple[list[ChangedItem], bool]:
    """The next items after a position that changed from the one time on and before the other, and whether there may be more."""
    found: list[ChangedItem] = []
    room = STEP_BYTES
    for hash, range, first, at_ms in tx.all(_CHANGED, table, from_ms, to_ms, *after, limit):
        at = Position(hash, range)
        before = tx.one(_BEFORE, first)
        later = tx.one(_LATER, table, hash, range, to_ms)
        new = items.get(tx, table, at) if later is None else _stored(later)
        found.append(ChangedItem(at, _stored(before), new, at_ms))
        room -= sum(one.size for one in found[-1][1:3] if one is not None)
        if room <= 0:
            return found, True
    return found, len(found) == limit


def _stored(row: tuple[bytes | None, int | None] | tuple[object, ...] | None) -> Stored | None:
    return None if row is None or row[0] is None else Stored(row[0], row[1])  # type: ignore[arg-type]
