"""Putting records into buffers, and the jobs that empty them: when there is enough, or when the oldest has waited long enough."""

from __future__ import annotations

from collections.abc import Sequence

from tule.backbone.jobs import Job, cancel, enqueue
from tule.platform.encryption import Vault
from tule.services.firehose import encryption
from tule.services.firehose.destinations import settings
from tule.services.firehose.destinations.settings import MIB, Hints
from tule.services.firehose.state import buffers
from tule.services.firehose.state.buffers import BACKUP, INTAKE, OUTPUT, Level, Record
from tule.services.firehose.state.streams import Stream, arn_of
from tule.store.store import Tx

EMPTY = "firehose-empty"
_LAMBDA_MB = 1.0
_LAMBDA_INTERVAL_S = 60
_AT_ONCE = Hints(4 * MIB, 0)
_BACKOFF_CAP_MS = 120_000


def entry_stage(stream: Stream) -> str:
    """Where records come in: before processing and backup, where there is either."""
    return INTAKE if settings.processors(stream) or settings.backup_of(stream) is not None else OUTPUT


def hints_of(stream: Stream, stage: str) -> Hints:
    if stage == OUTPUT:
        return settings.output_hints(stream)
    if stage == INTAKE:
        function = settings.processor(stream, "Lambda")
        if function is None:
            return _AT_ONCE
        megabytes = float(function.get("BufferSizeInMBs", _LAMBDA_MB))
        return Hints(int(megabytes * MIB), int(float(function.get("BufferIntervalInSeconds", _LAMBDA_INTERVAL_S)) * 1000))
    backup = settings.backup_of(stream)
    return settings.s3_hints(backup if stage == BACKUP and backup is not None else settings.s3_of(stream))


def fill(tx: Tx, stream: Stream, stage: str, records: Sequence[Record], partition: str = "", vault: Vault | None = None) -> None:
    """Keep records in a buffer, sealed where there is a vault, and see to it that they leave it in time."""
    if vault is not None:
        records = encryption.sealed(vault, records, tx)
    level = buffers.add(tx, stream["id"], stage, partition, records)
    hints = hints_of(stream, stage)
    added = sum(len(record.data) for record in records)
    if level.bytes >= hints.bytes > level.bytes - added or hints.interval_ms == 0:
        _empty_at(tx, stream, level.buffer, tx.now_ms)
    elif level.records == len(records):
        _empty_at(tx, stream, level.buffer, tx.now_ms + hints.interval_ms)


def left(tx: Tx, stream: Stream, stage: str, level: Level) -> None:
    """After a batch has left: what is still there leaves in its turn."""
    if not level.records:
        cancel(tx, _name(level.buffer))
        return
    hints = hints_of(stream, stage)
    due_ms = tx.now_ms if level.bytes >= hints.bytes else max(tx.now_ms, buffers.oldest_ms(tx, level.buffer) + hints.interval_ms)
    _empty_at(tx, stream, level.buffer, due_ms)


def forget(tx: Tx, stream: Stream) -> None:
    """The stream is deleted, with all that it has not delivered."""
    for buffer in buffers.delete_all(tx, stream["id"]):
        cancel(tx, _name(buffer))


def _empty_at(tx: Tx, stream: Stream, buffer: int, due_ms: int) -> None:
    job = Job(
        EMPTY,
        arn_of(stream),
        stream["account"],
        stream["region"],
        {"stream": stream["id"], "buffer": buffer},
        due_ms=due_ms,
        max_attempts=1_000_000,  # a batch has a time of its own after which it is given up
        backoff_cap_ms=_BACKOFF_CAP_MS,
        name=_name(buffer),
    )
    enqueue(tx, job)


def _name(buffer: int) -> str:
    return f"firehose:{buffer}"
