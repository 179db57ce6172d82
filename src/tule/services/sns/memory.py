"""What the service keeps in memory for its node: topics with their compiled subscriptions, the signer, throttles.

A topic's row carries a version that changes with its subscriptions; publishers read that one number and go on with what is in
memory when it is the same.  So a subscription holds from its commit on, on every node.  Deliveries and permissions go by what is
in memory until the store tells of a change.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from tule.lang import sns_filters
from tule.platform.node import Node
from tule.services.sns import data_protection, delivery_policy, topic_policy
from tule.services.sns.data_protection import Protection
from tule.services.sns.delivery_policy import Retries
from tule.services.sns.signing import Signing
from tule.services.sns.state import subscriptions, topics
from tule.services.sns.state.subscriptions import Subscription
from tule.services.sns.state.topics import Topic
from tule.store.store import Tx

_MAX_TOPICS = 10_000
AT_ONCE = 8
"""Deliveries inside the platform at a time: a burst of them leaves the node to those who call it."""


@dataclass(slots=True)
class Subscriber:
    """A confirmed subscription, ready to be matched and delivered to."""

    subscription: Subscription
    filter: sns_filters.Filter | None
    retries: Retries
    dead_letter: str
    content_type: str = delivery_policy.DEFAULT_CONTENT_TYPE
    per_second: int = 0


@dataclass(slots=True)
class KnownTopic:
    """`policy` is None where only the default policy stands, which gives nobody what they have not anyhow."""

    topic: Topic
    policy: dict[str, Any] | None
    subscribers: dict[str, Subscriber]
    protection: Protection | None = None


@dataclass(slots=True)
class Memory:
    signing: Signing
    topics: dict[str, KnownTopic] = field(default_factory=dict[str, KnownTopic])
    fresh: set[str] = field(default_factory=set[str])
    changes: int = 0
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    deliveries: dict[str, deque[int]] = field(default_factory=dict[str, "deque[int]"])

    def changed(self) -> None:
        """Some topic is not what it was."""
        self.changes += 1
        self.fresh.clear()

    def forget(self) -> None:
        self.changed()
        self.topics.clear()
        self.deliveries.clear()
        self.signing.forget()


def memory(node: Node) -> Memory:
    found = node.memory.get("sns")
    if found is None:
        found = node.memory["sns"] = Memory(Signing(node))
        node.store.subscribe(topics.CHANGED, found.changed)
    return found


async def remembered_topic(node: Node, arn: str) -> KnownTopic | None:
    """As of the latest change that was told; None when there is no such topic."""
    mine = memory(node)
    if arn in mine.fresh:
        return mine.topics.get(arn)
    changes = mine.changes
    found = await node.store.read(lambda tx: known_topic(node, tx, arn))
    if found is not None and changes == mine.changes:
        mine.fresh.add(arn)
    return found


def known_topic(node: Node, tx: Tx, arn: str) -> KnownTopic | None:
    """None when there is no such topic."""
    version = topics.version(tx, arn)
    if version is None:
        return None
    known = memory(node).topics
    found = known.get(arn)
    if found is None or found.topic.version != version:
        topic = topics.get(tx, arn)
        if topic is None:
            return None
        if len(known) >= _MAX_TOPICS:
            known.clear()
            memory(node).fresh.clear()
        found = known[arn] = _compile(tx, topic)
    return found


def _compile(tx: Tx, topic: Topic) -> KnownTopic:
    text = topic.attributes.get("Policy", "")
    confirmed = (subscription for subscription in subscriptions.of_topic(tx, topic.arn) if subscription.confirmed)
    return KnownTopic(
        topic,
        orjson.loads(text) if text else None,
        {subscription.arn: subscriber(topic, subscription) for subscription in confirmed},
        data_protection.compiled(topic.data_protection),
    )


def subscriber(topic: Topic, subscription: Subscription) -> Subscriber:
    attributes = subscription.attributes
    policy = attributes.get("FilterPolicy")
    scope: Any = attributes.get("FilterPolicyScope", "MessageAttributes")
    dead_letter = orjson.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"] if attributes.get("RedrivePolicy") else ""
    found = Subscriber(
        subscription,
        sns_filters.compile(policy, scope) if policy else None,
        delivery_policy.CUSTOMER_MANAGED if subscription.protocol in ("email", "email-json", "sms", "application") else delivery_policy.AWS_MANAGED,
        dead_letter,
    )
    if subscription.protocol in ("http", "https"):
        effective = delivery_policy.effective_of_subscription(attributes.get("DeliveryPolicy", ""), topic.attributes.get("DeliveryPolicy", ""))
        found.retries = delivery_policy.retries_of(effective["healthyRetryPolicy"])
        found.content_type = effective["requestPolicy"].get("headerContentType") or delivery_policy.DEFAULT_CONTENT_TYPE
        found.per_second = (effective["throttlePolicy"] or {}).get("maxReceivesPerSecond", 0)
    return found


def policy_of(known: KnownTopic | None, arn: str) -> dict[str, Any] | None:
    """The resource policy as the permission engine needs it."""
    if known is None:
        return None
    return known.policy if known.policy is not None else topic_policy.default(arn)
