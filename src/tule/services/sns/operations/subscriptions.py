"""Subscriptions.  AWS: SNS API reference, Subscribe, ConfirmSubscription, Unsubscribe, GetSubscriptionAttributes and on."""

from __future__ import annotations

import dataclasses
from typing import Any

from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.sns import confirmations, endpoints, errors, names, replay, subscription_attributes
from tule.services.sns.listing import PAGE, position
from tule.services.sns.state import subscriptions, tokens, topics
from tule.services.sns.state.subscriptions import Subscription
from tule.services.sns.state.topics import Topic
from tule.services.sns.subscription_attributes import Refused
from tule.store.store import Tx

PENDING = "pending confirmation"
_PENDING_IN_LISTS = "PendingConfirmation"
_MAX_FILTERS = 200  # of a topic

Params = dict[str, Any]


def subscribe(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    topic_arn, protocol, endpoint = params["TopicArn"], params["Protocol"], params.get("Endpoint", "")
    given = params.get("Attributes") or {}
    names.topic(topic_arn, call.region)
    topic = topics.get(tx, topic_arn)
    if topic is None:
        raise errors.no_topic()
    endpoints.check(topic, protocol, endpoint)
    subscription = subscriptions.by_endpoint(tx, topic_arn, protocol, endpoint)
    if subscription is not None:
        if not subscription_attributes.agree(topic, subscription, given):
            raise errors.invalid_reason("Attributes", "Subscription already exists with different attributes")
    else:
        if given.get("FilterPolicy"):
            _check_filters(tx, topic)
        endpoints.check_large(topic, protocol, 1 + sum(subscriptions.counts(tx, topic_arn)))
        subscription = _new(call, tx, topic, params, subscription_attributes.of_creation(topic, protocol, given))
        subscriptions.insert(tx, subscription)
        replay.begin(tx, topic, subscription)
    if not subscription.confirmed:
        confirmations.ask(tx, subscription)
        if not params.get("ReturnSubscriptionArn"):
            return {"SubscriptionArn": PENDING}
    return {"SubscriptionArn": subscription.arn}


def _check_filters(tx: Tx, topic: Topic) -> None:
    """One more filter policy is still allowed.  Raises FilterPolicyLimitExceeded.

    AWS: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
    """
    if sum("FilterPolicy" in each.attributes for each in subscriptions.of_topic(tx, topic.arn)) >= _MAX_FILTERS:
        raise errors.filter_policy_limit()


def _new(call: Call, tx: Tx, topic: Topic, params: Params, attributes: dict[str, str]) -> Subscription:
    protocol, endpoint = params["Protocol"], params["Endpoint"]
    confirmed = endpoints.confirms_itself(protocol, endpoint, call.account)
    return Subscription(
        arn=f"{topic.arn}:{tx.ids.uuid()}",
        owner=call.account,
        region=call.region,
        protocol=protocol,
        endpoint=endpoint,
        confirmed=confirmed,
        attributes=attributes,
        principal=call.principal.entity_arn or call.principal.arn,
        base=call.endpoint,
        authenticated=confirmed,
    )


def confirm_subscription(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    topic_arn, token = params["TopicArn"], params["Token"]
    guarded = params.get("AuthenticateOnUnsubscribe", "").lower() == "true"
    anonymous = call.principal.kind == "anonymous"
    names.parsed("TopicArn", topic_arn)
    if not tokens.is_well_formed(token):
        raise errors.invalid_token()
    found = tokens.find(tx, token)
    if found is None or names.topic_of(found[0]) != topic_arn or topics.version(tx, topic_arn) is None:
        raise errors.invalid_parameter("Token")
    if guarded and anonymous:
        raise errors.not_authorized("AuthenticateOnUnsubscribe needs a signed request")
    arn, kept = found
    subscription = subscriptions.get(tx, arn)
    if subscription is None:
        subscription = Subscription(**kept)
        subscriptions.insert(tx, subscription)
    confirmed = dataclasses.replace(subscription, confirmed=True, authenticated=not anonymous, guarded=guarded or subscription.guarded)
    if not subscription.confirmed:
        subscriptions.update(tx, confirmed)
    return {"SubscriptionArn": arn}


def unsubscribe(call: Call, tx: Tx, params: Params) -> None:
    """Without credentials, too, unless the confirmation asked for them.  What is gone already is no error."""
    arn = params["SubscriptionArn"]
    names.subscription(arn)
    subscription = subscriptions.get(tx, arn)
    if subscription is None:
        return
    if call.principal.kind == "anonymous":
        if subscription.guarded:
            raise errors.not_authorized("this subscription can only be cancelled with credentials")
    else:
        _own(call, subscription)
    subscriptions.delete(tx, subscription)
    confirmations.tell_end(tx, subscription, by_owner=call.account == subscription.owner)


@reads
def get_subscription_attributes(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    topic, subscription = _subscription(call, tx, params)
    return {"Attributes": subscription_attributes.shown(topic, subscription)}


def set_subscription_attributes(call: Call, tx: Tx, params: Params) -> None:
    name, value = params["AttributeName"], params.get("AttributeValue", "")
    topic, subscription = _subscription(call, tx, params)
    if not subscription_attributes.is_known(name):
        raise errors.invalid_parameter("AttributeName")
    others = {key: text for key, text in subscription.attributes.items() if key != name}
    try:
        kept = subscription_attributes.kept(topic, subscription.protocol, others, name, value)
    except Refused as error:
        raise errors.invalid_parameter(str(error)) from error
    if name == "FilterPolicy" and kept and name not in subscription.attributes:
        _check_filters(tx, topic)
    subscription.attributes = {**others, **({name: kept} if kept else {})}
    subscriptions.update(tx, subscription)
    if name == "ReplayPolicy":
        replay.begin(tx, topic, subscription)


@reads
def list_subscriptions(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    scope = f"sns.subscriptions/{call.account}/{call.region}"
    after = position(call, scope, params.get("NextToken"))
    return _page(call, scope, subscriptions.of_owner(tx, call.account, call.region, after, PAGE + 1))


@reads
def list_subscriptions_by_topic(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    arn = params["TopicArn"]
    names.topic(arn, call.region)
    if topics.version(tx, arn) is None:
        raise errors.no_topic()
    scope = f"sns.subscriptions/{arn}"
    after = position(call, scope, params.get("NextToken"))
    return _page(call, scope, subscriptions.of_topic(tx, arn, after, PAGE + 1))


def _page(call: Call, scope: str, rows: list[Subscription]) -> dict[str, Any]:
    shown, more = page(rows, PAGE, lambda subscription: subscription.arn)
    return {"Subscriptions": [_entry(subscription) for subscription in shown], "NextToken": more and call.node.pager.token(scope, more)}


def _entry(subscription: Subscription) -> dict[str, str]:
    return {
        "SubscriptionArn": subscription.arn if subscription.confirmed else _PENDING_IN_LISTS,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic_arn,
    }


def _subscription(call: Call, tx: Tx, params: Params) -> tuple[Topic, Subscription]:
    arn = params["SubscriptionArn"]
    names.subscription(arn)
    subscription = subscriptions.get(tx, arn)
    topic = topics.get(tx, names.topic_of(arn))
    if subscription is None or topic is None:
        raise errors.no_subscription()
    _own(call, subscription)
    return topic, subscription


def _own(call: Call, subscription: Subscription) -> None:
    """Subscriptions belong to who subscribed, and to the topic's owner."""
    if call.account not in (subscription.owner, names.parsed("TopicArn", subscription.topic_arn).account) and not call.principal.trusted:
        raise errors.not_authorized()
