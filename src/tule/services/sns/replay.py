"""Replaying a FIFO topic's archive to one subscription.

A job carries the replay from page to page: the messages of a page become deliveries in the transaction in which the next
page's job is enqueued, so that none is lost and none comes twice, however often the node dies.
AWS: https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from tule.backbone.jobs import Job, cancel, enqueue
from tule.platform.node import Node
from tule.services.sns import encryption, fanout, message
from tule.services.sns.memory import known_topic, remembered_topic, subscriber
from tule.services.sns.message import Seen
from tule.services.sns.names import topic_of
from tule.services.sns.state import archive, subscriptions
from tule.services.sns.state.subscriptions import Subscription
from tule.services.sns.state.topics import Topic
from tule.services.sns.subscription_attributes import instant_ms
from tule.store.store import Tx

REPLAY = "sns.replay"
_PAGE = 100


def begin(tx: Tx, topic: Topic, subscription: Subscription) -> None:
    """Start what the subscription's policy asks for, in place of what may be running; without a policy, stop."""
    text = subscription.attributes.get("ReplayPolicy")
    if not text:
        if cancel(tx, _name(subscription.arn)) or subscription.replay_status:
            _mark(tx, subscription, "")
        return
    policy = orjson.loads(text)
    payload = {
        "after": 0,
        "from_ms": instant_ms(policy["StartingPoint"], "StartingPoint"),
        "to_ms": instant_ms(policy["EndingPoint"], "EndingPoint") if "EndingPoint" in policy else tx.now_ms,
    }
    _mark(tx, subscription, "Pending")
    _enqueue(tx, topic, subscription.arn, payload)


async def opened(node: Node, arn: str, payload: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What a page has of sealed messages, by their sequence.  Raises KeyRefused."""
    topic_arn = topic_of(arn)
    known = await remembered_topic(node, topic_arn)
    if known is None:
        return {}
    rows = await node.store.read(lambda tx: archive.page(tx, topic_arn, payload["after"], payload["from_ms"], payload["to_ms"], _PAGE))
    return {sequence: await encryption.opened(node, known.topic, document) for sequence, document in rows if encryption.is_sealed(document)}


def step(node: Node, tx: Tx, arn: str, payload: dict[str, Any], unsealed: Mapping[int, dict[str, Any]]) -> None:
    """One page; the last one completes the replay.  `unsealed` is what `opened` gave."""
    subscription = subscriptions.get(tx, arn)
    known = known_topic(node, tx, subscription.topic_arn) if subscription is not None else None
    if subscription is None or known is None or not subscription.confirmed or not subscription.attributes.get("ReplayPolicy"):
        return
    rows = archive.page(tx, subscription.topic_arn, payload["after"], payload["from_ms"], payload["to_ms"], _PAGE)
    receiver = subscriber(known.topic, subscription)
    for sequence, document in rows:
        sent = dataclasses.replace(message.of(unsealed.get(sequence, document)), replayed=True)
        shown = fanout.shown_to(known, receiver, sent)
        if shown is not None and (receiver.filter is None or Seen(sent).passes(receiver.filter, subscription.protocol)):
            kept = {**document, "replayed": True} if sequence in unsealed and shown is sent else shown.document(subscription.protocol)
            enqueue(tx, fanout.job(known.topic, receiver, kept, sent.group, None))
    if len(rows) == _PAGE:
        _mark(tx, subscription, "In progress")
        _enqueue(tx, known.topic, arn, {**payload, "after": rows[-1][0]})
    else:
        _mark(tx, subscription, "Completed")


def _enqueue(tx: Tx, topic: Topic, arn: str, payload: dict[str, Any]) -> None:
    enqueue(tx, Job(REPLAY, arn, topic.account, topic.region, payload, name=_name(arn)))


def _mark(tx: Tx, subscription: Subscription, status: str) -> None:
    if subscription.replay_status != status:
        subscription.replay_status = status
        subscriptions.update(tx, subscription)


def _name(arn: str) -> str:
    return f"{REPLAY}/{arn}"
