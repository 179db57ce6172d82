"""Batch jobs, a document each, and their tasks, a row each until the job has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from tule.store.documents import Documents
from tule.store.store import Tx

JOBS = Documents("s3.batch-job")
TOKENS = Documents("s3.batch-job-token")
_ADD = "INSERT INTO s3_batch_tasks (job, number, bucket, key, version, outcome) VALUES (?, ?, ?, ?, ?, NULL)"
_OPEN = "SELECT number, bucket, key, version FROM s3_batch_tasks WHERE job = ? AND outcome IS NULL ORDER BY number LIMIT ?"
_END = "UPDATE s3_batch_tasks SET outcome = ? WHERE job = ? AND number = ?"
_ENDED = (
    "SELECT number, bucket, key, version, outcome FROM s3_batch_tasks WHERE job = ? AND number > ? AND outcome IS NOT NULL ORDER BY number LIMIT ?"
)
_DROP = "DELETE FROM s3_batch_tasks WHERE job = ?"


class Task(NamedTuple):
    """`version` is empty where the manifest names none."""

    number: int
    bucket: str
    key: str
    version: str


class Ended(NamedTuple):
    """A task and how it ended: `code` is empty where it succeeded."""

    task: Task
    code: str
    http_status: int
    message: str


def add_tasks(tx: Tx, job: str, tasks: Iterable[Task]) -> None:
    for task in tasks:
        tx.execute(_ADD, job, task.number, task.bucket, task.key, task.version)


def open_tasks(tx: Tx, job: str, limit: int) -> list[Task]:
    """Those that were not done yet, in the manifest's order."""
    return [Task(*row) for row in tx.all(_OPEN, job, limit)]


def end_task(tx: Tx, job: str, ended: Ended) -> None:
    tx.execute(_END, orjson.dumps([ended.code, ended.http_status, ended.message]).decode(), job, ended.task.number)


def ended_after(tx: Tx, job: str, number: int, limit: int) -> list[Ended]:
    """Those that were done, with numbers greater than `number`."""
    return [Ended(Task(*row[:4]), *orjson.loads(row[4])) for row in tx.all(_ENDED, job, number, limit)]


def drop_tasks(tx: Tx, job: str) -> None:
    tx.execute(_DROP, job)


def put(tx: Tx, job: Mapping[str, Any]) -> None:
    JOBS.put(tx, job["Account"], job["Region"], job["Id"], job)
