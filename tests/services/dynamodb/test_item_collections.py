"""Item collections of tables with local indexes: how large they are, and that they end at 10 GB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.node import Account
from tests.services.dynamodb.making import make_table
from tests.stores import opened
from tule.core.errors import ServiceError
from tule.services.dynamodb import items, keys
from tule.services.dynamodb.changes import EXPIRY, REPLICATION
from tule.services.dynamodb.state import collections, tables
from tule.services.dynamodb.state.schema import SCHEMA
from tule.services.dynamodb.table import Table
from tule.store.store import Store, Tx

GB = 1 << 30
CONFIG: dict[str, Any] = {
    "uuid": "u",
    "status": "ACTIVE",
    "created_ms": 0,
    "types": {"p": "S", "n": "N", "x": "S"},
    "hash": ["p"],
    "range": ["n"],
    "indexes": [
        {"id": 7, "name": "by-x", "is_global": False, "hash": ["p"], "range": ["x"], "projection": "KEYS_ONLY", "status": "ACTIVE"},
    ],
    "on_demand": True,
    "read_units": 0,
    "write_units": 0,
}


@pytest.fixture(params=["sqlite", "postgresql", "chaos"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as store:
        await store.migrate("dynamodb", SCHEMA)
        yield store


def _table(tx: Tx) -> Table:
    found = tables.find(tx, "1", "us-east-1", "t") or tables.create(tx, tables.new_id(tx), "1", "us-east-1", "t", CONFIG)
    assert found is not None
    return found


def _item(number: int, text: str, **more: str) -> dict[str, Any]:
    return {"p": {"S": "p"}, "n": {"N": str(number)}, "t": {"S": text}, **{name: {"S": value} for name, value in more.items()}}


def _known(tx: Tx) -> int:
    """What is kept of the collection's size."""
    row = tx.one("SELECT size FROM dynamodb_collections WHERE table_id = ?", _table(tx).id)
    return -1 if row is None else row[0]


def _counted(tx: Tx) -> int:
    """The same, counted item by item."""
    row = tx.one("SELECT (SELECT sum(size) FROM dynamodb_items), (SELECT coalesce(sum(size), 0) FROM dynamodb_index_items)")
    assert row is not None
    return int(row[0]) + int(row[1])


async def _write(store: Store, item: dict[str, Any], **more: Any) -> None:
    await store.write(lambda tx: items.write_item(tx, _table(tx), item, **more) and None)


async def test_a_collection_is_as_large_as_its_items_and_what_local_indexes_hold_of_them(store: Store) -> None:
    for item in (_item(1, "a" * 100), _item(2, "b", x="y"), _item(1, "c", x="long" * 9), _item(2, "d" * 50)):
        await _write(store, item)
        assert await store.read(_known) == await store.read(_counted)

    def remove(tx: Tx) -> None:
        table = _table(tx)
        at = keys.position_of_item(table, _item(1, ""))
        items.remove(tx, table, at, items.find(tx, table, at))

    await store.write(remove)
    assert await store.read(_known) == await store.read(_counted) > 0


async def test_a_collection_that_nothing_is_known_of_is_counted_by_its_next_write(store: Store) -> None:
    await _write(store, _item(1, "a" * 100))
    await store.write(lambda tx: collections.clear(tx, _table(tx).id, 10))
    await _write(store, _item(2, "b" * 30))
    assert await store.read(_known) == await store.read(_counted)


async def test_a_collection_ends_at_10_gb_for_requests_and_may_shrink_from_there(store: Store) -> None:
    await _write(store, _item(1, "a" * 100))
    await store.write(lambda tx: tx.execute("UPDATE dynamodb_collections SET size = ?", 10 * GB - 5) and None)
    with pytest.raises(ServiceError) as refused:
        await _write(store, _item(2, "b"))
    assert (refused.value.code, refused.value.message) == ("ItemCollectionSizeLimitExceededException", "Collection size exceeded.")
    await _write(store, _item(1, "a" * 50))
    assert await store.read(_known) == 10 * GB - 55
    await _write(store, _item(3, "c"))
    await _write(store, _item(4, "what comes from another replica is taken", x="y"), origin=REPLICATION)
    await _write(store, _item(1, "a"), origin=EXPIRY)


def test_estimates_are_given_for_tables_with_local_indexes(aws: Account) -> None:
    local, plain = make_table(aws, "p:S n:N", lsi="x:S"), make_table(aws, "p:S n:N")
    asked: dict[str, Any] = {"Item": {"p": {"S": "a"}, "n": {"N": "1"}}, "ReturnItemCollectionMetrics": "SIZE"}
    estimate = {"ItemCollectionKey": {"p": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    assert aws.dynamodb.put_item(TableName=local, **asked)["ItemCollectionMetrics"] == estimate
    assert "ItemCollectionMetrics" not in aws.dynamodb.put_item(TableName=plain, **asked)
