"""Item collections: all items of a partition key, with what local indexes hold of them.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html (item collections)
"""

from __future__ import annotations

from typing import Any

from tule.services.dynamodb import refusals
from tule.services.dynamodb.state import collections
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

GB = 1 << 30
LIMIT = 10 * GB


def are_measured(table: Table) -> bool:
    """Only tables with local indexes have collections that are limited, and measured."""
    return bool(table.local_indexes)


def grow(tx: Tx, table: Table, at: Position, bytes_more: int, *, is_limited: bool = True) -> None:
    """After a write of an item.  Raises ItemCollectionSizeLimitExceededException where its collection grew too large."""
    if bytes_more == 0:
        return
    size = collections.grow(tx, table.id, table.local_indexes, at.hash, bytes_more)
    if is_limited and bytes_more > 0 and size > LIMIT:
        raise refusals.collection_too_large()


def metrics(tx: Tx, table: Table, key: dict[str, Any], at: Position) -> dict[str, Any]:
    """ItemCollectionMetrics of the item that has this key, or is it."""
    low = float(collections.size(tx, table.id, table.local_indexes, at.hash) // GB)
    return {"ItemCollectionKey": {name: key[name] for name in table.keys.hash}, "SizeEstimateRangeGB": [low, low + 1.0]}
