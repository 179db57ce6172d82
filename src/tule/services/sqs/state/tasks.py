"""Tasks that move messages from a dead letter queue back, or elsewhere.  Kept for as long as ListMessageMoveTasks may show them."""

from __future__ import annotations

from typing import Any

from tule.store.documents import Documents
from tule.store.store import Tx

TASKS = Documents("sqs.task")
SHOWN = 10

Task = dict[str, Any]
"""id, source, destination (may be empty), rate (0: none), status, moved, to_move, started_ms, failure."""


def key_of(task: Task) -> str:
    """Sorts by queue, and by start within one."""
    return f"{task['source']}|{task['started_ms']:015d}|{task['id']}"


def put(tx: Tx, account: str, region: str, task: Task) -> None:
    TASKS.put(tx, account, region, key_of(task), task)


def of_queue(tx: Tx, account: str, region: str, source: str) -> list[Task]:
    """The latest first."""
    found = TASKS.page(tx, account, region, prefix=f"{source}|")
    return [task for _, task in reversed(found)]


def trim(tx: Tx, account: str, region: str, source: str) -> None:
    for task in of_queue(tx, account, region, source)[SHOWN:]:
        TASKS.delete(tx, account, region, key_of(task))
