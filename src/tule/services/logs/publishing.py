"""Log events on their way to subscribers: gathered by PutLogEvents call, zipped, sent by durable jobs.

The events themselves are telemetry, what is sent of them is not: once the job is written it is delivered at least once.
AWS: CloudWatch Logs user guide, "Real-time processing of log data with subscriptions".
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from tule.backbone.jobs import enqueue
from tule.core import arn as arns
from tule.lang.log_patterns import compile_pattern
from tule.platform import targets
from tule.platform.call import Call
from tule.services.logs import positions
from tule.services.logs.destinations import DESTINATIONS
from tule.services.logs.groups import Group, group_arn
from tule.store.store import Tx
from tule.watch.log_store import Event

LOGS = "logs.amazonaws.com"
MAX_BATCH_BYTES = 512 * 1024  # before zipping: what cannot be squeezed still fits into an asynchronous invocation
EXPIRES_MS = 24 * 3_600_000
MAX_ATTEMPTS = 100

Filter = dict[str, Any]


async def publish(call: Call, group: Group, group_name: str, stream: str, events: Sequence[Event]) -> None:
    """Durable when it returns."""
    batches = [(each, batch) for each in group.get("subscriptions", {}).values() for batch in _batches(_matching(each, events))]
    if not batches:
        return

    def record(tx: Tx) -> None:
        for each, batch in batches:
            _enqueue(call, tx, each, group_name, message("DATA_MESSAGE", call.account, group_name, stream, [each["filterName"]], batch))

    await call.node.store.write(record)


def _matching(subscription: Filter, events: Sequence[Event]) -> list[Event]:
    matches = compile_pattern(subscription["filterPattern"])
    return [event for event in events if matches(event.message)]


def _batches(events: Sequence[Event]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    size = 0
    for event in events:
        if batch and size + event.size > MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += event.size
    if batch:
        yield batch


def message(kind: str, owner: str, group: str, stream: str, filters: Sequence[str], events: Sequence[Event]) -> Mapping[str, Any]:
    """What subscribers read once it is unzipped; `kind` is DATA_MESSAGE or CONTROL_MESSAGE."""
    return {
        "messageType": kind,
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": list(filters),
        "logEvents": [{"id": positions.digits(event.position), "timestamp": event.time_ms, "message": event.message} for event in events],
    }


def _enqueue(call: Call, tx: Tx, subscription: Filter, group: str, told: Mapping[str, Any]) -> None:
    target, role = destination_of(tx, subscription)
    text, settings = packed(target, told, subscription, told["logStream"])
    job = targets.job(
        target,
        text,
        account=call.account,
        region=call.region,
        source_service=LOGS,
        source_arn=group_arn(call.account, call.region, group) + ":*",
        role=role,
        settings=settings,
        max_attempts=MAX_ATTEMPTS,
        expires_ms=tx.now_ms + EXPIRES_MS,
        trace=call.trace,
    )
    enqueue(tx, job)


def destination_of(tx: Tx, subscription: Filter) -> tuple[str, str]:
    """The target's ARN and the role to act as: the filter's own, or those of the destination that it names."""
    to = arns.parse(subscription["destinationArn"])
    if to.service != "logs":
        return str(to), subscription.get("roleArn", "")
    found = DESTINATIONS.get(tx, to.account, to.region, to.resource.removeprefix("destination:"))
    return (found["targetArn"], found["roleArn"]) if found is not None else (str(to), "")


def packed(target: str, told: Mapping[str, Any], subscription: Filter, stream: str) -> tuple[str, dict[str, Any]]:
    """The text that `target` gets, and what else it needs."""
    data = base64.b64encode(gzip.compress(orjson.dumps(told), 6, mtime=0)).decode()
    match arns.parse(target).service:
        case "lambda":
            return orjson.dumps({"awslogs": {"data": data}}).decode(), {}
        case "kinesis":
            key = stream if subscription.get("distribution") == "ByLogStream" else data[-32:]
            return data, {"PartitionKey": key, "IsBase64": True}
        case _:
            return data, {"IsBase64": True}
