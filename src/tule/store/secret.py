"""Secrets of the installation: 32 random bytes each, made when first asked for, kept in the store, the same on all its nodes.

A wipe leaves them as they are, so that what nodes have of them in memory stays true.
"""

from __future__ import annotations

from tule.store.store import Store, Tx

SCHEMA = "CREATE TABLE installation (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL);"
_PUT = "INSERT INTO installation (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
_GET = "SELECT value FROM installation WHERE key = ?"


async def installation_secret(store: Store) -> bytes:
    """Paging tokens, session tokens and URLs are signed with what is derived from it."""
    await store.migrate("installation", SCHEMA)
    return await store.write(lambda tx: make(tx, "secret"))


def make(tx: Tx, name: str) -> bytes:
    """The secret of this name, made now unless it was before."""
    tx.execute(_PUT, name, tx.ids.bytes(32))
    found = find(tx, name)
    assert found is not None
    return found


def find(tx: Tx, name: str) -> bytes | None:
    row = tx.one(_GET, name)
    return None if row is None else row[0]
