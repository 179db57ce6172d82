"""The run that a schedule has planned: one named job, at its time, that enqueues the run and plans the next.

Both happen in one transaction, which also says in the schedule what is planned now; so each time has one run, however
often the job is delivered.  The next time follows from the planned one and not from the clock: after a long pause, or a
long jump of a virtual clock, every time that fell due has its run, in order.
"""

from __future__ import annotations

from typing import Any

from tule.backbone.delivery import Delivery
from tule.backbone.jobs import Job, cancel, enqueue
from tule.platform.node import Node
from tule.services.scheduler import runs, state
from tule.services.scheduler.names import ScheduleRef, of_arn
from tule.services.scheduler.occurrences import MINUTE_MS, Occurrences
from tule.services.scheduler.state import Document
from tule.store.store import Tx

DUE = "scheduler.due"
_ATTEMPTS = 1_000_000_000  # a timer is not given up


def start(tx: Tx, ref: ScheduleRef, schedule: Document) -> None:
    """Plan the first run of a schedule that was made or changed, in place of what was planned; the caller keeps the document."""
    settings = schedule["settings"]
    enabled = settings["State"] == "ENABLED"
    _plan(tx, ref, schedule, Occurrences(settings).first(tx.now_ms, schedule["base_ms"]) if enabled else None)


def stop(tx: Tx, ref: ScheduleRef) -> None:
    cancel(tx, ref.arn)


def _plan(tx: Tx, ref: ScheduleRef, schedule: Document, at_ms: int | None) -> None:
    schedule["next_ms"] = at_ms
    if at_ms is None:
        cancel(tx, ref.arn)
    else:
        payload: dict[str, Any] = {"uid": schedule["uid"], "at_ms": at_ms}
        enqueue(tx, Job(DUE, ref.arn, ref.account, ref.region, payload, due_ms=at_ms, max_attempts=_ATTEMPTS, name=ref.arn))


async def fall_due(node: Node, delivery: Delivery) -> None:
    ref = of_arn(delivery.target)
    await node.store.write(lambda tx: _fall_due(tx, ref, delivery.payload))


def _fall_due(tx: Tx, ref: ScheduleRef, planned: dict[str, Any]) -> None:
    schedule = state.find_schedule(tx, ref)
    if schedule is None or schedule["uid"] != planned["uid"] or schedule["next_ms"] != planned["at_ms"]:
        return  # deleted, changed, or done already
    at_ms: int = planned["at_ms"]
    _plan(tx, ref, schedule, Occurrences(schedule["settings"]).next(at_ms))
    state.put_schedule(tx, ref, schedule)
    runs.enqueue_run(tx, ref, schedule, at_ms, at_ms + _delay_ms(tx, schedule))


def _delay_ms(tx: Tx, schedule: Document) -> int:
    """Anywhere in the flexible time window."""
    window_ms: int = schedule["settings"]["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0) * MINUTE_MS
    return int.from_bytes(tx.ids.bytes(6), "big") % window_ms if window_ms else 0
