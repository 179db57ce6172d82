"""Findings of data protection policies on their way to logs, delivery streams and buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.access.principal import Principal, platform
from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, enqueue
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.node import Node
from tule.services.sns import data_protection
from tule.services.sns.data_protection import Protection
from tule.services.sns.state.topics import Topic
from tule.store.store import Tx

AUDIT = "sns.audit"
_ATTEMPTS = 50


def record(tx: Tx, topic: Topic, protection: Protection, publisher: Principal, id: str, text: str) -> None:
    """In the transaction that takes the message."""
    found = data_protection.audits(protection, publisher, topic.arn, id, text, tx.now_ms, lambda: tx.ids.bytes(1)[0] * 100 // 256)
    for destination, finding in found:
        payload = {"destination": destination, "text": orjson.dumps(finding).decode()}
        enqueue(tx, Job(AUDIT, topic.arn, topic.account, topic.region, payload, max_attempts=_ATTEMPTS))


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """To each destination; a destination is told twice when another one has to wait."""
    for arn, settings in _targets(delivery):
        try:
            await targets.send(
                node, arn, delivery.payload["text"], principal=platform(delivery.account), region=delivery.region, settings=settings, is_repeated=True
            )
        except ServiceError as error:
            return targets.outcome_of(error)
    return Done()


def _targets(delivery: Delivery) -> list[tuple[str, Mapping[str, Any]]]:
    destination, topic = delivery.payload["destination"], arns.parse(delivery.target)
    found: list[tuple[str, Mapping[str, Any]]] = []
    if group := destination.get("CloudWatchLogs", {}).get("LogGroup"):
        stream = {"LogStreamName": f"{topic.resource}_{topic.account}"}
        found.append((arns.arn("logs", topic.region, topic.account, f"log-group:{group}"), stream))
    if name := destination.get("Firehose", {}).get("DeliveryStream"):
        found.append((arns.arn("firehose", topic.region, topic.account, f"deliverystream/{name}"), {}))
    if bucket := destination.get("S3", {}).get("Bucket"):
        at = iso8601(delivery.enqueued_ms)
        key = f"AWSLogs/{topic.account}/sns-data-protection/{topic.region}/{topic.resource}/{at[:10].replace('-', '/')}/{delivery.id}.log"
        found.append((f"arn:aws:s3:::{bucket}", {"Key": key}))
    return found
