"""Long work in slices: pages of Query and Scan, and steps through tables of large items."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from tests.services.dynamodb.test_item_collections import CONFIG
from tests.stores import opened
from tule.lang.dynamodb import clauses
from tule.services.dynamodb import items, pages
from tule.services.dynamodb.operations.queries import Walk
from tule.services.dynamodb.state import items as item_rows
from tule.services.dynamodb.state import tables
from tule.services.dynamodb.state.schema import SCHEMA
from tule.store.store import Store, Tx

COUNT = 200


@pytest.fixture(params=["sqlite", "chaos"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as store:
        await store.migrate("dynamodb", SCHEMA)
        await store.write(_fill)
        yield store


def _fill(tx: Tx) -> None:
    table = tables.create(tx, tables.new_id(tx), "1", "us-east-1", "table", CONFIG)
    assert table is not None
    for number in range(COUNT):
        item = {"p": {"S": f"p{number % 2}"}, "n": {"N": str(number)}, "x": {"S": f"{number:03}"}, "rest": {"S": "r" * 9_000}}
        items.write_item(tx, table, item)


async def _page(store: Store, **params: Any) -> tuple[dict[str, Any], int]:
    """The answer, and in how many transactions it was read."""
    reads = 0

    async def read(fn: Any) -> Any:
        nonlocal reads
        reads += 1
        return await store.read(fn)

    counting = SimpleNamespace(read=read, subscribe=store.subscribe)
    node = SimpleNamespace(store=counting, memory={}, config=SimpleNamespace(chaos=False, throttled=False))
    call: Any = SimpleNamespace(
        node=node, account="1", region="us-east-1", headers={}, operation="Query" if "KeyConditionExpression" in params else "Scan", measured=None
    )
    asked = {"TableName": "table", "ReturnConsumedCapacity": "INDEXES", **params}
    reading = clauses.queried(asked) if "KeyConditionExpression" in params else clauses.scanned(asked)
    return orjson.loads(orjson.dumps(await Walk(call, asked, reading).answer())), reads


ASKED: list[dict[str, Any]] = [
    {},
    {"Limit": 150},
    {"Limit": 96},
    {"FilterExpression": "n > :n", "ExpressionAttributeValues": {":n": {"N": "77"}}},
    {"IndexName": "by-x", "Limit": 130},
    {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "p1"}}, "ScanIndexForward": False},
    {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "p0"}}, "IndexName": "by-x", "Select": "ALL_ATTRIBUTES"},
    {"Select": "COUNT"},
]


@pytest.mark.parametrize("asked", ASKED)
async def test_a_page_that_is_read_in_slices_is_the_page(store: Store, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]) -> None:
    monkeypatch.setattr(pages, "SLICE_S", 1e9)
    whole, reads = await _page(store, **asked)
    assert reads == 1
    monkeypatch.setattr(pages, "SLICE_S", -1.0)
    monkeypatch.setattr(pages, "LOOK_BYTES", 100)
    sliced, reads = await _page(store, **asked)
    assert reads > 1
    assert sliced == whole


async def test_a_step_through_a_table_ends_where_its_items_are_large(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_rows, "STEP_BYTES", 100_000)

    def walk(tx: Tx) -> list[int]:
        table = tables.find(tx, "1", "us-east-1", "table")
        assert table is not None
        lengths, after, more = list[int](), item_rows.START, True
        while more:
            found, more = item_rows.step(tx, table.id, after, 50)
            lengths.append(len(found))
            after = found[-1][0]
        return lengths

    assert sum(lengths := await store.read(walk)) == COUNT
    assert max(lengths) == 12
