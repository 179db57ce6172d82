"""The tables of each room, brought up to date.

A room's schema is one text.  Its first part makes the tables; later parts, each begun by a line `-- migration N: why`
with N from 2 on, change them.  Every part is applied once, in order, and recorded with a checksum, so that a database
made by a newer Tule, or by one whose history differs, is refused instead of damaged.  Parts are never edited after a
release: a change is a new part.  Their text is kept with the record, so that a restore can make the tables of its backup.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from tule.store.errors import SchemaMismatch
from tule.store.store import Tx

TABLE = "migrations"
CREATE = (
    "CREATE TABLE IF NOT EXISTS migrations (room TEXT NOT NULL, number INTEGER NOT NULL, checksum TEXT NOT NULL,"
    " position INTEGER NOT NULL, statements TEXT NOT NULL, applied_ms INTEGER NOT NULL, PRIMARY KEY (room, number))"
)
_APPLIED = "SELECT number, checksum FROM migrations WHERE room = ? ORDER BY number"
_RECORD = (
    "INSERT INTO migrations (room, number, checksum, position, statements, applied_ms) VALUES (?, ?, ?, (SELECT count(*) FROM migrations), ?, ?)"
)
_ALL = "SELECT statements FROM migrations ORDER BY position"
_MARK = re.compile(r"^-- migration (\d+)\b.*$", re.MULTILINE)
_COMMENT = re.compile(r"--[^\n]*")


@dataclass(slots=True, frozen=True)
class Migration:
    number: int
    statements: tuple[str, ...]
    checksum: str


def parse(schema: str) -> list[Migration]:
    """The parts of a schema text.  Raises ValueError when their numbers are not 2, 3, 4 and so on."""
    pieces = _MARK.split(schema)
    numbers = [1, *(int(number) for number in pieces[1::2])]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"migrations must be numbered from 2 without gaps, not {numbers[1:]}")
    return [_migration(number, text) for number, text in zip(numbers, pieces[0::2], strict=True)]


def _migration(number: int, text: str) -> Migration:
    plain = _COMMENT.sub("", text)
    statements = tuple(" ".join(statement.split()) for statement in plain.split(";") if statement.strip())
    return Migration(number, statements, hashlib.sha256(";".join(statements).encode()).hexdigest()[:16])


def bring_up(tx: Tx, room: str, schema: str, translate: Callable[[str], str]) -> int:
    """Apply what is missing; how many parts that were.  Raises SchemaMismatch."""
    wanted = parse(schema)
    applied: dict[int, str] = dict(tx.all(_APPLIED, room))  # type: ignore[arg-type]
    if applied and max(applied) > len(wanted):
        raise SchemaMismatch(
            f"The database's tables of {room} are at migration {max(applied)}, but this Tule knows only {len(wanted)}:"
            " it was used by a newer Tule. Start that version, or restore a backup."
        )
    for migration in wanted:
        if migration.number not in applied:
            for statement in migration.statements:
                tx.execute(translate(statement))
            tx.execute(_RECORD, room, migration.number, migration.checksum, ";\n".join(migration.statements), tx.now_ms)
        elif applied[migration.number] != migration.checksum:
            raise SchemaMismatch(
                f"Migration {migration.number} of {room} in the database is not the one that this Tule knows:"
                " the database was made by another build. Start with an empty data directory, or restore a backup into one."
            )
    return len(wanted) - len(applied)


def repeat(tx: Tx, translate: Callable[[str], str]) -> None:
    """Make all tables anew from what is recorded (for a restore)."""
    for (statements,) in tx.all(_ALL):
        for statement in statements.split(";\n"):
            tx.execute(translate(statement))
