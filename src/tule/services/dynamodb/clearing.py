"""Forgetting what was kept about the items of a table beside them: when they expire, their versions as
a replica, and the sizes of their collections.

The first step is done in the transaction of the cause, the rest by jobs.  A table that begins anew meanwhile loses nothing by it:
what is forgotten of it would be written again, or is not needed.
"""

from __future__ import annotations

from typing import Any

from tule.backbone.jobs import Job, enqueue
from tule.services.dynamodb.state import collections, expiries, replication
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

KIND = "dynamodb.clear"
STEP = 500


def clear(tx: Tx, table: Table) -> None:
    """Of a table that is deleted, or on which time to live is off."""
    _step(tx, {"table": table.id, "account": table.account, "region": table.region, "arn": table.arn})


def clear_on(tx: Tx, payload: dict[str, Any]) -> None:
    """The step of a job."""
    _step(tx, payload)


def _step(tx: Tx, payload: dict[str, Any]) -> None:
    id = payload["table"]
    table = rows.by_id(tx, id)
    cleared = 0
    if table is None or table.ttl_attribute is None:
        cleared += expiries.clear(tx, id, STEP)
    if table is None:
        cleared += replication.forget(tx, id, STEP)
        cleared += collections.clear(tx, id, STEP)
    if cleared >= STEP:
        name = f"{KIND} {id}"
        enqueue(tx, Job(KIND, payload["arn"], payload["account"], payload["region"], payload, max_attempts=1_000, backoff_cap_ms=60_000, name=name))
