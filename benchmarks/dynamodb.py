"""DynamoDB's data plane: requests a second beside a peer; and, run by itself, what a table's growth costs.

python -m benchmarks.dynamodb 10000 1000000      # gets and puts on tables of so many items
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.client import load
from benchmarks.figures import Figure
from benchmarks.servers import Server
from benchmarks.target import Target
from tule.core.clock import TurnableClock
from tule.core.ids import Ids
from tule.services.dynamodb import items, keys
from tule.services.dynamodb.state import tables
from tule.services.dynamodb.table import Table
from tule.store.sqlite import SqliteStore
from tule.store.store import Tx

BODY = "d" * 1024
HEADERS = {"content-type": "application/x-amz-json-1.0"}
STEP = 1_000_000  # items that are written at once when a table is filled

_names = itertools.count()


def _request(t: Target, operation: str, params: dict[str, Any]) -> bytes:
    return t.signed("dynamodb", "POST", "/", {**HEADERS, "x-amz-target": f"DynamoDB_20120810.{operation}"}, json.dumps(params).encode())


def _table(t: Target) -> str:
    name = f"bench-{next(_names)}"
    client = t.client("dynamodb")
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


def _item(p: str, n: int, body: str = BODY) -> dict[str, Any]:
    return {"p": {"S": p}, "n": {"N": str(n)}, "body": {"S": body}, "count": {"N": str(n)}}


def _key(p: str, n: int) -> dict[str, Any]:
    return {"p": {"S": p}, "n": {"N": str(n)}}


def _fill(t: Target, name: str, p: str, count: int, body: str = BODY) -> None:
    client = t.client("dynamodb")
    for start in range(0, count, 25):
        puts = [{"PutRequest": {"Item": _item(p, n, body)}} for n in range(start, min(count, start + 25))]
        client.batch_write_item(RequestItems={name: puts})


async def _measured(t: Target, requests: list[bytes], each: int = 1, unit: str = "/s") -> Figure:
    seen = await load(t.url, requests, 16, t.seconds)
    assert seen.errors == 0, f"{seen.errors} errors"
    return Figure(seen.per_second * each, unit)


async def put(t: Target) -> Figure:
    name = _table(t)
    return await _measured(t, [_request(t, "PutItem", {"TableName": name, "Item": _item(f"p{n}", n)}) for n in range(500)])


async def get(t: Target) -> Figure:
    name = _table(t)
    _fill(t, name, "p", 200)
    return await _measured(t, [_request(t, "GetItem", {"TableName": name, "Key": _key("p", n)}) for n in range(200)])


async def update(t: Target) -> Figure:
    name = _table(t)
    change = {
        "UpdateExpression": "SET #count = if_not_exists(#count, :zero) + :one, body = :body",
        "ConditionExpression": "attribute_not_exists(gone)",
        "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}, ":body": {"S": "b"}},
    }
    return await _measured(t, [_request(t, "UpdateItem", {"TableName": name, "Key": _key("p", n), **change}) for n in range(200)])


async def query(t: Target) -> Figure:
    name = _table(t)
    _fill(t, name, "p", 100, "d" * 100)
    condition = {"KeyConditionExpression": "p = :p AND n >= :n", "ExpressionAttributeValues": {":p": {"S": "p"}, ":n": {"N": "0"}}}
    return await _measured(t, [_request(t, "Query", {"TableName": name, **condition})])


async def query_filtered(t: Target) -> Figure:
    name = _table(t)
    _fill(t, name, "p", 100, "d" * 100)
    condition = {
        "KeyConditionExpression": "p = :p",
        "FilterExpression": "#count < :ten",
        "ProjectionExpression": "n, #count",
        "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":p": {"S": "p"}, ":ten": {"N": "10"}},
    }
    return await _measured(t, [_request(t, "Query", {"TableName": name, **condition})])


async def transact_write(t: Target) -> Figure:
    name = _table(t)
    pairs = [[{"Put": {"TableName": name, "Item": _item(f"p{n}", side)}} for side in range(2)] for n in range(200)]
    return await _measured(t, [_request(t, "TransactWriteItems", {"TransactItems": pair}) for pair in pairs])


async def batch_write(t: Target) -> Figure:
    name = _table(t)
    batches = [[{"PutRequest": {"Item": _item(f"p{number}", n)}} for n in range(25)] for number in range(20)]
    return await _measured(t, [_request(t, "BatchWriteItem", {"RequestItems": {name: puts}}) for puts in batches], 25, "items/s")


async def batch_get(t: Target) -> Figure:
    name = _table(t)
    _fill(t, name, "p", 100)
    return await _measured(t, [_request(t, "BatchGetItem", {"RequestItems": {name: {"Keys": [_key("p", n) for n in range(100)]}}})], 100, "items/s")


async def put_and_delete(t: Target) -> Figure:
    """Each client puts an item and deletes it."""
    name = _table(t)
    puts = [_request(t, "PutItem", {"TableName": name, "Item": _item(f"p{n}", n)}) for n in range(16)]
    deletes = [_request(t, "DeleteItem", {"TableName": name, "Key": _key(f"p{n}", n)}) for n in range(16)]
    return await _measured(t, [*puts, *deletes], unit="requests/s")


async def scan(t: Target) -> Figure:
    name = _table(t)
    _fill(t, name, "p", 100, "d" * 100)
    return await _measured(t, [_request(t, "Scan", {"TableName": name})])


async def transact_get(t: Target) -> Figure:
    name = _table(t)
    _fill(t, name, "p", 100)
    pairs = [[{"Get": {"TableName": name, "Key": _key("p", (n + side) % 100)}} for side in range(2)] for n in range(100)]
    return await _measured(t, [_request(t, "TransactGetItems", {"TransactItems": pair}) for pair in pairs])


async def select(t: Target) -> Figure:
    name = _table(t)
    _fill(t, name, "p", 100)
    statement = {"Statement": f'SELECT * FROM "{name}" WHERE p = ? AND n = ?'}
    return await _measured(t, [_request(t, "ExecuteStatement", {**statement, "Parameters": [{"S": "p"}, {"N": str(n)}]}) for n in range(100)])


MEASUREMENTS = {
    "DynamoDB PutItem 1 KB, 16 clients": ("dynamodb", put),
    "DynamoDB GetItem 1 KB, 16 clients": ("dynamodb", get),
    "DynamoDB UpdateItem, 16 clients": ("dynamodb", update),
    "DynamoDB Query 100 items, 16 clients": ("dynamodb", query),
    "DynamoDB Query with a filter, 16 clients": ("dynamodb", query_filtered),
    "DynamoDB TransactWriteItems 2, 16 clients": ("dynamodb", transact_write),
    "DynamoDB TransactGetItems 2, 16 clients": ("dynamodb", transact_get),
    "DynamoDB PutItem and DeleteItem 1 KB, 16 clients": ("dynamodb", put_and_delete),
    "DynamoDB Scan 100 items, 16 clients": ("dynamodb", scan),
    "DynamoDB ExecuteStatement, one item, 16 clients": ("dynamodb", select),
    "DynamoDB BatchWriteItem 25, 16 clients": ("dynamodb", batch_write),
    "DynamoDB BatchGetItem 100, 16 clients": ("dynamodb", batch_get),
}


# Growth: a table is filled in the store itself and used through the API.  Of millions of items only those that are asked for
# have keys that anybody knows; the rest lies in between, in the order of the digests that keys become.

KNOWN = 10_000
_FILL = (
    "INSERT INTO dynamodb_items (table_id, hash, range, size, item)"
    " WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)"
    " SELECT ?, digest, ?, ?, ? FROM (SELECT randomblob(16) AS digest FROM numbers ORDER BY digest)"
)


def _grow(data: Path, name: str, count: int) -> None:
    async def fill() -> None:
        store = SqliteStore(data / "tule.db", TurnableClock(), Ids(), synchronous="OFF")
        table = next(table for table in await store.read(tables.everywhere) if table.name == name)
        known = [_item(f"p{number}", 0, BODY[:200]) for number in range(KNOWN)]
        await store.write(partial(_put_known, table, known))
        one = items.new_item(known[0])
        at = keys.position(table, known[0])
        for start in range(KNOWN, count, STEP):
            some = min(STEP, count - start)
            await store.write(lambda tx, some=some: tx.execute(_FILL, some, table.id, at.range, one.size, one.data))
        await store.close()

    asyncio.run(fill())
    with (data / "tule.db").open("rb+") as file:
        os.fsync(file.fileno())  # else the first puts would wait for gigabytes that are not theirs


def _put_known(table: Table, known: list[dict[str, Any]], tx: Tx) -> None:
    items.put_all(tx, table, [(keys.position(table, item), items.new_item(item)) for item in known])


def _kinds(t: Target, name: str) -> dict[str, list[bytes]]:
    return {
        "get": [_request(t, "GetItem", {"TableName": name, "Key": _key(f"p{number}", 0)}) for number in range(KNOWN)],
        "put over": [_request(t, "PutItem", {"TableName": name, "Item": _item(f"p{number}", 0, "e" * 200)}) for number in range(KNOWN)],
        "put new": [_request(t, "PutItem", {"TableName": name, "Item": _item(f"q{number}", 0, "e" * 200)}) for number in range(2 * KNOWN)],
    }


def _cost(t: Target, requests: list[bytes]) -> str:
    before = t.server.cpu_seconds()
    seen = uvloop.run(load(t.url, requests, 16, t.seconds))
    microseconds = (t.server.cpu_seconds() - before) / len(seen.latencies) * 1e6
    return f"{seen.per_second:,.0f}/s and {microseconds:.0f} us of processor each"


def growth(counts: list[int], seconds: float = 4.0) -> None:
    for count in counts:
        server = Server("tule")
        try:
            server.start()
            target = Target(server, seconds)
            target.prepare()
            name = _table(target)
            server.kill()
            _grow(server.data, name, count)
            server.start()
            for kind, requests in _kinds(target, name).items():
                print(f"{count:>12,} items, {kind}: {_cost(target, requests)}", flush=True)
        finally:
            server.close()


if __name__ == "__main__":
    growth([int(text) for text in sys.argv[1:]] or [10_000, 1_000_000])
