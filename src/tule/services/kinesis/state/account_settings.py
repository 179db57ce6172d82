"""What an account has settled in a region: its commitment to a minimum of throughput."""

from __future__ import annotations

from typing import Any

from tule.store.documents import Documents
from tule.store.store import Tx

_SETTINGS = Documents("kinesis.account")
_KEY = "commitment"


def commitment(tx: Tx, account: str, region: str) -> dict[str, Any]:
    """status, and where there was one: started_ms, ended_ms."""
    return _SETTINGS.get(tx, account, region, _KEY) or {"status": "DISABLED"}


def is_committed(tx: Tx, account: str, region: str) -> bool:
    return commitment(tx, account, region)["status"] != "DISABLED"


def commit(tx: Tx, account: str, region: str, settings: dict[str, Any]) -> None:
    _SETTINGS.put(tx, account, region, _KEY, settings)
