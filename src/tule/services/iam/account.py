"""What an account has once: its alias, its password policy.  One document an account."""

from __future__ import annotations

from typing import Any

from tule.services.iam import state
from tule.services.iam.state import GLOBAL
from tule.store.documents import Documents
from tule.store.store import Tx

ACCOUNTS = Documents("iam.account")
_KEY = "account"


def get(tx: Tx, account: str) -> dict[str, Any]:
    return ACCOUNTS.get(tx, account, GLOBAL, _KEY) or {}


def put(tx: Tx, account: str, settings: dict[str, Any]) -> None:
    ACCOUNTS.put(tx, account, GLOBAL, _KEY, settings)
    state.changed(tx)


def password_policy(tx: Tx, account: str) -> dict[str, Any] | None:
    return get(tx, account).get("password_policy")


def owner_of_alias(tx: Tx, alias: str) -> str | None:
    """The account that has this alias."""
    return next((account for account, _, _, settings in ACCOUNTS.everywhere(tx) if settings.get("alias") == alias), None)
