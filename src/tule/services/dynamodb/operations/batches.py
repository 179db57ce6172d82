"""BatchGetItem and BatchWriteItem.  AWS: DynamoDB API reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.lang.dynamodb import clauses, layers, legacy
from tule.lang.dynamodb.projections import Projection
from tule.lang.dynamodb.values import check_item
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import capacity, item_collections, items, keys, throttling
from tule.services.dynamodb.capacity import Usage
from tule.services.dynamodb.errors import validation
from tule.services.dynamodb.state import items as rows
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import find, find_for_change
from tule.services.dynamodb.writes import Delete, Put
from tule.store.store import Tx

Params = dict[str, Any]
Item = dict[str, Any]

MAX_GETS = 100
MAX_WRITES = 25
MAX_ANSWER_BYTES = 16 << 20
_NOTHING = (b"", 0)


def _too_many(operation: str) -> ServiceError:
    return validation(f"Too many items requested for the {operation} call")


def _duplicates() -> ServiceError:
    return validation("Provided list of item keys contains duplicates")


# BatchGetItem.


@reads
def batch_get_item(call: Call, tx: Tx, params: Params) -> Params:
    requested: dict[str, Params] = params["RequestItems"]
    if sum(len(one["Keys"]) for one in requested.values()) > MAX_GETS:
        raise _too_many("BatchGetItem")
    _check_unmixed(requested)
    gets = [_Gets(call, tx, name, one) for name, one in requested.items()]
    left = MAX_ANSWER_BYTES
    for one in gets:
        left = one.read(tx, left)
    mode = params.get("ReturnConsumedCapacity")
    return {
        "Responses": {one.name: one.shown for one in gets},
        "UnprocessedKeys": {one.name: {**one.asked, "Keys": one.unprocessed} for one in gets if one.unprocessed},
        "ConsumedCapacity": capacity.all_consumed([one.usage for one in gets], mode),
    }


def _check_unmixed(requested: dict[str, Params]) -> None:
    """Raises ValidationException where one table is asked in the older way and another in the newer."""
    if len(requested) > 1:
        together = {name: value for one in requested.values() for name, value in one.items()}
        legacy.check_unmixed(together, ("AttributesToGet",), ("ProjectionExpression",))


def _keys(asked: Params) -> list[Item]:
    try:
        return [check_item(key) for key in asked["Keys"]]
    except ServiceError as error:
        raise layers.current(error) from None


class _Gets:
    """What is asked of one table, and what came of it."""

    def __init__(self, call: Call, tx: Tx, name: str, asked: Params) -> None:
        self.name = name
        self.asked = asked
        self.found: list[bytes] = []
        self.unprocessed: list[Item] = []
        self._projection: Projection | None = clauses.read(asked)
        self._call = call
        given = _keys(asked)
        self.table = find(call.node, tx, call.account, call.region, name)
        self.usage = Usage(self.table, named=name)
        self._positions = [keys.position_of_key(self.table, key) for key in given]
        if len(set(self._positions)) < len(given):
            raise _duplicates()

    @property
    def shown(self) -> orjson.Fragment:
        return orjson.Fragment(b"[" + b",".join(self.found) + b"]")

    def read(self, tx: Tx, left: int) -> int:
        """Read items for as long as the answer has room for `left` bytes; the room that is left then."""
        readable = self._readable()
        wanted = self._positions[:readable]
        found = rows.get_all(tx, self.table.id, wanted) if wanted else {}
        consistent: bool = self.asked.get("ConsistentRead", False)
        units = 0.0
        for number, at in enumerate(wanted):
            data, size = found.get(at, _NOTHING)
            if size > left:
                readable, left = number, 0
                break
            units += capacity.read_units(size, consistent=consistent)
            if data:
                left -= size
                self.found.append(data if self._projection is None else orjson.dumps(self._projection.of(orjson.loads(data))))
        self.unprocessed = self.asked["Keys"][readable:]
        self.usage.add(units)
        throttling.use(self._call, tx, self.usage, "read")
        return left

    def _readable(self) -> int:
        """How many of the keys the table's throughput has room for.  Raises ProvisionedThroughputExceededException for none."""
        if not throttling.is_limited(self._call, self.table):
            return len(self._positions)
        throttling.check(self._call, self.table, "read")
        return max(1, min(len(self._positions), int(throttling.left(self._call, self.table, "read"))))


