"""Schedules of rules: one named job a rule, due at its next time, which sends the scheduled event and sets the next.

A rate counts from when the rule was made or enabled.  Times that pass while nobody runs are made up for once.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
"""

from __future__ import annotations

from typing import Any

import orjson

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, cancel, enqueue
from tule.platform.node import Node
from tule.services.events import matching, metrics, rules, state
from tule.services.events.matching import Incoming
from tule.services.events.names import BusRef, rule_of
from tule.services.events.state import Record
from tule.services.events.times import event_time
from tule.store.store import Tx

TICK = "tick"
_ATTEMPTS = 1_000_000  # a tick fails only when the store does


def set_timer(tx: Tx, ref: BusRef, record: Record, before: Record | None) -> None:
    """Start, keep or stop the rule's schedule, in the record that is about to be kept."""
    goes_on = before is not None and rules.is_enabled(before) and before.get("schedule") == record.get("schedule") and "next_ms" in before
    if "schedule" not in record or not rules.is_enabled(record):
        record.pop("since_ms", None)
        record.pop("next_ms", None)
        cancel_timer(tx, record)
    elif not goes_on:
        record["since_ms"] = tx.now_ms
        _set_next(tx, ref, record, tx.now_ms)


def cancel_timer(tx: Tx, record: Record) -> None:
    cancel(tx, _name(record["arn"]))


def _name(rule_arn: str) -> str:
    return f"events.tick:{rule_arn}"


def _set_next(tx: Tx, ref: BusRef, record: Record, after_ms: int) -> None:
    due_ms = rules.schedule(record["schedule"]).after(after_ms, since=record["since_ms"])
    if due_ms is None:
        record.pop("next_ms", None)
        cancel_timer(tx, record)
        return
    record["next_ms"] = due_ms
    arn = record["arn"]
    enqueue(
        tx, Job(TICK, arn, ref.account, ref.region, {"due_ms": due_ms}, due_ms=due_ms, name=_name(arn), max_attempts=_ATTEMPTS, backoff_cap_ms=60_000)
    )


async def tick(node: Node, delivery: Delivery) -> Outcome:
    """Send the scheduled event to the rule's targets, and set the next time, in one transaction."""
    ref, name = rule_of(delivery.target)
    due_ms: int = delivery.payload["due_ms"]

    def run(tx: Tx) -> None:
        record = state.rule(tx, ref, name)
        if record is None or record.get("next_ms") != due_ms:
            return  # somebody else did it, or the schedule was changed
        event = _scheduled_event(tx, ref, record["arn"], due_ms)
        matching.send_to_targets(tx, ref, matching.compiled_rule(record), Incoming(event, tx.now_ms), orjson.dumps(event).decode())
        tx.after_commit(lambda: metrics.triggered(node.meter, ref, name))
        _set_next(tx, ref, record, max(due_ms, tx.now_ms))
        state.put_rule(tx, ref, name, record)

    await node.store.write(run)
    return Done()


def _scheduled_event(tx: Tx, ref: BusRef, rule_arn: str, due_ms: int) -> dict[str, Any]:
    """AWS: EventBridge events reference, Scheduled Event."""
    return {
        "version": "0",
        "id": tx.ids.uuid(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ref.account,
        "time": event_time(due_ms),
        "region": ref.region,
        "resources": [rule_arn],
        "detail": {},
    }
