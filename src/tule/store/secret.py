"""The installation's secret: 32 random bytes made at the first start, kept in the store, the same on all its nodes."""

from __future__ import annotations

from tule.store.store import Store, Tx

SCHEMA = "CREATE TABLE installation (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL);"
_PUT = "INSERT INTO installation (key, value) VALUES ('secret', ?) ON CONFLICT DO NOTHING"
_GET = "SELECT value FROM installation WHERE key = 'secret'"


async def installation_secret(store: Store) -> bytes:
    """Paging tokens, session tokens and URLs are signed with what is derived from it.  A wipe leaves it as it is."""
    await store.migrate("installation", SCHEMA)

    def get_or_make(tx: Tx) -> bytes:
        tx.execute(_PUT, tx.ids.bytes(32))
        row = tx.one(_GET)
        assert row is not None
        return row[0]

    return await store.write(get_or_make)
