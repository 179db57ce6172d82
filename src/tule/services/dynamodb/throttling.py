"""Throughput that tables and global indexes were provisioned with, and maxima on demand, held where `Config.throttling` says so.

Unused units are kept for five minutes and may be used in a burst.  What is too much for the moment is a debt: a request is
let through while its bucket is not empty, and pays what it used.  Each node holds the limits for itself.
AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
"""

from __future__ import annotations

from typing import Literal, cast

from tule.platform.call import Call
from tule.platform.node import Node
from tule.platform.throttling import Bucket
from tule.platform.throttling import is_limited as limits_hold
from tule.services.dynamodb import metrics, refusals
from tule.services.dynamodb.capacity import Usage
from tule.services.dynamodb.table import Index, Table
from tule.store.store import Tx

BURST_S = 300
_MEMORY = "dynamodb.throughput"

Kind = Literal["read", "write"]


Buckets = dict[tuple[int, Kind], Bucket]


def _buckets(node: Node) -> Buckets:
    return cast(Buckets, node.memory.setdefault(_MEMORY, {}))


def forget(node: Node) -> None:
    """After a reset."""
    node.memory.pop(_MEMORY, None)


def _has_maximum(table: Table) -> bool:
    """Whether a table on demand, or an index of it, was given a maximum."""
    return "on_demand_throughput" in table.config or any("on_demand_throughput" in index.config for index in table.indexes)


def is_limited(call: Call, table: Table) -> bool:
    """Whether this call's use of the table is limited: not on demand, and not what the platform does for its services."""
    return limits_hold(call) and (not table.on_demand or _has_maximum(table))


def check(call: Call, table: Table, kind: Kind, index: str | None = None) -> None:
    """Raises ProvisionedThroughputExceededException while the table's, or the index's, units are used up."""
    if not is_limited(call, table):
        return
    for id, rate, name in _limits(table, kind, index):
        if rate and _bucket(call, id, kind, rate).level(call.node.clock.now_ms()) <= 0:
            if table.on_demand:
                raise refusals.maximum_exceeded()
            raise refusals.index_throughput_exceeded() if name else refusals.throughput_exceeded()


def left(call: Call, table: Table, kind: Kind) -> float:
    """Units that a request may use of a provisioned table at once."""
    rate = _rate(table, table, kind)
    return _bucket(call, table.id, kind, rate).level(call.node.clock.now_ms()) if rate else float("inf")


def use(call: Call, tx: Tx, usage: Usage, kind: Kind) -> None:
    """Take what a request used, once it is committed (reads: now); noted for metrics in any case."""
    metrics.note(call, usage, kind)
    if not is_limited(call, usage.table):
        return
    if kind == "read":
        _take(call, usage, kind)
    else:
        tx.after_commit(lambda: _take(call, usage, kind))


def _take(call: Call, usage: Usage, kind: Kind) -> None:
    for id, rate, name in _limits(usage.table, kind, None, every_index=True):
        used = usage.indexes.get(name, 0.0) if name else usage.units + sum(_local(usage))
        if rate and used:
            _bucket(call, id, kind, rate).take(used)


def _local(usage: Usage) -> list[float]:
    """What local indexes used: they share the table's units."""
    return [units for name, units in usage.indexes.items() if (index := usage.table.index(name)) is not None and not index.is_global]


def _limits(table: Table, kind: Kind, index: str | None, *, every_index: bool = False) -> list[tuple[int, int, str]]:
    """Ids, units a second (0 without end) and names ("" for the table) of what limits a request.

    A write needs units of every global index.
    """
    own = (table.id, _rate(table, table, kind), "")
    of_indexes = [
        (one.id, _rate(table, one, kind), one.name)
        for one in table.indexes
        if one.is_global and (every_index or kind == "write" or one.name == index)
    ]
    if index is not None and of_indexes and kind == "read":
        return of_indexes
    return [own, *of_indexes]


def _rate(table: Table, of: Table | Index, kind: Kind) -> int:
    if table.on_demand:
        maximum = of.config.get("on_demand_throughput") or {}
        return max(0, maximum.get("MaxReadRequestUnits" if kind == "read" else "MaxWriteRequestUnits", 0))
    return of.read_units if kind == "read" else of.write_units


def _bucket(call: Call, id: int, kind: Kind, rate: float) -> Bucket:
    buckets = _buckets(call.node)
    bucket = buckets.get((id, kind))
    if bucket is None:
        bucket = buckets[id, kind] = Bucket(rate, call.node.clock.now_ms(), BURST_S)
    bucket.rate = rate  # which may have changed since
    return bucket
