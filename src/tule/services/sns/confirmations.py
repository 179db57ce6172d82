"""Asking an endpoint whether it wants to be subscribed, and telling it that it no longer is.

AWS: https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html, http-unsubscribe-confirmation-json.html
"""

from __future__ import annotations

import dataclasses

from tule.backbone.jobs import Job, cancel, enqueue
from tule.core import arn as arns
from tule.services.sns.delivery_policy import DEFAULT_RETRIES, retries_of
from tule.services.sns.fanout import SOURCE
from tule.services.sns.state import subscriptions, tokens
from tule.services.sns.state.subscriptions import Subscription
from tule.store.store import Tx

CONFIRM = "sns.confirm"
EXPIRE = "sns.expire"
RETRIES = retries_of(DEFAULT_RETRIES)
_TOLD_ALWAYS = ("http", "https")


def ask(tx: Tx, subscription: Subscription) -> None:
    """A subscription that nobody confirms in two days is forgotten."""
    _send(tx, "SubscriptionConfirmation", subscription)
    topic = arns.parse(subscription.topic_arn)
    expiry = Job(EXPIRE, subscription.arn, topic.account, topic.region, due_ms=tx.now_ms + tokens.LIFE_MS, name=_expiry_name(subscription))
    enqueue(tx, expiry)


def tell_end(tx: Tx, subscription: Subscription, *, by_owner: bool) -> None:
    """With a way back, for an endpoint whose owner did not ask for it, and for every HTTP endpoint."""
    cancel(tx, _expiry_name(subscription))
    if subscription.confirmed and (
        subscription.protocol in _TOLD_ALWAYS or (not by_owner and subscription.protocol in ("email", "email-json", "sqs"))
    ):
        _send(tx, "UnsubscribeConfirmation", subscription)


def expire(tx: Tx, arn: str) -> None:
    subscription = subscriptions.get(tx, arn)
    if subscription is not None and not subscription.confirmed:
        subscriptions.delete(tx, subscription)


def _send(tx: Tx, kind: str, subscription: Subscription) -> None:
    kept = dataclasses.asdict(dataclasses.replace(subscription, confirmed=False))
    token = tokens.issue(tx, subscription.arn, kept)
    topic = arns.parse(subscription.topic_arn)
    job = Job(
        CONFIRM,
        subscription.arn,
        topic.account,
        topic.region,
        {"kind": kind, "token": token, "message_id": tx.ids.uuid(), "at_ms": tx.now_ms, "subscription": kept},
        max_attempts=1 + RETRIES.count,
        source_service=SOURCE,
        source_arn=subscription.topic_arn,
    )
    enqueue(tx, job)


def _expiry_name(subscription: Subscription) -> str:
    return f"{EXPIRE}/{subscription.arn}"
