"""Configuration-like resources as documents: one table, one row a resource, the body as JSON.

    ROLES = Documents("iam.role")
    ROLES.create(tx, account, "", name, {...})        # False when it is there already
    ROLES.get(tx, account, "", name)                   # dict or None
    ROLES.page(tx, account, "", after=name, limit=101, prefix="/path")

Keys sort by their bytes.  Global services pass an empty region.  A secondary way to find a document is an `alias`:
another key, unique per kind and account (`AROA...` for a role), removed with the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE documents (
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, account, region, key)
);
CREATE TABLE document_aliases (
    kind TEXT NOT NULL,
    alias TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (kind, alias)
);
CREATE INDEX document_aliases_by_document ON document_aliases (kind, account, region, key);
"""

_GET = "SELECT body FROM documents WHERE kind = ? AND account = ? AND region = ? AND key = ?"
_CREATE = "INSERT INTO documents (kind, account, region, key, body, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PUT = (
    "INSERT INTO documents (kind, account, region, key, body, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (kind, account, region, key) DO UPDATE SET body = excluded.body, updated_ms = excluded.updated_ms"
)
_DELETE = "DELETE FROM documents WHERE kind = ? AND account = ? AND region = ? AND key = ?"
_PAGE = "SELECT key, body FROM documents WHERE kind = ? AND account = ? AND region = ? AND key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"
_EVERYWHERE = "SELECT account, region, key, body FROM documents WHERE kind = ? ORDER BY account, region, key"
_ALIAS = (
    "INSERT INTO document_aliases (kind, alias, account, region, key) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (kind, alias) DO UPDATE SET account = excluded.account, region = excluded.region, key = excluded.key"
)
_UNALIAS = "DELETE FROM document_aliases WHERE kind = ? AND account = ? AND region = ? AND key = ?"
_BY_ALIAS = (
    "SELECT d.account, d.region, d.key, d.body FROM document_aliases a JOIN documents d"
    " ON d.kind = a.kind AND d.account = a.account AND d.region = a.region AND d.key = a.key WHERE a.kind = ? AND a.alias = ?"
)
_LAST_KEY = "\U0010ffff"


class Documents:
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get(self, tx: Tx, account: str, region: str, key: str) -> dict[str, Any] | None:
        row = tx.one(_GET, self.kind, account, region, key)
        return None if row is None else orjson.loads(row[0])

    def create(self, tx: Tx, account: str, region: str, key: str, body: Mapping[str, Any]) -> bool:
        """False, and nothing changed, when the key is taken."""
        return tx.execute(_CREATE, self.kind, account, region, key, orjson.dumps(body), tx.now_ms, tx.now_ms) == 1

    def put(self, tx: Tx, account: str, region: str, key: str, body: Mapping[str, Any]) -> None:
        tx.execute(_PUT, self.kind, account, region, key, orjson.dumps(body), tx.now_ms, tx.now_ms)

    def delete(self, tx: Tx, account: str, region: str, key: str) -> bool:
        """True when it was there."""
        tx.execute(_UNALIAS, self.kind, account, region, key)
        return tx.execute(_DELETE, self.kind, account, region, key) == 1

    def page(
        self, tx: Tx, account: str, region: str, *, after: str = "", limit: int = 1_000_000, prefix: str = ""
    ) -> list[tuple[str, dict[str, Any]]]:
        """Keys and bodies in key order, those after `after` that begin with `prefix`."""
        rows = tx.all(_PAGE, self.kind, account, region, after, prefix, prefix + _LAST_KEY, limit)
        return [(key, orjson.loads(body)) for key, body in rows]

    def everywhere(self, tx: Tx) -> list[tuple[str, str, str, dict[str, Any]]]:
        """All of this kind in all accounts: (account, region, key, body).  For reconcilers."""
        return [(account, region, key, orjson.loads(body)) for account, region, key, body in tx.all(_EVERYWHERE, self.kind)]

    def alias(self, tx: Tx, account: str, region: str, key: str, alias: str) -> None:
        tx.execute(_ALIAS, self.kind, alias, account, region, key)

    def by_alias(self, tx: Tx, alias: str) -> tuple[str, str, str, dict[str, Any]] | None:
        """(account, region, key, body) of the document that carries `alias`."""
        row = tx.one(_BY_ALIAS, self.kind, alias)
        return None if row is None else (row[0], row[1], row[2], orjson.loads(row[3]))
