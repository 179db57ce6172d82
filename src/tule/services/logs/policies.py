"""Resource policies of an account's logs: which AWS services may write to them.

AWS: CloudWatch Logs API reference, PutResourcePolicy.  Several policies of a region count as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.store.documents import Documents
from tule.store.store import Tx

POLICIES = Documents("logs.resource-policy")


def combined(tx: Tx, account: str, region: str) -> Mapping[str, Any] | None:
    """All statements in one document; None when there are none."""
    statements: list[Any] = []
    for _, kept in POLICIES.page(tx, account, region):
        found = orjson.loads(kept["document"]).get("Statement", [])
        statements += found if isinstance(found, list) else [found]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None
