"""What DynamoDB counts for CloudWatch, by table.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.dynamodb.capacity import Usage
from tule.watch.metric_store import Series, Summary

if TYPE_CHECKING:
    from tule.platform.node import Node
    from tule.services.dynamodb.state.replication import Target
    from tule.services.dynamodb.table import Table
    from tule.watch.meter import Meter

NAMESPACE = "AWS/DynamoDB"
MINUTE_MS = 60_000
_MEMORY = "dynamodb.metrics"
_THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException")
_FAILED_CONDITIONS = ("ConditionalCheckFailedException", "DuplicateItemException")
_COUNTED = ("Query", "Scan")  # those that tell how many items they return
_READS = frozenset(("GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"))
_WRITES = frozenset(("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"))
_OF_ITEMS = _READS | _WRITES | {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}

Kind = Literal["read", "write"]
_CAPACITY = {"read": "ConsumedReadCapacityUnits", "write": "ConsumedWriteCapacityUnits"}


class _Busy:
    """Calls of the last moment that touched one table and no index, which are most: how long each took, summed up all together."""

    def __init__(self, meter: Meter) -> None:
        self.took: dict[tuple[str, str, str, int, Kind, str, float], list[float]] = {}
        self.tell = meter.gathers_from(self._sum_up)
        self._meter = meter

    def _sum_up(self) -> None:
        gathered, self.took = self.took, {}
        for (account, region, operation, minute, kind, table, units), seconds in gathered.items():
            name, at_ms = ("TableName", table), minute * MINUTE_MS
            latencies, used = Summary(), Summary()
            for took, count in Counter([int(each * 100_000) for each in seconds]).items():
                latencies.add(took / 100, count)
            used.add(units, len(seconds))
            latency = Series(account, region, NAMESPACE, "SuccessfulRequestLatency", (("Operation", operation), name))
            self._meter.merge(latency, at_ms, "Milliseconds", latencies)
            self._meter.merge(Series(account, region, NAMESPACE, _CAPACITY[kind], (name,)), at_ms, "Count", used)


def _busy(node: Node) -> _Busy:
    found = node.memory[_MEMORY] = _Busy(node.meter)
    return found


def note(call: Call, usage: Usage, kind: Kind) -> None:
    """What a call used of a table, to be counted when it succeeds.  A transaction that runs again notes it again, in its place.

    What touches one table and no index says so itself, which is quicker: kind, the table's name, units.
    """
    if call.measured is None:
        call.measured = {}
    call.measured[usage.table.id, kind] = usage


def note_together(call: Call, usages: Iterable[Usage], kind: Kind) -> None:
    """What a call used in several transactions."""
    call.measured = {(number, kind): usage for number, usage in enumerate(usages)}


def counted(call: Call, params: Mapping[str, Any], answer: Mapping[str, Any] | None, error: ServiceError | None, seconds: float) -> None:
    """How a call ended."""
    operation, measured = call.operation, call.measured
    if answer is not None and type(measured) is tuple:
        busy = call.node.memory.get(_MEMORY) or _busy(call.node)
        key = (call.account, call.region, operation, call.now_ms // MINUTE_MS, *measured)
        took = busy.took.get(key)
        if took is None:
            took = busy.took[key] = []
            busy.tell()
        took.append(seconds)
    elif operation not in _OF_ITEMS:
        if error is not None and error.status < 500:
            _add(call, "UserErrors", (), 1.0)
    elif answer is None:
        _failed(call, params, error)
    elif measured:
        took_ms = int(seconds * 100_000) / 100
        for (_, kind), usage in measured.items():
            _used(call, kind, usage, took_ms)
            if operation in _COUNTED:
                _add_for(call, usage.table, "ReturnedItemCount", (("Operation", operation), ("TableName", usage.table.name)), answer["Count"])


def _used(call: Call, kind: Kind, usage: Usage, took_ms: float) -> None:
    """What was used of a table, counted for its owner, whoever called."""
    table, name, units = usage.table, ("TableName", usage.table.name), usage.units
    for index, used in usage.indexes.items():
        found = table.index(index)
        if found is not None and found.is_global:
            _add_for(call, table, _CAPACITY[kind], (("GlobalSecondaryIndexName", index), name), used)
        else:
            units += used
    _add_for(call, table, "SuccessfulRequestLatency", (("Operation", call.operation), name), took_ms, "Milliseconds")
    _add_for(call, table, _CAPACITY[kind], (name,), units)


def _add_for(call: Call, table: Table, name: str, dimensions: tuple[tuple[str, str], ...], value: float, unit: str = "Count") -> None:
    call.node.meter.add(table.account, table.region, NAMESPACE, name, dimensions, value, unit)


def _failed(call: Call, params: Mapping[str, Any], error: ServiceError | None) -> None:
    if error is None:
        return
    named = params.get("RequestItems") or ((params["TableName"],) if "TableName" in params else ())
    tables = [given.rpartition("/")[2] for given in named]
    reasons = error.fields.get("CancellationReasons") or ()
    failed_conditions = sum(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)
    if error.code in _FAILED_CONDITIONS or failed_conditions:
        for name in tables if not reasons else _tables_of(params, reasons):
            _add(call, "ConditionalCheckFailedRequests", (("TableName", name),), 1.0)
    elif error.code in _THROTTLED:
        for name in tables:
            _add(call, "ThrottledRequests", (("Operation", call.operation), ("TableName", name)), 1.0)
            if call.operation in _READS | _WRITES:
                _add(call, "ReadThrottleEvents" if call.operation in _READS else "WriteThrottleEvents", (("TableName", name),), 1.0)
    elif error.status >= 500:
        for name in tables:
            _add(call, "SystemErrors", (("Operation", call.operation), ("TableName", name)), 1.0)
    else:
        _add(call, "UserErrors", (), 1.0)


def _tables_of(params: Mapping[str, Any], reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of a transaction: the tables whose conditions failed, as often as they did."""
    items: list[dict[str, dict[str, Any]]] = params.get("TransactItems") or []
    return [
        next(iter(item.values()))["TableName"].rpartition("/")[2]
        for item, reason in zip(items, reasons, strict=False)
        if reason.get("Code") == "ConditionalCheckFailed"
    ]


def expired(node: Node, table: Table) -> None:
    """An item was deleted because its time had come."""
    node.meter.add(table.account, table.region, NAMESPACE, "TimeToLiveDeletedItemCount", (("TableName", table.name),), 1.0, "Count")


def replicated(node: Node, target: Target, source: str, took_ms: int) -> None:
    """A change that was made in the region `source` has arrived in another replica."""
    dimensions = (("ReceivingRegion", target.region), ("TableName", target.table_name))
    node.meter.add(target.account, source, NAMESPACE, "ReplicationLatency", dimensions, float(took_ms), "Milliseconds")


def _add(call: Call, name: str, dimensions: tuple[tuple[str, str], ...], value: float) -> None:
    call.node.meter.add(call.account, call.region, NAMESPACE, name, dimensions, value, "Count")
