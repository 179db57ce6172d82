"""TransactWriteItems and TransactGetItems.  AWS: DynamoDB API reference."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson
from orjson import Fragment

from tule.core.errors import ServiceError
from tule.lang.dynamodb import clauses
from tule.lang.dynamodb.projections import Projection
from tule.lang.dynamodb.sizes import size as size_of
from tule.lang.dynamodb.values import check_item
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import capacity, item_collections, items, keys, refusals, throttling, transacting, writes
from tule.services.dynamodb.capacity import Usage
from tule.services.dynamodb.errors import validation
from tule.services.dynamodb.items import Found
from tule.services.dynamodb.state import tokens
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.state.tokens import Earlier
from tule.services.dynamodb.table import Table
from tule.services.dynamodb.tables import find
from tule.services.dynamodb.transacting import FACTOR, Asked, Done
from tule.services.dynamodb.writes import Put, Write
from tule.store.store import Tx

Params = dict[str, Any]
Get = tuple[Table, Position, Projection | None]

MAX_BYTES = 4 << 20

_WRITES = {"ConditionCheck": writes.check, "Put": writes.put, "Delete": writes.delete, "Update": writes.update}


def transact_write_items(call: Call, tx: Tx, params: Params) -> Params:
    token = params.get("ClientRequestToken")
    if token is None:
        return _written(tx, params, _write(call, tx, params))
    digest = blake2b(orjson.dumps(params["TransactItems"], option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    earlier = tokens.find(tx, call.account, call.region, token)
    if earlier is None:
        done = _write(call, tx, params, looks=True)
        tokens.keep(tx, call.account, call.region, token, Earlier(digest, _reads_instead(done)))
        return _written(tx, params, done)
    if earlier.digest != digest:
        raise refusals.token_reused()
    return _again(params, earlier)


def _write(call: Call, tx: Tx, params: Params, *, looks: bool = False) -> list[Done]:
    asked = [_asked(one) for one in params["TransactItems"]]
    if sum(_payload(one, given) for one, given in zip(asked, params["TransactItems"], strict=True)) > MAX_BYTES:
        raise validation("Transaction payload size cannot exceed 4194304 bytes")
    return transacting.run(call, tx, asked, looks=looks or "ReturnConsumedCapacity" in params)


def _asked(item: Params) -> Asked:
    if len(item) != 1:
        raise validation("TransactItems can only contain one of Check, Put, Update or Delete")
    kind, given = next(iter(item.items()))
    write: Write = _WRITES[kind](given)
    return Asked(given["TableName"], write, given.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")


def _payload(asked: Asked, item: Params) -> int:
    """Bytes of what a write brings along; what it finds does not count."""
    if isinstance(asked.write, Put):
        return asked.write.new.size
    given = next(iter(item.values()))
    return size_of(asked.write.key) + size_of(given.get("ExpressionAttributeValues") or {})


def _written(tx: Tx, params: Params, done: Sequence[Done]) -> Params:
    answer: Params = {"ConsumedCapacity": capacity.all_consumed(transacting.used(done), params.get("ReturnConsumedCapacity"), "Write")}
    if params.get("ReturnItemCollectionMetrics") == "SIZE":
        answer["ItemCollectionMetrics"] = _metrics(tx, done) or None
    return answer


def _metrics(tx: Tx, done: Sequence[Done]) -> dict[str, list[Params]]:
    metrics: dict[str, list[Params]] = {}
    for one in {(one.table.id, one.change.at.hash): one for one in done}.values():
        if item_collections.are_measured(one.table):
            key = one.write.new.item if isinstance(one.write, Put) else one.write.key
            metrics.setdefault(one.table.name, []).append(item_collections.metrics(tx, one.table, key, one.change.at))
    return metrics


def _reads_instead(done: Sequence[Done]) -> bytes:
    """What the same request costs with the same token: it reads the items, and changes nothing."""
    units: dict[str, float] = {}
    for one in done:
        found = one.change.new or one.change.old
        used = capacity.read_units(0 if found is None else found.size, consistent=True) * FACTOR
        units[one.table.name] = units.get(one.table.name, 0.0) + used
    return orjson.dumps(units)


def _again(params: Params, earlier: Earlier) -> Params:
    mode = params.get("ReturnConsumedCapacity", "NONE")
    if mode == "NONE":
        return {}
    used: list[Params] = []
    for name, units in orjson.loads(earlier.answer).items():
        read = {"CapacityUnits": units, "ReadCapacityUnits": units}
        used.append({"TableName": name, **read, **({"Table": read} if mode == "INDEXES" else {})})
    return {"ConsumedCapacity": used}


@reads
def transact_get_items(call: Call, tx: Tx, params: Params) -> Params:
    asked: list[Params] = params["TransactItems"]
    gets = [_get(call, tx, one["Get"], number, len(asked)) for number, one in enumerate(asked)]
    if len({(table.id, at) for table, at, _ in gets}) < len(gets):
        raise validation("Transaction request cannot include multiple operations on one item")
    found = [items.find(tx, table, at) for table, at, _ in gets]
    if sum(one.size for one in found if one is not None) > MAX_BYTES:
        raise validation("Aggregated size of all items in the transaction has exceeded the maximum size limit of 4194304 bytes")
    usages: dict[int, Usage] = {}
    for given, (table, _, _), one in zip(params["TransactItems"], gets, found, strict=True):
        used = capacity.read_units(0 if one is None else one.size, consistent=True)
        usages.setdefault(table.id, Usage(table, named=given["Get"]["TableName"])).add(used, factor=FACTOR)
    for usage in usages.values():
        throttling.use(call, tx, usage, "read")
    return {
        "Responses": [_shown(one, projection) for one, (_, _, projection) in zip(found, gets, strict=True)],
        "ConsumedCapacity": capacity.all_consumed(usages.values(), params.get("ReturnConsumedCapacity"), "Read"),
    }


def _get(call: Call, tx: Tx, given: Params, number: int, count: int) -> Get:
    projection = clauses.read(given)
    key = check_item(given["Key"])
    table = find(call.node, tx, call.account, call.region, given["TableName"])
    throttling.check(call, table, "read")
    try:
        return table, keys.position_of_key(table, key), projection
    except ServiceError as error:
        raise transacting.invalid_at(number, count, error) from None


def _shown(found: Found | None, projection: Projection | None) -> Params:
    if found is None:
        return {}
    return {"Item": Fragment(found.data) if projection is None else projection.of(found.item)}
