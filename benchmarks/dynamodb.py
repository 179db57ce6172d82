"""DynamoDB's data plane: requests a second beside a peer; and, run by itself, what a table's growth costs.

python -m benchmarks.dynamodb 10000 1000000      # gets and puts on tables of so many items
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.client import Load, load, signed
from benchmarks.figures import Figure
from benchmarks.servers import Server
from benchmarks.target import Target
from tule.core.clock import TurnableClock
from tule.core.ids import Ids
from tule.services.dynamodb import items, keys
from tule.services.dynamodb.state import items as rows
from tule.services.dynamodb.state import tables
from tule.services.dynamodb.state.items import Position
from tule.store.sqlite import SqliteStore
from tule.store.store import Tx

BODY = "d" * 1024
HEADERS = {"content-type": "application/x-amz-json-1.0"}
STEP = 20_000  # items that are written at once when a table is filled

_names = itertools.count()


def _request(t: Target, operation: str, params: dict[str, Any]) -> bytes:
    return signed(t.url, "dynamodb", "POST", "/", {**HEADERS, "x-amz-target": f"DynamoDB_20120810.{operation}"}, json.dumps(params).encode())


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


MEASUREMENTS = {
    "DynamoDB PutItem 1 KB, 16 clients": ("dynamodb", put),
    "DynamoDB GetItem 1 KB, 16 clients": ("dynamodb", get),
    "DynamoDB UpdateItem, 16 clients": ("dynamodb", update),
    "DynamoDB Query 100 items, 16 clients": ("dynamodb", query),
    "DynamoDB Query with a filter, 16 clients": ("dynamodb", query_filtered),
    "DynamoDB TransactWriteItems 2, 16 clients": ("dynamodb", transact_write),
    "DynamoDB BatchWriteItem 25, 16 clients": ("dynamodb", batch_write),
    "DynamoDB BatchGetItem 100, 16 clients": ("dynamodb", batch_get),
}


# Growth: a table is filled in the store itself, which takes a minute for millions of items, and used through the API.


def _grow(data: Path, name: str, count: int) -> None:
    """Rows come in the order of their keys: otherwise an index of hundreds of megabytes is written page by page all over."""

    async def fill() -> None:
        store = SqliteStore(data / "tule.db", TurnableClock(), Ids(), synchronous="OFF")
        table = next(table for table in await store.read(tables.everywhere) if table.name == name)
        last = keys.position(table, _key("p0", 0)).range
        order = sorted(keys.position(table, _key(f"p{number}", 0)).hash + number.to_bytes(8) for number in range(count))

        def put_some(tx: Tx, some: list[bytes]) -> None:
            rows.put_all(tx, table.id, [(Position(one[:-8], last), *_stored(int.from_bytes(one[-8:]))) for one in some])

        for start in range(0, count, STEP):
            await store.write(partial(put_some, some=order[start : start + STEP]))
        await store.close()

    asyncio.run(fill())


def _stored(number: int) -> tuple[bytes, int]:
    new = items.new_item(_item(f"p{number}", 0, BODY[:200]))
    return new.data, new.size


async def _gets_and_puts(t: Target, name: str, count: int) -> tuple[Load, Load, Load]:
    draw = random.Random(count)
    known = [f"p{draw.randrange(count)}" for _ in range(20_000)]
    gets = [_request(t, "GetItem", {"TableName": name, "Key": _key(p, 0)}) for p in known]
    over = [_request(t, "PutItem", {"TableName": name, "Item": _item(p, 0, "e" * 200)}) for p in known]
    new = [_request(t, "PutItem", {"TableName": name, "Item": _item(f"q{number}", 0, "e" * 200)}) for number in range(20_000)]
    return await load(t.url, gets, 16, t.seconds), await load(t.url, over, 16, t.seconds), await load(t.url, new, 16, t.seconds)


def growth(counts: list[int], seconds: float = 4.0) -> None:
    for count in counts:
        server = Server("tule")
        try:
            server.start()
            target = Target(server, seconds)
            name = _table(target)
            server.kill()
            _grow(server.data, name, count)
            server.start()
            got, over, new = uvloop.run(_gets_and_puts(target, name, count))
            figures = ", ".join(f"{what} {seen.per_second:,.0f}/s" for what, seen in (("get", got), ("put over", over), ("put new", new)))
            print(f"{count:>12,} items: {figures}", flush=True)
        finally:
            server.close()


if __name__ == "__main__":
    growth([int(text) for text in sys.argv[1:]] or [10_000, 1_000_000])
