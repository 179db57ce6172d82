"""Counting what tables and indexes hold."""

from __future__ import annotations

from tule.store.store import Tx

_EVERYTHING = 1 << 62
_TABLE = "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT size FROM dynamodb_items WHERE table_id = ? LIMIT ?) AS first"
_INDEX = "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT size FROM dynamodb_index_items WHERE index_id = ? LIMIT ?) AS first"


def table(tx: Tx, id: int, limit: int = _EVERYTHING) -> tuple[int, int]:
    """Items of a table and their bytes; of at most `limit` items."""
    return _counted(tx, _TABLE, id, limit)


def index(tx: Tx, id: int, limit: int = _EVERYTHING) -> tuple[int, int]:
    return _counted(tx, _INDEX, id, limit)


def _counted(tx: Tx, sql: str, id: int, limit: int) -> tuple[int, int]:
    row = tx.one(sql, id, limit)
    assert row is not None
    return row[0], int(row[1])
