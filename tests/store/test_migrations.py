"""Tables brought up to date, once, and never backwards."""

from __future__ import annotations

import pytest

from tule.store.errors import SchemaMismatch
from tule.store.migrations import parse
from tule.store.secret import installation_secret
from tule.store.store import Store

FIRST = """
-- what it is for
CREATE TABLE pets (name TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL);
CREATE INDEX pets_by_number ON pets (number);
"""
SECOND = FIRST + "-- migration 2: they have colours\nALTER TABLE pets ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';"
THIRD = SECOND + "\n-- migration 3: and start at one\nUPDATE pets SET number = number + 1;"


async def test_a_schema_grows_by_its_migrations_each_applied_once(store: Store) -> None:
    await store.migrate("pets", FIRST)
    await store.write(lambda tx: tx.execute("INSERT INTO pets (name, number) VALUES ('rex', 0)"))
    for schema in (FIRST, SECOND, THIRD, THIRD):
        await store.migrate("pets", schema)
    assert await store.read(lambda tx: tx.all("SELECT name, number, colour FROM pets")) == [("rex", 1, "grey")]


async def test_a_fresh_database_takes_them_all(store: Store) -> None:
    await store.migrate("pets", THIRD)
    assert await store.read(lambda tx: tx.all("SELECT name, colour FROM pets")) == []


async def test_a_newer_database_is_refused(store: Store) -> None:
    await store.migrate("pets", THIRD)
    with pytest.raises(SchemaMismatch, match="used by a newer Tule"):
        await store.migrate("pets", SECOND)


async def test_a_migration_that_was_edited_is_refused(store: Store) -> None:
    await store.migrate("pets", FIRST)
    with pytest.raises(SchemaMismatch, match="another build"):
        await store.migrate("pets", FIRST.replace("number INTEGER", "number REAL"))


async def test_words_and_spaces_may_be_edited(store: Store) -> None:
    await store.migrate("pets", FIRST)
    await store.migrate("pets", FIRST.replace("what it is for", "why it is here").replace(", number", ",\n    number"))


async def test_a_migration_that_fails_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(Exception, match="nowhere"):
        await store.migrate("pets", FIRST + "-- migration 2: broken\nUPDATE nowhere SET a = 1;")
    await store.migrate("pets", FIRST)


def test_migrations_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in parse(THIRD)] == [1, 2, 3]
    with pytest.raises(ValueError, match="without gaps"):
        parse(FIRST + "-- migration 3: too far\nSELECT 1;")


async def test_the_installations_secret_stays_even_when_all_is_wiped(store: Store) -> None:
    secret = await installation_secret(store)
    await store.wipe()
    assert len(secret) == 32
    assert await installation_secret(store) == secret
