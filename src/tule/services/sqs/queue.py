"""A queue: its document in the store, and what follows from it for each message, worked out once.

A document: backlog, created_s, modified_s, attributes (texts, as GetQueueAttributes shows them), tags, purged_ms.  The
backlog is the number under which the queue's messages are kept: a purge gives it another, and what was there is swept later.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import orjson

from tule.platform import encryption
from tule.services.sqs import receipts, redrive
from tule.services.sqs.queue_url import QueueKey, key_of_arn
from tule.services.sqs.redrive import Allowance, RedrivePolicy
from tule.store.documents import Documents
from tule.store.store import Tx

QUEUES = Documents("sqs.queue")
DELETED = Documents("sqs.deleted")  # {"at_ms"}: names that are not free yet
CHANGED = "sqs.queues"  # the topic of all that changes a queue's document

Document = dict[str, Any]


class Queue:
    """Made from a document, and shared by all calls until the document changes."""

    def __init__(self, key: QueueKey, document: Document) -> None:
        attributes: Mapping[str, str] = document["attributes"]
        self.key = key
        self.document = document
        self.attributes = attributes
        self.name = key.name
        self.arn = key.arn
        self.dimensions = (("QueueName", key.name),)
        self.mark = receipts.mark_of(self.arn)
        self.backlog: int = document["backlog"]
        self.is_fifo = "FifoQueue" in attributes
        self.delay_ms = int(attributes["DelaySeconds"]) * 1000
        self.visibility_ms = int(attributes["VisibilityTimeout"]) * 1000
        self.retention_ms = int(attributes["MessageRetentionPeriod"]) * 1000
        self.wait_s = int(attributes["ReceiveMessageWaitTimeSeconds"])
        self.max_bytes = int(attributes["MaximumMessageSize"])

    @cached_property
    def tags(self) -> Mapping[str, str]:
        return self.document["tags"]

    @cached_property
    def kms_key(self) -> str | None:
        """The ARN of the key of KMS under which messages are kept, if there is one."""
        key = self.attributes.get("KmsMasterKeyId")
        return encryption.key_arn(key, self.key.account, self.key.region) if key else None

    @cached_property
    def key_reuse_ms(self) -> int:
        return int(self.attributes.get("KmsDataKeyReusePeriodSeconds", "300")) * 1000

    @cached_property
    def deduplicates_by_content(self) -> bool:
        return self.attributes.get("ContentBasedDeduplication") == "true"

    @cached_property
    def deduplicates_by_group(self) -> bool:
        return self.attributes.get("DeduplicationScope") == "messageGroup"

    @cached_property
    def counts_by_group(self) -> bool:
        """High throughput: its limits hold for each message group."""
        return self.attributes.get("FifoThroughputLimit") == "perMessageGroupId"

    @cached_property
    def redrive(self) -> RedrivePolicy | None:
        text = self.attributes.get("RedrivePolicy")
        return redrive.parse_policy(text) if text else None

    @cached_property
    def dead_letters(self) -> QueueKey | None:
        """The queue to which its failures go."""
        return key_of_arn(self.redrive.target) if self.redrive is not None else None

    @cached_property
    def allowance(self) -> Allowance:
        text = self.attributes.get("RedriveAllowPolicy")
        return redrive.parse_allowance(text) if text else Allowance()

    @cached_property
    def policy(self) -> Mapping[str, Any] | None:
        text = self.attributes.get("Policy")
        return orjson.loads(text) if text else None


def find(tx: Tx, key: QueueKey) -> Queue | None:
    document = QUEUES.get(tx, *key)
    return None if document is None else Queue(key, document)


def put(tx: Tx, key: QueueKey, document: Document) -> None:
    QUEUES.put(tx, *key, document)
    tx.wake(CHANGED)


def remove(tx: Tx, key: QueueKey) -> None:
    QUEUES.delete(tx, *key)
    tx.wake(CHANGED)


def page(tx: Tx, account: str, region: str, *, after: str = "", limit: int = 1_000_000, prefix: str = "") -> list[Queue]:
    """In the order of their names."""
    found = QUEUES.page(tx, account, region, after=after, limit=limit, prefix=prefix)
    return [Queue(QueueKey(account, region, name), document) for name, document in found]


def everywhere(tx: Tx) -> list[Queue]:
    return [Queue(QueueKey(account, region, name), document) for account, region, name, document in QUEUES.everywhere(tx)]
