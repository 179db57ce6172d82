"""Durable jobs: what a transaction causes to happen later.  The loop that claims and runs them is in `worker.py`.

A job is a row.  `due_ms` is on the node's clock; `lease_until_ms` is real time, since it guards against the death of a
process, which no turning of the clock brings about.  A job of a group waits (`waiting = 1`) while an earlier one of
that group is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from tule.store.store import Row, Tx

TOPIC = "jobs"  # woken by whatever may have made a job due

SCHEMA = """
CREATE TABLE jobs (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    payload BLOB NOT NULL,
    due_ms INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    backoff_ms INTEGER NOT NULL,
    backoff_cap_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    enqueued_ms INTEGER NOT NULL,
    dead_letter TEXT NOT NULL,
    source_service TEXT NOT NULL,
    source_arn TEXT NOT NULL,
    role TEXT NOT NULL,
    name TEXT,
    member_of TEXT,
    trace TEXT
);
CREATE INDEX jobs_due ON jobs (due_ms, sequence, target) WHERE waiting = 0 AND lease_until_ms = 0;
CREATE INDEX jobs_leased ON jobs (lease_until_ms) WHERE lease_until_ms > 0;
CREATE INDEX jobs_of_group ON jobs (member_of, sequence) WHERE member_of IS NOT NULL;
CREATE UNIQUE INDEX jobs_by_name ON jobs (name) WHERE name IS NOT NULL;
"""

_INSERT = (
    "INSERT INTO jobs (id, kind, target, account, region, payload, due_ms, waiting, lease_owner, lease_until_ms, attempts,"
    " max_attempts, backoff_ms, backoff_cap_ms, expires_ms, enqueued_ms, dead_letter, source_service, source_arn, role, name, member_of, trace)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_NAMED = "SELECT sequence, id FROM jobs WHERE name = ?"
_REMOVE = "DELETE FROM jobs WHERE sequence = ? AND id = ? RETURNING member_of"
_END = "DELETE FROM jobs WHERE sequence = ? AND id = ? AND lease_owner = ? RETURNING member_of"
# Whether the group has members, asked by writing to its last one: whoever removes that one at the same time, having seen no
# next, meets this transaction there, and one of them runs again.  To read it would not do: a claim, which is no serializable
# transaction, may make another version of the row in between, and then the database sees no conflict.
_JOIN_GROUP = "UPDATE jobs SET member_of = member_of WHERE sequence = (SELECT max(sequence) FROM jobs WHERE member_of = ?)"
_NEXT_IN_GROUP = "UPDATE jobs SET waiting = 0 WHERE sequence = (SELECT min(sequence) FROM jobs WHERE member_of = ?)"


@dataclass(slots=True)
class Job:
    """Something to be done at or after `due_ms` (0: now), at `target`, whose service's `deliver` gets it as a Delivery.

    `backoff_ms` is the wait after the first failure, doubled each time up to `backoff_cap_ms`.  `expires_ms` 0 is never.
    `dead_letter` is a target ARN that gets the payload when attempts or age run out.  `name`, when set, is unique: a second
    job of the same name replaces the first (timers, schedules).  `group` orders: jobs of one group run one at a time, in
    the order of their enqueueing.  `payload` is what JSON can say.
    """

    kind: str
    target: str
    account: str
    region: str
    payload: dict[str, Any] = field(default_factory=dict[str, Any])
    due_ms: int = 0
    max_attempts: int = 3
    backoff_ms: int = 1_000
    backoff_cap_ms: int = 3_600_000
    expires_ms: int = 0
    dead_letter: str = ""
    source_service: str = ""
    source_arn: str = ""
    role: str = ""
    name: str = ""
    group: str = ""
    trace: str | None = None


def enqueue(tx: Tx, job: Job) -> str:
    """Record `job` in the caller's transaction; its id.  It runs once that is committed, at least once."""
    if job.name:
        cancel(tx, job.name)
    id = tx.ids.hex(32)
    waiting = bool(job.group) and tx.execute(_JOIN_GROUP, job.group) > 0
    tx.execute(
        _INSERT,
        id,
        job.kind,
        job.target,
        job.account,
        job.region,
        orjson.dumps(job.payload),
        job.due_ms or tx.now_ms,
        int(waiting),
        job.max_attempts,
        job.backoff_ms,
        job.backoff_cap_ms,
        job.expires_ms,
        tx.now_ms,
        job.dead_letter,
        job.source_service,
        job.source_arn,
        job.role,
        job.name or None,
        job.group or None,
        job.trace,
    )
    tx.wake(TOPIC)
    return id


def cancel(tx: Tx, name: str) -> bool:
    """Remove the job of this name; False when there is none.  A delivery of it that is on its way is not stopped."""
    row = tx.one(_NAMED, name)
    return row is not None and remove(tx, *row)


def remove(tx: Tx, sequence: int, id: str) -> bool:
    """The job has ended; the next one of its group may run."""
    return _removed(tx, tx.one(_REMOVE, sequence, id))


def end(tx: Tx, sequence: int, id: str, lease: str) -> bool:
    """The same, as long as the lease on it stands."""
    return _removed(tx, tx.one(_END, sequence, id, lease))


def _removed(tx: Tx, row: Row | None) -> bool:
    if row is None:
        return False
    if row[0] is not None and tx.execute(_NEXT_IN_GROUP, row[0]):
        tx.wake(TOPIC)
    return True