# BatchWriteItem.


def batch_write_item(call: Call, tx: Tx, params: Params) -> Params:
    requested: dict[str, list[Params]] = params["RequestItems"]
    if sum(map(len, requested.values())) > MAX_WRITES:
        raise _too_many("BatchWriteItem")
    asked = [(name, [_write(one) for one in given]) for name, given in requested.items()]
    fitted = [_Writes(call, tx, name, wanted, requested[name]) for name, wanted in asked]
    mode, metrics = params.get("ReturnConsumedCapacity"), params.get("ReturnItemCollectionMetrics") == "SIZE"
    for one in fitted:
        one.apply(call, tx, counts=mode is not None)
    answer: Params = {
        "UnprocessedItems": {one.name: one.unprocessed for one in fitted if one.unprocessed},
        "ConsumedCapacity": capacity.all_consumed([one.usage for one in fitted], mode),
    }
    if metrics:
        measured = {one.name: one.metrics(tx) for one in fitted if item_collections.are_measured(one.table)}
        answer["ItemCollectionMetrics"] = measured or None
    return answer


def _write(request: Params) -> Put | Delete:
    if len(request) != 1:
        raise validation("Supplied WriteRequest must contain exactly one of PutRequest or DeleteRequest")
    if "PutRequest" in request:
        return Put(items.new_item(check_item(request["PutRequest"]["Item"])))
    return Delete(check_item(request["DeleteRequest"]["Key"]))


class _Writes:
    """What is asked of one table, fitted to it, and what came of it."""

    def __init__(self, call: Call, tx: Tx, name: str, wanted: Sequence[Put | Delete], given: Sequence[Params]) -> None:
        self.name = name
        self.table: Table = find_for_change(call.node, tx, call.account, call.region, name)
        self.usage = Usage(self.table, named=name)
        self.unprocessed: list[Params] = []
        self._given = given
        self._wanted = [(self._position(one), one) for one in wanted]
        if len({at for at, _ in self._wanted}) < len(wanted):
            raise _duplicates()

    def _position(self, write: Put | Delete) -> Position:
        if isinstance(write, Delete):
            return write.position(self.table)
        at = keys.position_in_batch(self.table, write.new.item)
        keys.check_index_keys(self.table, write.new.item)
        return at

    def apply(self, call: Call, tx: Tx, *, counts: bool) -> None:
        limited = throttling.is_limited(call, self.table)
        looks = counts or limited or not items.is_plain(self.table)
        if not looks and all(isinstance(one, Put) for _, one in self._wanted):
            puts = [(at, one.new) for at, one in self._wanted if isinstance(one, Put)]
            items.put_all(tx, self.table, puts)
            self.usage.add(sum(capacity.write_units(new.size) for _, new in puts))
            throttling.use(call, tx, self.usage, "write")
            return
        if limited:
            throttling.check(call, self.table, "write")
        room = throttling.left(call, self.table, "write") if limited else float("inf")
        found = items.find_all(tx, self.table, [at for at, _ in self._wanted]) if looks else {}
        for (at, one), given in zip(self._wanted, self._given, strict=True):
            if self.usage.total > room:
                self.unprocessed.append(given)
                continue
            change = one.apply(tx, self.table, at, found.get(at))
            self.usage.add(change.units, change.index_units)
        throttling.use(call, tx, self.usage, "write")

    def metrics(self, tx: Tx) -> list[Params]:
        """Of each collection once."""
        by_hash = {at.hash: (at, one) for at, one in self._wanted}
        return [item_collections.metrics(tx, self.table, one.new.item if isinstance(one, Put) else one.key, at) for at, one in by_hash.values()]
