"""From standard topics to queues, many messages at a time.

A publisher puts the message into the subscription's outbox and, where that was empty, enqueues a job that empties it: ten
messages with one call, one transaction to strike them off, and on, until nothing is left.  Jobs of a group run one at a time, so
a subscription has one such job at work; whoever finds the outbox empty has come after its last look, and enqueues the next.

What the queue does not take becomes a job of its own, with the retries and the dead letter queue of its subscription.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from tule.access.principal import aws_service
from tule.backbone.jobs import Job, enqueue
from tule.backbone.together import AT_ONCE, MAX_BYTES
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.encryption import KeyRefused
from tule.platform.node import Node
from tule.services.sns import encryption, fanout, metrics, notifications, status_log
from tule.services.sns.memory import KnownTopic, Subscriber, memory, remembered_topic
from tule.services.sns.message import Message
from tule.services.sns.names import topic_of
from tule.services.sns.state import outbox
from tule.services.sns.state.outbox import Waiting
from tule.store.store import Tx

PUMP = "sns.pump"


def put(tx: Tx, known: KnownTopic, subscriber: Subscriber, document: bytes, trace: str | None) -> None:
    arn, topic = subscriber.subscription.arn, known.topic
    if outbox.is_empty(tx, arn):
        enqueue(tx, Job(PUMP, arn, topic.account, topic.region, max_attempts=1_000_000_000, group=f"{PUMP}/{arn}"))
    outbox.put(tx, arn, document, trace)


async def run(node: Node, arn: str) -> None:
    """Empty one subscription's outbox."""
    rows = await node.store.read(lambda tx: outbox.first(tx, arn, AT_ONCE))
    while rows:
        rows = _fitting(rows)
        known = await remembered_topic(node, topic_of(arn))
        subscriber = known.subscribers.get(arn) if known is not None else None
        refused = [] if known is None or subscriber is None else await _send(node, known, subscriber, rows)
        # Forgotten in a power cut, it is all sent again; where nodes share the store, publishers rely on what only `write` gives.
        write = node.store.write if node.store.shared else node.store.write_forgettable
        rows = await write(lambda tx: _strike_off(tx, arn, rows, known, subscriber, refused))  # noqa: B023 - run before the next turn


def _fitting(rows: list[Waiting]) -> list[Waiting]:
    total = 0
    for count, row in enumerate(rows):
        total += len(row.message)
        if total > MAX_BYTES and count:
            return rows[:count]
    return rows


def _strike_off(tx: Tx, arn: str, rows: list[Waiting], known: KnownTopic | None, subscriber: Subscriber | None, refused: list[int]) -> list[Waiting]:
    """The next ones."""
    outbox.remove(tx, [row.sequence for row in rows])
    if known is not None and subscriber is not None:
        for index in refused:
            document = orjson.Fragment(rows[index].message)
            group = orjson.loads(rows[index].message).get("group", "")
            enqueue(tx, fanout.job(known.topic, subscriber, document, group, rows[index].trace))
    return outbox.first(tx, arn, AT_ONCE)


async def _send(node: Node, known: KnownTopic, subscriber: Subscriber, rows: list[Waiting]) -> list[int]:
    """The places of those that the queue did not take."""
    try:
        messages = [await encryption.message_of(node, known.topic, "sqs", orjson.loads(row.message)) for row in rows]
    except KeyRefused:
        return list(range(len(rows)))
    signer = await memory(node).signing.signer()
    subscription = subscriber.subscription
    base = notifications.base_url(node, subscription)

    def compose() -> list[dict[str, Any]]:
        return [
            {"Id": str(index), **notifications.parameters(known.topic, subscription, sent, signer, base, row.trace)}
            for index, (sent, row) in enumerate(zip(messages, rows, strict=True))
        ]

    entries = compose() if len(rows) == 1 or subscription.is_raw else await asyncio.to_thread(compose)
    queue, topic = arns.parse(subscription.endpoint), arns.parse(subscription.topic_arn)
    began_ms = node.clock.now_ms()
    try:
        answer = await node.dispatcher.invoke(
            "sqs",
            "SendMessageBatch",
            {"QueueUrl": targets.queue_url(node, queue), "Entries": entries},
            principal=aws_service(fanout.SOURCE, topic.account, subscription.topic_arn),
            region=queue.region,
            account=queue.account,
            is_repeated=True,
        )
    except ServiceError:
        return list(range(len(rows)))
    metrics.delivered(node, known.topic.arn, len(answer["Successful"]))
    await _log(node, known, subscriber, messages, answer["Successful"], began_ms)
    return [int(failure["Id"]) for failure in answer["Failed"]]


async def _log(
    node: Node, known: KnownTopic, subscriber: Subscriber, messages: list[Message], successful: list[dict[str, Any]], began_ms: int
) -> None:
    if not known.topic.attributes.get("SQSSuccessFeedbackRoleArn"):
        return
    for taken in successful:
        attempt = status_log.Attempt(messages[int(taken["Id"])], node.ids.uuid(), 1, began_ms, {"MessageId": taken["MessageId"]})
        await status_log.record(node, known.topic, subscriber.subscription, attempt)
