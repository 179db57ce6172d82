"""What tables a database has: for wiping, backup and restore."""

from __future__ import annotations

from tule.store.store import Tx

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename",
}
_COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info(?) ORDER BY cid",
    "postgresql": (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position"
    ),
}
_NUMBERED = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'"


def tables(tx: Tx, dialect: str) -> list[str]:
    return [name for (name,) in tx.all(_TABLES[dialect])]


def columns(tx: Tx, dialect: str, table: str) -> list[str]:
    return [name for (name,) in tx.all(_COLUMNS[dialect], table)]


def number_on(tx: Tx, dialect: str) -> None:
    """After rows came in with numbers of their own, let the database assign higher ones.  SQLite does so by itself."""
    if dialect != "postgresql":
        return
    for table, column in tx.all(_NUMBERED):
        highest = f'(SELECT max("{column}") FROM "{table}")'
        tx.one(f"SELECT setval(pg_get_serial_sequence(?, ?), coalesce({highest}, 1), {highest} IS NOT NULL)", f'"{table}"', column)
