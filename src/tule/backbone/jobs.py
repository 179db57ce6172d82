"""Durable jobs.  (Contract; the loop that claims and runs them is in `backbone/worker.py`.)"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tule.store.store import Tx


@dataclass(slots=True, frozen=True)
class Job:
    """Something to be done at or after `due_ms` (0: now), at `target`, whose service's `deliver` gets it as a Delivery.

    `backoff_ms` is the wait after the first failure, doubled each time up to `backoff_cap_ms`.  `expires_ms` 0 is never.
    `dead_letter` is a target ARN that gets the payload when attempts or age run out.  `name`, when set, is unique: a second
    job of the same name replaces the first (timers, schedules).  `group` orders: jobs of one group run one at a time, in
    the order of their enqueueing.
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
    raise NotImplementedError


def cancel(tx: Tx, name: str) -> bool:
    """Remove the job of this name; False when there is none."""
    raise NotImplementedError
