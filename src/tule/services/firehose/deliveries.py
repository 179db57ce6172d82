"""Emptying buffers: a batch is taken, brought where it belongs, and only then forgotten.

A batch keeps its identity until then, so that what is repeated after a crash writes the same objects again.  The intake's
batches are processed and handed on to other buffers in one transaction.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from tule.backbone.delivery import Delivery, Done, Outcome, Retry
from tule.platform.encryption import KeyRefused, Vault
from tule.platform.node import Node
from tule.services.firehose import buffering, encryption, error_logs, failures, metrics
from tule.services.firehose.destinations import http_endpoint, redshift, s3_objects, settings
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.processing import pipeline
from tule.services.firehose.state import buffers, streams
from tule.services.firehose.state.buffers import BACKUP, ERRORS, INTAKE, OUTPUT, Batch, Buffer, Record
from tule.services.firehose.state.streams import Stream
from tule.store.store import Tx

log = logging.getLogger("tule.firehose")

DAY_MS = 86_400_000  # after which AWS gives up what it cannot bring to S3
FIRST_BACKOFF_MS = 5_000
BACKOFF_CAP_MS = 120_000


@dataclasses.dataclass(slots=True, frozen=True)
class Work:
    """A batch and what is needed to bring it somewhere."""

    stream: Stream
    buffer: Buffer
    batch: Batch
    records: list[Record]
    vault: Vault | None = None  # what seals records that go on to other buffers


@dataclasses.dataclass(slots=True)
class _Turn:
    """Of the jobs at one buffer; `jobs` have it or wait for it."""

    lock: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    jobs: int = 0


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """A job of kind `firehose-empty`."""
    id = delivery.payload["buffer"]
    async with _alone(node, id):
        return await _empty(node, delivery.payload["stream"], id)


@asynccontextmanager
async def _alone(node: Node, buffer: int) -> AsyncGenerator[None]:
    """A job that was replaced while it ran must not meet its successor at the same buffer."""
    busy = cast("dict[int, _Turn]", node.memory.setdefault("firehose.emptying", {}))
    turn = busy.setdefault(buffer, _Turn())
    turn.jobs += 1
    try:
        async with turn.lock:
            yield
    finally:
        turn.jobs -= 1
        if not turn.jobs:
            del busy[buffer]


async def _empty(node: Node, stream_id: str, id: int) -> Outcome:
    work = await node.store.write(partial(_take, stream_id, id))
    if work is None:
        return Done()
    try:
        work = await _opened(node, work)
        await _bring(node, work)
    except DeliveryFailed as failed:
        metrics.delivered(node, work.stream, work.buffer.stage, work.records, succeeded=False)
        return await _failed(node, work, failed)
    metrics.delivered(node, work.stream, work.buffer.stage, work.records, succeeded=True)
    return Done()


async def _opened(node: Node, work: Work) -> Work:
    """With the records as they were put.  Raises DeliveryFailed."""
    records = await encryption.opened(node, work.stream, work.records)
    try:
        return dataclasses.replace(work, records=records, vault=await encryption.vault(node, work.stream))
    except KeyRefused as refusal:
        raise DeliveryFailed(f"KMS.{refusal.kind}", refusal.message) from refusal


def _take(stream_id: str, id: int, tx: Tx) -> Work | None:
    stream, buffer = streams.by_id(tx, stream_id), buffers.find(tx, id)
    if stream is None or buffer is None or buffer.stream != stream_id:
        return None
    batch = buffers.claim(tx, buffer, buffering.hints_of(stream, buffer.stage).bytes)
    return None if batch is None else Work(stream, buffer, batch, buffers.load(tx, buffer, batch))


async def _bring(node: Node, work: Work) -> None:
    """Raises DeliveryFailed."""
    stream, buffer, batch, records = work.stream, work.buffer, work.batch, work.records
    match buffer.stage:
        case "intake":
            processed = await pipeline.process(node, stream, batch, records)
            await node.store.write(partial(_hand_on, work, processed))
            return
        case "errors":
            await s3_objects.put_errors(node, stream, batch, buffer.partition, records)
        case "backup":
            await s3_objects.put_backup(node, stream, batch, records)
        case _:
            await _bring_output(node, work)
    await node.store.write(partial(_finish, work))


async def _bring_output(node: Node, work: Work) -> None:
    """Raises DeliveryFailed."""
    stream, batch, records = work.stream, work.batch, work.records
    match stream["kind"]:
        case "S3" | "ExtendedS3":
            await s3_objects.put_data(node, stream, batch, work.buffer.partition, records)
        case "HttpEndpoint":
            await http_endpoint.post(node, stream, batch, records)
        case "Redshift":
            await redshift.put(node, stream, batch, records)
        case kind:
            raise DeliveryFailed(f"{kind}.ConnectionFailed", f"Tule has no {kind} to deliver to: the destination cannot be reached.")


def _hand_on(work: Work, processed: pipeline.Processed, tx: Tx) -> None:
    if _finish(work, tx):
        if settings.backup_of(work.stream) is not None:
            buffering.fill(tx, work.stream, BACKUP, work.records, vault=work.vault)
        for partition, records in processed.outputs.items():
            buffering.fill(tx, work.stream, OUTPUT, records, partition, vault=work.vault)
        if processed.errors:
            buffering.fill(tx, work.stream, ERRORS, processed.errors, failures.PROCESSING, vault=work.vault)


def _finish(work: Work, tx: Tx) -> bool:
    """False when somebody else has brought the batch meanwhile."""
    level = buffers.finish(tx, work.buffer, work.batch)
    if level is not None:
        buffering.left(tx, work.stream, work.buffer.stage, level)
    return level is not None


async def _failed(node: Node, work: Work, failed: DeliveryFailed) -> Outcome:
    """Later again, or to the errors; what cannot even be brought to S3 for a day is given up, as AWS does."""
    await error_logs.tell(node, work.stream, failed)
    batch = dataclasses.replace(work.batch, attempts=work.batch.attempts + 1)
    since_ms = node.clock.now_ms() - batch.began_ms
    backs_up = _backs_up(work)
    if failed.passes and since_ms < (settings.retry_ms(work.stream) if backs_up else DAY_MS) and _may_try_again(work, batch):
        await node.store.write(partial(_keep, work.buffer, batch))
        return Retry(failed.message, delay_ms=min(FIRST_BACKOFF_MS * 2 ** min(batch.attempts - 1, 10), BACKOFF_CAP_MS))
    if backs_up:
        await node.store.write(partial(_to_errors, dataclasses.replace(work, batch=batch), failed))
    else:
        log.error("%s gives up %d records: %s", streams.arn_of(work.stream), work.batch.records, failed.message)
        await node.store.write(partial(_finish, work))
    return Done()


def _backs_up(work: Work) -> bool:
    """Whether there is an error output for what cannot be brought: not where S3 itself is the trouble."""
    return work.buffer.stage == INTAKE or (work.buffer.stage == OUTPUT and bool(settings.kind_of(work.stream).error_type))


def _may_try_again(work: Work, batch: Batch) -> bool:
    """A function is tried as often as it says, whatever the time."""
    return work.buffer.stage != INTAKE or batch.attempts <= pipeline.retries(work.stream)


def _keep(buffer: Buffer, batch: Batch, tx: Tx) -> None:
    current = buffers.find(tx, buffer.id)
    if current is not None and current.batch is not None and current.batch.id == batch.id:
        buffers.put_batch(tx, buffer, batch)


def _to_errors(work: Work, failed: DeliveryFailed, tx: Tx) -> None:
    if not _finish(work, tx):
        return
    if work.buffer.stage == INTAKE:
        error_type = failures.PROCESSING
        if settings.backup_of(work.stream) is not None:
            buffering.fill(tx, work.stream, BACKUP, work.records, vault=work.vault)
    else:
        error_type = settings.kind_of(work.stream).error_type
    lines = [failures.line(record, failed, work.batch.attempts, tx.now_ms) for record in work.records]
    if work.stream["kind"] == "Redshift" and work.buffer.stage == OUTPUT:
        lines = [redshift.manifest(work.stream, work.batch, work.records)]
        error_type = redshift.MANIFESTS
    buffering.fill(tx, work.stream, ERRORS, lines, error_type, vault=work.vault)
