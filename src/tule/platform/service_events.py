"""What AWS services tell EventBridge by themselves: events on the default bus of the account and region.

Recorded in the transaction of their cause, brought to the bus by a job.
AWS: https://docs.aws.amazon.com/eventbridge/latest/ref/welcome.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.backbone.jobs import Job, enqueue
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.store.store import Tx

EVENT = "event"
_MAX_ATTEMPTS = 100


def emit(
    tx: Tx,
    *,
    account: str,
    region: str,
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    resources: Sequence[str] = (),
    trace: str | None = None,
) -> None:
    """`source` is such as `aws.s3`.  The job's payload is the whole event, as rules and targets see it."""
    event = {
        "version": "0",
        "id": tx.ids.uuid(),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": iso8601(tx.now_ms)[:19] + "Z",
        "region": region,
        "resources": list(resources),
        "detail": detail,
    }
    bus = arns.arn("events", region, account, "event-bus/default")
    service = source.replace("aws.", "", 1) + ".amazonaws.com"
    enqueue(tx, Job(EVENT, bus, account, region, event, max_attempts=_MAX_ATTEMPTS, source_service=service, trace=trace))
