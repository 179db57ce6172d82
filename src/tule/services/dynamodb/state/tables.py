"""Tables: who they are and how they are set up.

A table's `config` is a document: uuid, status, hash, range, types, indexes (documents in turn), on_demand, read_units,
write_units, created_ms, tags, and what descriptions show.  `version` grows with each change, so that whoever remembers a
table can tell whether it still is the same.
"""

from __future__ import annotations

from typing import Any

import orjson

from tule.services.dynamodb.table import Table, of_config
from tule.store.store import Row, Tx

SCHEMA = """
CREATE TABLE dynamodb_numbers (
    name TEXT NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL
);
CREATE TABLE dynamodb_tables (
    id INTEGER NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    config BLOB NOT NULL
);
CREATE UNIQUE INDEX dynamodb_tables_by_name ON dynamodb_tables (account, region, name);
"""
CHANGED = "dynamodb.tables"  # the topic that every change of a table wakes

_COLUMNS = "id, account, region, name, version, config"
_NUMBER = "INSERT INTO dynamodb_numbers (name, next) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET next = dynamodb_numbers.next + 1 RETURNING next"
_INSERT = f"INSERT INTO dynamodb_tables ({_COLUMNS}) VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING"
_BY_NAME = f"SELECT {_COLUMNS} FROM dynamodb_tables WHERE account = ? AND region = ? AND name = ?"
_BY_ID = f"SELECT {_COLUMNS} FROM dynamodb_tables WHERE id = ?"
_PAGE = "SELECT name FROM dynamodb_tables WHERE account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?"
_OF_ACCOUNT = f"SELECT {_COLUMNS} FROM dynamodb_tables WHERE account = ? AND region = ? ORDER BY name"
_NAMED = f"SELECT {_COLUMNS} FROM dynamodb_tables WHERE account = ? AND name = ? ORDER BY region"
_ALL = f"SELECT {_COLUMNS} FROM dynamodb_tables ORDER BY id"
_VERSION = "SELECT version FROM dynamodb_tables WHERE id = ?"
_UPDATE = "UPDATE dynamodb_tables SET version = version + 1, config = ? WHERE id = ? RETURNING version"
_DELETE = "DELETE FROM dynamodb_tables WHERE id = ?"


def new_id(tx: Tx) -> int:
    """A number for a table or an index that nothing had before."""
    row = tx.one(_NUMBER, "id")
    assert row is not None
    return row[0]


def create(tx: Tx, id: int, account: str, region: str, name: str, config: dict[str, Any]) -> Table | None:
    """None when there is one of this name already."""
    if not tx.execute(_INSERT, id, account, region, name, orjson.dumps(config)):
        return None
    tx.wake(CHANGED)
    return of_config(id, account, region, name, 1, config)


def find(tx: Tx, account: str, region: str, name: str) -> Table | None:
    row = tx.one(_BY_NAME, account, region, name)
    return None if row is None else _table(row)


def by_id(tx: Tx, id: int) -> Table | None:
    row = tx.one(_BY_ID, id)
    return None if row is None else _table(row)


def names(tx: Tx, account: str, region: str, after: str, limit: int) -> list[str]:
    return [name for (name,) in tx.all(_PAGE, account, region, after, limit)]


def of_account(tx: Tx, account: str, region: str) -> list[Table]:
    return [_table(row) for row in tx.all(_OF_ACCOUNT, account, region)]


def named(tx: Tx, account: str, name: str) -> list[Table]:
    """The tables of this name in all regions."""
    return [_table(row) for row in tx.all(_NAMED, account, name)]


def everywhere(tx: Tx) -> list[Table]:
    return [_table(row) for row in tx.all(_ALL)]


def version_of(tx: Tx, id: int) -> int | None:
    """None when the table is gone."""
    row = tx.one(_VERSION, id)
    return None if row is None else row[0]


def configure(tx: Tx, table: Table, **settings: Any) -> Table:
    """The table with these settings changed; None removes one.  `table` must have been read in this transaction."""
    config = {**table.config, **settings}
    config = {name: value for name, value in config.items() if value is not None}
    row = tx.one(_UPDATE, orjson.dumps(config), table.id)
    assert row is not None
    tx.wake(CHANGED)
    return of_config(table.id, table.account, table.region, table.name, row[0], config)


def delete(tx: Tx, table: Table) -> None:
    tx.execute(_DELETE, table.id)
    tx.wake(CHANGED)


def _table(row: Row) -> Table:
    id, account, region, name, version, config = row
    return of_config(id, account, region, name, version, orjson.loads(config))
