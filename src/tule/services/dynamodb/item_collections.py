"""Item collections: all items of a partition key, with what local indexes hold of them.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html (item collections)
"""

from __future__ import annotations

from typing import Any

from tule.services.dynamodb.state import index_items, items
from tule.services.dynamodb.state.items import Position
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

GB = 1 << 30


def are_measured(table: Table) -> bool:
    """Only tables with local indexes have collections that are limited, and measured."""
    return any(not index.is_global for index in table.indexes)


def metrics(tx: Tx, table: Table, key: dict[str, Any], at: Position) -> dict[str, Any]:
    """ItemCollectionMetrics of the item that has this key, or is it."""
    size = items.collection_size(tx, table.id, at.hash)
    size += sum(index_items.collection_size(tx, index.id, at.hash) for index in table.kept_indexes if not index.is_global)
    low = float(size // GB)
    return {"ItemCollectionKey": {name: key[name] for name in table.keys.hash}, "SizeEstimateRangeGB": [low, low + 1.0]}
