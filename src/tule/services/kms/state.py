"""KMS's state: keys and aliases as documents, key material and grants as rows.

A key's document: id, created_ms, state, description, spec, usage, origin, manager, policy (as given), tags, aliases; of
multi-region keys primary and replicas (regions); while it is so deletion_ms, window_days, expires_ms; rotation (enabled,
period_days, next_ms, demanded_ms) and material, the id of the current one.

Material lives in the key's region, or in none (`home` empty) where all replicas of a multi-region key share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from tule.store.documents import Documents
from tule.store.store import Tx

SCHEMA = """
CREATE TABLE kms_materials (
    account TEXT NOT NULL,
    home TEXT NOT NULL,
    key_id TEXT NOT NULL,
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, home, key_id, id)
);
CREATE TABLE kms_grants (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key_id TEXT NOT NULL,
    id TEXT NOT NULL,
    grantee TEXT NOT NULL,
    retiring TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, region, key_id, id)
);
CREATE INDEX kms_grants_by_retiring ON kms_grants (account, region, retiring, id);
"""

KEYS = Documents("kms.key")
ALIASES = Documents("kms.alias")  # {"key", "created_ms", "updated_ms"}
USES = Documents("kms.use")  # of each key the last one: {"operation", "at_ms", "request"}
CHANGED = "kms.keys"  # the topic of all that changes a key, its aliases, its material or its grants

Document = dict[str, Any]

_MATERIALS = "SELECT id, number, sealed, body FROM kms_materials WHERE account = ? AND home = ? AND key_id = ? ORDER BY number"
_PUT_MATERIAL = (
    "INSERT INTO kms_materials (account, home, key_id, id, number, sealed, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (account, home, key_id, id) DO UPDATE SET sealed = excluded.sealed, body = excluded.body"
)
_DROP_MATERIAL = "DELETE FROM kms_materials WHERE account = ? AND home = ? AND key_id = ? AND id = ?"
_DROP_MATERIALS = "DELETE FROM kms_materials WHERE account = ? AND home = ? AND key_id = ?"
_GRANTS = "SELECT body FROM kms_grants WHERE account = ? AND region = ? AND key_id = ? ORDER BY id"
_RETIRABLE = "SELECT body FROM kms_grants WHERE account = ? AND region = ? AND retiring = ? AND id > ? ORDER BY id LIMIT ?"
_PUT_GRANT = "INSERT INTO kms_grants (account, region, key_id, id, grantee, retiring, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
_DROP_GRANT = "DELETE FROM kms_grants WHERE account = ? AND region = ? AND key_id = ? AND id = ?"
_DROP_GRANTS = "DELETE FROM kms_grants WHERE account = ? AND region = ? AND key_id = ?"


class MaterialRow(NamedTuple):
    """`number` counts the rotations; an empty `sealed` is imported material that was deleted.  `body`: created_ms, kind
    (the rotation type, none for the first), expires_ms, description, state."""

    id: str
    number: int
    sealed: bytes
    body: Document


def key(tx: Tx, account: str, region: str, id: str) -> Document | None:
    return KEYS.get(tx, account, region, id)


def create_key(tx: Tx, account: str, region: str, document: Document) -> None:
    KEYS.put(tx, account, region, document["id"], document)
    KEYS.alias(tx, account, region, document["id"], f"{region}/{document['id']}")
    tx.wake(CHANGED)


def put_key(tx: Tx, account: str, region: str, document: Document) -> None:
    KEYS.put(tx, account, region, document["id"], document)
    tx.wake(CHANGED)


def key_anywhere(tx: Tx, region: str, id: str) -> tuple[str, Document] | None:
    """The key of this id in a region, whoever's it is: (account, document)."""
    found = KEYS.by_alias(tx, f"{region}/{id}")
    return None if found is None else (found[0], found[3])


def drop_key(tx: Tx, account: str, region: str, document: Document) -> None:
    """With its aliases and grants."""
    for name in document["aliases"]:
        ALIASES.delete(tx, account, region, name)
    tx.execute(_DROP_GRANTS, account, region, document["id"])
    USES.delete(tx, account, region, document["id"])
    KEYS.delete(tx, account, region, document["id"])
    tx.wake(CHANGED)


def home_of(document: Document, region: str) -> str:
    """Where a key's material lives."""
    return "" if document.get("primary") and document["origin"] == "AWS_KMS" else region


def materials(tx: Tx, account: str, home: str, key_id: str) -> list[MaterialRow]:
    """Oldest first."""
    return [MaterialRow(id, number, sealed, orjson.loads(body)) for id, number, sealed, body in tx.all(_MATERIALS, account, home, key_id)]


def put_material(tx: Tx, account: str, home: str, key_id: str, row: MaterialRow) -> None:
    tx.execute(_PUT_MATERIAL, account, home, key_id, row.id, row.number, row.sealed, orjson.dumps(row.body))
    tx.wake(CHANGED)


def drop_material(tx: Tx, account: str, home: str, key_id: str, id: str) -> None:
    tx.execute(_DROP_MATERIAL, account, home, key_id, id)
    tx.wake(CHANGED)


def drop_materials(tx: Tx, account: str, home: str, key_id: str) -> None:
    tx.execute(_DROP_MATERIALS, account, home, key_id)


def grants(tx: Tx, account: str, region: str, key_id: str) -> list[Document]:
    return [orjson.loads(body) for (body,) in tx.all(_GRANTS, account, region, key_id)]


def retirable(tx: Tx, account: str, region: str, principal: str, after: str, limit: int) -> Sequence[Document]:
    return [orjson.loads(body) for (body,) in tx.all(_RETIRABLE, account, region, principal, after, limit)]


def put_grant(tx: Tx, account: str, region: str, grant: Document) -> None:
    """`grant` in the words of GrantListEntry, with key_id, id, grantee and retiring."""
    tx.execute(_PUT_GRANT, account, region, grant["key_id"], grant["id"], grant["grantee"], grant["retiring"], orjson.dumps(grant))
    tx.wake(CHANGED)


def drop_grant(tx: Tx, account: str, region: str, key_id: str, id: str) -> bool:
    tx.wake(CHANGED)
    return tx.execute(_DROP_GRANT, account, region, key_id, id) == 1
