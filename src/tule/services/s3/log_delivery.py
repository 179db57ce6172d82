"""Delivering server access logs: lines gather in a table, and a job a minute brings them to the bucket that wants them.

The log delivery service writes them, so that the target's policy, or its ACL, decides.  Lines are written after the answer was
given, and may be lost with the process: AWS promises no more.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tule.access import principal
from tule.backbone.delivery import Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, enqueue
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.s3 import access_log
from tule.services.s3.state import buckets, log_entries
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx
from tule.wire.http import Body, Request, Response

KIND = "s3-access-log"
SERVICE = "logging.s3.amazonaws.com"
_EVERY_MS = 60_000
_MOST_LINES = 5_000
_GRANTS = {"FULL_CONTROL": "GrantFullControl", "READ": "GrantRead", "WRITE": "GrantWrite"}


class _Pending:
    """What this node has still to write down, by bucket; one task writes at a time."""

    def __init__(self) -> None:
        self.lines: defaultdict[int, list[str]] = defaultdict(list)
        self.buckets: dict[int, Bucket] = {}
        self.task: asyncio.Task[None] | None = None


def watch(call: Call, bucket: Bucket) -> None:
    """Log this call once it is answered, if the bucket wants a log."""
    if "Logging" in bucket.config:
        call.answered = partial(_note, call, bucket)


def _note(call: Call, bucket: Bucket, request: Request, response: Response, elapsed_s: float) -> None:
    pending: _Pending = call.node.memory.setdefault("s3.access-log", _Pending())
    pending.buckets[bucket.id] = bucket
    pending.lines[bucket.id].append(access_log.line(call, bucket, request, response, elapsed_s))
    if pending.task is None or pending.task.done():
        pending.task = asyncio.get_running_loop().create_task(_write_down(call.node, pending))


async def _write_down(node: Node, pending: _Pending) -> None:
    """Until nothing is left: more may come while the store writes."""
    while pending.lines:
        lines, found = dict(pending.lines), dict(pending.buckets)
        pending.lines.clear()
        pending.buckets.clear()
        await node.store.write_forgettable(partial(_add, found, lines))


def _add(found: Mapping[int, Bucket], lines: Mapping[int, list[str]], tx: Tx) -> None:
    for id, texts in lines.items():
        log_entries.add(tx, id, texts)
        _later(tx, found[id], (tx.now_ms // _EVERY_MS + 1) * _EVERY_MS)


def _later(tx: Tx, bucket: Bucket, due_ms: int) -> None:
    payload = {"bucket": bucket.name, "id": bucket.id}
    enqueue(tx, Job(KIND, bucket.arn, bucket.account, bucket.region, payload, due_ms=due_ms, max_attempts=1_000, name=f"{KIND}:{bucket.id}"))


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """All lines that are there, in objects of some thousand lines."""
    name, id = delivery.payload["bucket"], delivery.payload["id"]
    while True:
        bucket = await node.store.read(lambda tx: buckets.find(tx, name))
        last, lines = await node.store.read(lambda tx: log_entries.first(tx, id, _MOST_LINES))
        if not lines:
            return Done()
        logging = None if bucket is None or bucket.id != id else bucket.config.get("Logging")
        if bucket is not None and logging is not None:
            error = await _put(node, bucket, logging, "".join(lines))
            if error is not None and error.status >= 500:
                return Retry(error.message, code=error.code)
        await node.store.write(partial(_remove, id, last))


def _remove(id: int, last: str, tx: Tx) -> None:
    log_entries.remove(tx, id, last)


async def _put(node: Node, bucket: Bucket, logging: Mapping[str, Any], text: str) -> ServiceError | None:
    """What kept the log from its target: where that does not let it in, the lines are lost, as AWS loses them."""
    params: dict[str, Any] = {
        "Bucket": logging["TargetBucket"],
        "Key": key_of(bucket, logging, node.clock.now_ms(), node.ids.upper(16)),
        "Body": Body.of(text.encode()),
        "ContentType": "text/plain",
    }
    for permission, member in _GRANTS.items():
        grantees = [_grantee(grant["Grantee"]) for grant in logging.get("TargetGrants") or () if grant["Permission"] == permission]
        if grantees and member != "GrantWrite":
            params[member] = ",".join(grantees)
    try:
        await node.dispatcher.invoke(
            "s3", "PutObject", params, principal=principal.aws_service(SERVICE, bucket.account, bucket.arn), region=bucket.region
        )
    except ServiceError as error:
        return error
    return None


def _grantee(grantee: Mapping[str, str]) -> str:
    return f'uri="{grantee["URI"]}"' if "URI" in grantee else f'id="{grantee["ID"]}"'


def key_of(bucket: Bucket, logging: Mapping[str, Any], now_ms: int, unique: str) -> str:
    """`<prefix>2026-11-21-17-05-00-<unique>`, or below account, region, bucket and day."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    prefix = logging.get("TargetPrefix", "")
    name = f"{now:%Y-%m-%d-%H-%M-%S}-{unique}"
    if "PartitionedPrefix" not in (logging.get("TargetObjectKeyFormat") or {}):
        return prefix + name
    return f"{prefix}{bucket.account}/{bucket.region}/{bucket.name}/{now:%Y/%m/%d}/{name}"
