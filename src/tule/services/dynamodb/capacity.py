"""Capacity units: what reads and writes use, and how answers say it.

A read uses a unit for each 4 KB, half of that when it may be stale and twice when it is of a transaction; a write one for each
KB of the larger of the item's two states, twice in a transaction, and more for each index that it changes.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-unit-calculations.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tule.services.dynamodb.table import Table

READ_BYTES = 4_096
WRITE_BYTES = 1_024
_SCANNED_PARTITIONS = 4  # that a table on demand begins with; a scan rounds up in each


def read_units(size: int, *, consistent: bool) -> float:
    """Of `size` bytes that were read; what is not there uses as much as the smallest item."""
    units = -(-size // READ_BYTES) or 1
    return float(units) if consistent else units / 2


def write_units(*sizes: int) -> int:
    """Of an item's states before and after."""
    return -(-max(sizes) // WRITE_BYTES) or 1


def scan_units(table: Table, size: int, *, consistent: bool) -> float:
    """Of a whole table's scan."""
    least = _SCANNED_PARTITIONS if table.on_demand else 1
    return read_units(size, consistent=consistent) if size > least * READ_BYTES else least * (1.0 if consistent else 0.5)


@dataclass(slots=True)
class Usage:
    """What one request used of one table."""

    table: Table
    units: float = 0.0
    indexes: dict[str, float] = field(default_factory=dict[str, float])
    touches_table: bool = True
    named: str = ""  # as the request named the table: by its ARN, perhaps

    def add(self, units: float, indexes: dict[str, int] | None = None, factor: int = 1) -> None:
        self.units += units * factor
        for name, used in (indexes or {}).items():
            self.indexes[name] = self.indexes.get(name, 0.0) + used * factor

    @property
    def total(self) -> float:
        return self.units + sum(self.indexes.values())


def consumed(usage: Usage, mode: str | None, transaction: str = "") -> dict[str, Any] | None:
    """ConsumedCapacity as `ReturnConsumedCapacity` wants it; None for NONE.  `transaction` is Read or Write in one."""
    if mode is None or mode == "NONE":
        return None
    total = usage.total
    answer: dict[str, Any] = {"TableName": usage.named or usage.table.name, "CapacityUnits": total}
    if transaction:
        answer[f"{transaction}CapacityUnits"] = total
    if mode == "INDEXES":
        answer |= _by_index(usage, transaction)
    return answer


def _by_index(usage: Usage, transaction: str) -> dict[str, Any]:
    parts: dict[str, Any] = {"Table": _part(usage.units, transaction)} if usage.touches_table else {}
    for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
        of_kind = {
            index.name: _part(usage.indexes[index.name], transaction)
            for index in usage.table.indexes
            if index.is_global is is_global and index.name in usage.indexes
        }
        if of_kind:
            parts[member] = of_kind
    return parts


def _part(units: float, transaction: str) -> dict[str, float]:
    return {"CapacityUnits": units} | ({f"{transaction}CapacityUnits": units} if transaction else {})


def all_consumed(usages: Iterable[Usage], mode: str | None, transaction: str = "") -> list[dict[str, Any]] | None:
    """The same for several tables."""
    if mode is None or mode == "NONE":
        return None
    return [answer for usage in usages if (answer := consumed(usage, mode, transaction)) is not None]
