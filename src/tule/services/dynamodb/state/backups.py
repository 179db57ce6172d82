"""Backups: whose they are, and the table's settings as they were.  Their items lie among the items of tables, under the backup's id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tule.core.arn import arn
from tule.services.dynamodb.table import Table, of_config
from tule.store.store import Row, Tx

SCHEMA = """
CREATE TABLE dynamodb_backups (
    id INTEGER NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    number TEXT NOT NULL,
    table_name TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    items INTEGER NOT NULL,
    size INTEGER NOT NULL,
    config BLOB NOT NULL
);
CREATE UNIQUE INDEX dynamodb_backups_by_number ON dynamodb_backups (account, region, number);
"""
CREATING = "CREATING"
AVAILABLE = "AVAILABLE"
DELETED = "DELETED"
USER = "USER"
SYSTEM = "SYSTEM"

_COLUMNS = "id, account, region, number, table_name, name, kind, status, created_ms, expires_ms, items, size, config"
_INSERT = f"INSERT INTO dynamodb_backups ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_BY_NUMBER = f"SELECT {_COLUMNS} FROM dynamodb_backups WHERE account = ? AND region = ? AND number = ? AND table_name = ?"
_BY_ID = f"SELECT {_COLUMNS} FROM dynamodb_backups WHERE id = ?"
_PAGE = f"SELECT {_COLUMNS} FROM dynamodb_backups WHERE account = ? AND region = ? AND number > ? AND created_ms >= ? AND created_ms < ?"
_OF_TABLE = " AND table_name = ?"
_OF_KIND = " AND kind = ?"
_GROWN = "UPDATE dynamodb_backups SET items = items + ?, size = size + ?, status = ? WHERE id = ?"
_DELETE = "DELETE FROM dynamodb_backups WHERE id = ?"


@dataclass(slots=True, frozen=True)
class Backup:
    """`table` is the table as it was.  `number` orders backups by their time."""

    id: int
    number: str
    name: str
    kind: str  # USER or SYSTEM
    status: str
    created_ms: int
    expires_ms: int | None
    items: int
    size: int
    table: Table

    @property
    def arn(self) -> str:
        table = self.table
        return arn("dynamodb", table.region, table.account, f"table/{table.name}/backup/{self.number}")


def create(
    tx: Tx, id: int, table: Table, name: str, kind: str, status: str, expires_ms: int | None = None, *, items: int = 0, size: int = 0
) -> Backup:
    number = f"{tx.now_ms:014d}-{tx.ids.hex(8)}"
    config = {**table.config, "table_id": table.id, "version": table.version}
    own = (id, table.account, table.region, number, table.name, name, kind, status, tx.now_ms, expires_ms, items, size)
    tx.execute(_INSERT, *own, orjson.dumps(config))
    return _backup((*own, orjson.dumps(config)))


def find(tx: Tx, account: str, region: str, table_name: str, number: str) -> Backup | None:
    row = tx.one(_BY_NUMBER, account, region, number, table_name)
    return None if row is None else _backup(row)


def by_id(tx: Tx, id: int) -> Backup | None:
    row = tx.one(_BY_ID, id)
    return None if row is None else _backup(row)


def page(
    tx: Tx, account: str, region: str, after: str, from_ms: int, to_ms: int, table_name: str | None, kind: str | None, limit: int
) -> list[Backup]:
    """In the order of their numbers.  None: of any table, of any kind."""
    sql, also = _PAGE, [one for one in (table_name, kind) if one is not None]
    sql += (_OF_TABLE if table_name is not None else "") + (_OF_KIND if kind is not None else "")
    return [_backup(row) for row in tx.all(f"{sql} ORDER BY number LIMIT ?", account, region, after, from_ms, to_ms, *also, limit)]


def grow(tx: Tx, id: int, items: int, size: int, status: str) -> None:
    """More items are in it."""
    tx.execute(_GROWN, items, size, status, id)


def delete(tx: Tx, backup: Backup) -> None:
    tx.execute(_DELETE, backup.id)


def _backup(row: Row) -> Backup:
    id, account, region, number, table_name, name, kind, status, created_ms, expires_ms, items, size, text = row
    config: dict[str, Any] = orjson.loads(text)
    table = of_config(config["table_id"], account, region, table_name, config["version"], config)
    return Backup(id, number, name, kind, status, created_ms, expires_ms, items, size, table)
