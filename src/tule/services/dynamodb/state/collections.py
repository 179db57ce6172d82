"""How many bytes the items of one partition key have, with what local indexes hold of them: of tables with local indexes.

A collection is counted when something of it is written for the first time; from then on every write says how it grew.
"""

from __future__ import annotations

from collections.abc import Sequence

from tule.store.store import Tx

SCHEMA = """
-- migration 2: sizes of item collections
CREATE TABLE dynamodb_collections (
    table_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (table_id, hash)
);
"""

_GROW = "UPDATE dynamodb_collections SET size = size + ? WHERE table_id = ? AND hash = ? RETURNING size"
_BEGIN = "INSERT INTO dynamodb_collections (table_id, hash, size) VALUES (?, ?, ?)"
_SIZE = "SELECT size FROM dynamodb_collections WHERE table_id = ? AND hash = ?"
_OF_ITEMS = "SELECT coalesce(sum(size), 0) FROM dynamodb_items WHERE table_id = ? AND hash = ?"
_OF_INDEX = "SELECT coalesce(sum(size), 0) FROM dynamodb_index_items WHERE index_id = ? AND hash = ?"
_SOME = "SELECT table_id, hash FROM dynamodb_collections WHERE table_id = ? LIMIT ?"
_REMOVE = "DELETE FROM dynamodb_collections WHERE table_id = ? AND hash = ?"


def grow(tx: Tx, table: int, indexes: Sequence[int], hash: bytes, bytes_more: int) -> int:
    """After a write that made the collection so much larger, or smaller; its bytes by then."""
    row = tx.one(_GROW, bytes_more, table, hash)
    if row is not None:
        return row[0]
    size = _counted(tx, table, indexes, hash)
    tx.execute(_BEGIN, table, hash, size)
    return size


def size(tx: Tx, table: int, indexes: Sequence[int], hash: bytes) -> int:
    """Bytes of a collection; `indexes` are the table's local ones."""
    row = tx.one(_SIZE, table, hash)
    return _counted(tx, table, indexes, hash) if row is None else row[0]


def clear(tx: Tx, table: int, limit: int) -> int:
    """Forget up to `limit` collections of a table; how many."""
    found = tx.all(_SOME, table, limit)
    if found:
        tx.many(_REMOVE, found)
    return len(found)


def _counted(tx: Tx, table: int, indexes: Sequence[int], hash: bytes) -> int:
    counted = [tx.one(_OF_ITEMS, table, hash), *(tx.one(_OF_INDEX, index, hash) for index in indexes)]
    return sum(int(row[0]) for row in counted if row is not None)
