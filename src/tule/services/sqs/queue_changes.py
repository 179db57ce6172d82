"""What changes a queue, each a transaction: its document, its backlog, and what others have to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.sqs import attributes, errors, redrive
from tule.services.sqs import queue as documents
from tule.services.sqs.queue import DELETED, Queue
from tule.services.sqs.queue_url import QueueKey, key_of_arn
from tule.services.sqs.state import attempts, backlogs, deduplication, groups, messages
from tule.store.store import Tx

DELETION_MS = 60_000
PURGE_MS = 60_000


def existing(tx: Tx, key: QueueKey) -> Queue:
    """Raises QueueDoesNotExist."""
    found = documents.find(tx, key)
    if found is None:
        raise errors.no_queue()
    return found


def create(tx: Tx, key: QueueKey, wanted: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Raises QueueDeletedRecently, InvalidParameterValue."""
    deleted = DELETED.get(tx, *key)
    if deleted is not None and tx.now_ms - deleted["at_ms"] < DELETION_MS:
        raise errors.deleted_recently()
    _check_redrive(tx, key, wanted)
    now_s = tx.now_ms // 1000
    document = {
        "backlog": backlogs.new(tx),
        "created_s": now_s,
        "modified_s": now_s,
        "attributes": dict(wanted),
        "tags": dict(tags),
        "purged_ms": 0,
    }
    documents.put(tx, key, document)


def delete(tx: Tx, queue: Queue) -> None:
    documents.remove(tx, queue.key)
    DELETED.put(tx, *queue.key, {"at_ms": tx.now_ms})
    _leave(tx, queue.backlog)
    deduplication.forget(tx, queue.backlog)
    tx.wake(queue.arn)


def forget_deletion(tx: Tx, key: QueueKey) -> None:
    """The name may be taken again."""
    DELETED.delete(tx, *key)


def purge(tx: Tx, queue: Queue) -> None:
    """Raises PurgeQueueInProgress."""
    if tx.now_ms - queue.document["purged_ms"] < PURGE_MS:
        raise errors.purge_in_progress(queue.name)
    fresh = backlogs.new(tx)
    deduplication.carry(tx, queue.backlog, fresh)
    _leave(tx, queue.backlog)
    documents.put(tx, queue.key, {**queue.document, "backlog": fresh, "purged_ms": tx.now_ms})


def _leave(tx: Tx, backlog: int) -> None:
    groups.forget(tx, backlog)
    attempts.forget(tx, backlog)
    backlogs.abandon(tx, backlog)


def set_attributes(tx: Tx, dialect: str, queue: Queue, given: Mapping[str, str]) -> None:
    """Raises InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue."""
    wanted = attributes.changed(queue.attributes, given, is_fifo=queue.is_fifo)
    if "RedrivePolicy" in given:
        _check_redrive(tx, queue.key, wanted)
    changed = amend(tx, queue, attributes=wanted)
    if queue.is_fifo and changed.delay_ms != queue.delay_ms:
        messages.shift_delayed(tx, queue.backlog, changed.delay_ms - queue.delay_ms)
        groups.settle_all(tx, dialect, queue.backlog)
    tx.wake(queue.arn)


def amend(tx: Tx, queue: Queue, **parts: Any) -> Queue:
    """The queue with other parts of its document, as of now."""
    document = {**queue.document, **parts, "modified_s": tx.now_ms // 1000}
    documents.put(tx, queue.key, document)
    return Queue(queue.key, document)


def _check_redrive(tx: Tx, key: QueueKey, wanted: Mapping[str, str]) -> None:
    text = wanted.get("RedrivePolicy")
    if not text:
        return
    policy = redrive.parse_policy(text)
    target = key_of_arn(policy.target)
    if target is None:
        raise errors.redrive(text, "Invalid value for deadLetterTargetArn.")
    found = documents.find(tx, target)
    redrive.check_pair(policy, key, target, None if found is None else found.allowance)


def sources_of(tx: Tx, key: QueueKey) -> list[Queue]:
    """The queues whose failures go to this one, in the order of their names."""
    return [queue for queue in documents.page(tx, key.account, key.region) if queue.dead_letters == key]
