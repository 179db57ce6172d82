"""Client request tokens of transactions, for the ten minutes in which the same token means the same request."""

from __future__ import annotations

from typing import NamedTuple

from tule.store.store import Tx

LIFETIME_MS = 600_000
_SWEPT = 20  # tokens that a new one sweeps along, at most

SCHEMA = """
CREATE TABLE dynamodb_tokens (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    token TEXT NOT NULL,
    digest BLOB NOT NULL,
    answer BLOB NOT NULL,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, token)
);
CREATE INDEX dynamodb_tokens_by_age ON dynamodb_tokens (made_ms);
"""

_FIND = "SELECT digest, answer FROM dynamodb_tokens WHERE account = ? AND region = ? AND token = ? AND made_ms > ?"
_KEEP = (
    "INSERT INTO dynamodb_tokens (account, region, token, digest, answer, made_ms) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (account, region, token) DO UPDATE SET digest = excluded.digest, answer = excluded.answer, made_ms = excluded.made_ms"
)
_OLD = "SELECT account, region, token FROM dynamodb_tokens WHERE made_ms <= ? ORDER BY made_ms LIMIT ?"
_REMOVE = "DELETE FROM dynamodb_tokens WHERE account = ? AND region = ? AND token = ?"


class Earlier(NamedTuple):
    """A request that had the token: a digest of what it asked for, and what it was answered, as JSON."""

    digest: bytes
    answer: bytes


def find(tx: Tx, account: str, region: str, token: str) -> Earlier | None:
    row = tx.one(_FIND, account, region, token, tx.now_ms - LIFETIME_MS)
    return None if row is None else Earlier._make(row)


def keep(tx: Tx, account: str, region: str, token: str, earlier: Earlier) -> None:
    """Remember a request, and forget some that are old enough."""
    old = tx.all(_OLD, tx.now_ms - LIFETIME_MS, _SWEPT)
    if old:
        tx.many(_REMOVE, old)
    tx.execute(_KEEP, account, region, token, earlier.digest, earlier.answer, tx.now_ms)
