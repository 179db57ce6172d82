"""Removing the rows of what is deleted, a bounded number at a time.

The first step is done in the transaction of the deletion, so that nothing is left to do for what is small.
"""

from __future__ import annotations

from collections.abc import Sequence

from tule.backbone.jobs import Job, enqueue
from tule.services.dynamodb.state import index_items, items
from tule.store.store import Tx

KIND = "dynamodb.sweep"
STEP = 500


def sweep(tx: Tx, account: str, region: str, arn: str, tables: Sequence[int], indexes: Sequence[int]) -> bool:
    """Remove some rows of these tables and indexes, and enqueue the rest.  True when nothing is left."""
    left = STEP
    for table in tables:
        left -= items.sweep(tx, table, left) if left else 0
    for index in indexes:
        left -= index_items.sweep(tx, index, left) if left else 0
    if left:
        return True
    payload = {"tables": list(tables), "indexes": list(indexes)}
    name = f"{KIND} {'-'.join(str(id) for id in (*tables, *indexes))}"
    enqueue(tx, Job(KIND, arn, account, region, payload, max_attempts=1_000, backoff_cap_ms=60_000, name=name))
    return False


def clear_index(tx: Tx, index: int) -> bool:
    """Remove some rows of an index.  True when nothing is left."""
    return index_items.sweep(tx, index, STEP) < STEP


def sweep_on(tx: Tx, account: str, region: str, arn: str, payload: dict[str, list[int]]) -> None:
    """The step of a job."""
    sweep(tx, account, region, arn, payload["tables"], payload["indexes"])
