"""Tokens by which an endpoint confirms a subscription, or takes back an unsubscription.  They hold for two days.

AWS: https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from tule.store.store import Tx

SCHEMA = """
CREATE TABLE sns_tokens (
    token TEXT PRIMARY KEY,
    subscription TEXT NOT NULL,
    body BLOB NOT NULL,
    expires_ms INTEGER NOT NULL
);
CREATE INDEX sns_tokens_by_subscription ON sns_tokens (subscription);
"""

LIFE_MS = 2 * 86_400_000
_HEX_DIGITS = 288
_INSERT = "INSERT INTO sns_tokens (token, subscription, body, expires_ms) VALUES (?, ?, ?, ?)"
_GET = "SELECT subscription, body FROM sns_tokens WHERE token = ? AND expires_ms > ?"
_EXPIRE = "DELETE FROM sns_tokens WHERE expires_ms <= ?"
_WELL_FORMED = re.compile(r"[0-9a-f]{64,512}")


def issue(tx: Tx, subscription_arn: str, body: dict[str, Any]) -> str:
    """`body` is what is needed to make the subscription again."""
    tx.execute(_EXPIRE, tx.now_ms)
    token = tx.ids.hex(_HEX_DIGITS)
    tx.execute(_INSERT, token, subscription_arn, orjson.dumps(body), tx.now_ms + LIFE_MS)
    return token


def is_well_formed(token: str) -> bool:
    return _WELL_FORMED.fullmatch(token) is not None


def find(tx: Tx, token: str) -> tuple[str, dict[str, Any]] | None:
    """(subscription's ARN, body)."""
    row = tx.one(_GET, token, tx.now_ms)
    return None if row is None else (row[0], orjson.loads(row[1]))
