"""What a subscription's attributes may be, and how they are shown.

AWS: https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html, API_GetSubscriptionAttributes.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

import orjson

from tule.core import arn as arns
from tule.lang import json_tokens, sns_filters
from tule.services.sns import delivery_policy, errors
from tule.services.sns.state.subscriptions import Subscription
from tule.services.sns.state.topics import Topic

RAW_PROTOCOLS = ("sqs", "http", "https", "firehose")
_SCOPES = get_args(sns_filters.Scope)
_REPLAY_MEMBERS = {"PointType", "StartingPoint", "EndingPoint"}


class Refused(ValueError):
    """What stands behind `Invalid parameter: `, or behind `Attributes Reason: ` at Subscribe."""


def is_known(name: str) -> bool:
    return name in _CHECKS


def kept(topic: Topic, protocol: str, attributes: Mapping[str, str], name: str, value: str) -> str:
    """The value as it is kept beside the other `attributes`; nothing means the default.  Raises Refused."""
    try:
        return _CHECKS[name](value, topic, protocol, attributes)
    except ValueError as error:
        if isinstance(error, Refused):
            raise
        raise Refused(f"{name}: {error}") from error


def of_creation(topic: Topic, protocol: str, given: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a new subscription.  Raises InvalidParameter."""
    found: dict[str, str] = {}
    for name in sorted(given, key=lambda name: name != "FilterPolicyScope"):  # the policy is read in its scope
        if not is_known(name):
            raise errors.invalid_reason("Attributes", f"Unknown attribute: {name}")
        try:
            value = kept(topic, protocol, found, name, given[name])
        except Refused as error:
            raise errors.invalid_reason("Attributes", str(error)) from error
        if value:
            found[name] = value
    if protocol == "firehose" and "SubscriptionRoleArn" not in found:
        raise errors.invalid_reason("Attributes", "SubscriptionRoleArn is required for Amazon Kinesis Data Firehose subscriptions")
    return found


def agree(topic: Topic, subscription: Subscription, given: Mapping[str, str]) -> bool:
    """Whether a second Subscribe names nothing that is different."""
    mine = {"RawMessageDelivery": "false", **subscription.attributes}
    wanted = of_creation(topic, subscription.protocol, {**_role(subscription), **given})
    return all(mine.get(name, "") == wanted.get(name, value) for name, value in given.items())


def _role(subscription: Subscription) -> dict[str, str]:
    role = subscription.attributes.get("SubscriptionRoleArn")
    return {"SubscriptionRoleArn": role} if role else {}


def shown(topic: Topic, subscription: Subscription) -> dict[str, str]:
    """What GetSubscriptionAttributes answers."""
    own = subscription.attributes
    found = {
        "SubscriptionArn": subscription.arn,
        "TopicArn": subscription.topic_arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "RawMessageDelivery": "false",
        "PendingConfirmation": "false" if subscription.confirmed else "true",
        "ConfirmationWasAuthenticated": "true" if subscription.authenticated else "false",
        "SubscriptionPrincipal": subscription.principal,
        **own,
    }
    if "FilterPolicy" in own:
        found.setdefault("FilterPolicyScope", "MessageAttributes")
    else:
        found.pop("FilterPolicyScope", None)
    if subscription.protocol in ("http", "https"):
        effective = delivery_policy.effective_of_subscription(own.get("DeliveryPolicy", ""), topic.attributes.get("DeliveryPolicy", ""))
        found["EffectiveDeliveryPolicy"] = orjson.dumps(effective).decode()
    if subscription.replay_status:
        found["ReplayStatus"] = subscription.replay_status
    return found


def _raw(value: str, _topic: Topic, protocol: str, _others: Mapping[str, str]) -> str:
    if value.lower() not in ("true", "false"):
        raise ValueError(f"Invalid value [{value}]. Must be true or false.")
    if value.lower() == "true" and protocol not in RAW_PROTOCOLS:
        raise Refused(f"Delivery protocol [{protocol}] does not support raw message delivery.")
    return value.lower()


def _scope(value: str, _topic: Topic, protocol: str, others: Mapping[str, str]) -> str:
    if value not in _SCOPES:
        raise ValueError(f"Invalid value [{value or 'null'}]. Please use either MessageBody or MessageAttributes")
    if others.get("FilterPolicy"):
        _filter(others["FilterPolicy"], _topic, protocol, {"FilterPolicyScope": value})
    return value


def _filter(value: str, _topic: Topic, _protocol: str, others: Mapping[str, str]) -> str:
    if not value or value.strip() == "{}":
        return ""
    scope: Any = others.get("FilterPolicyScope", "MessageAttributes")
    try:
        sns_filters.compile(value, scope)
    except sns_filters.InvalidFilter as error:
        raise Refused(f"FilterPolicy: {error.text}") from error
    return value


def _redrive(value: str, topic: Topic, _protocol: str, _others: Mapping[str, str]) -> str:
    if not value:
        return ""
    document = _document(value)
    if not document:
        return ""
    queue = document.get("deadLetterTargetArn")
    if not isinstance(queue, str) or not arns.is_arn(queue):
        raise ValueError("deadLetterTargetArn is an invalid arn")
    parsed = arns.parse(queue)
    if parsed.service != "sqs":
        raise ValueError("deadLetterTargetArn is an invalid arn")
    if parsed.region != topic.region:
        raise ValueError("deadLetterTargetArn must be in the same region as the topic")
    if topic.is_fifo != queue.endswith(".fifo") and not topic.is_fifo:
        raise ValueError("must use a standard queue as DLQ for a standard topic")
    return value


def _delivery(value: str, _topic: Topic, protocol: str, _others: Mapping[str, str]) -> str:
    if not value:
        return ""
    if protocol not in ("http", "https"):
        raise ValueError(f"Delivery protocol [{protocol}] does not support custom delivery policies")
    return orjson.dumps(delivery_policy.read(value, of_topic=False)).decode()


def _role_arn(value: str, _topic: Topic, protocol: str, _others: Mapping[str, str]) -> str:
    if protocol != "firehose":
        raise ValueError(f"Delivery protocol [{protocol}] does not support a subscription role")
    if not arns.is_arn(value) or arns.parse(value).service != "iam":
        raise ValueError(f"Invalid value [{value}]. Must be the ARN of a role.")
    return value


def _replay(value: str, topic: Topic, _protocol: str, _others: Mapping[str, str]) -> str:
    if not value:
        return ""
    document = _document(value)
    if not document:
        return ""
    if not topic.is_fifo or "ArchivePolicy" not in topic.attributes:
        raise ValueError("the topic has no archive policy")
    if document.get("PointType") != "Timestamp" or not set(document) <= _REPLAY_MEMBERS:
        raise ValueError("PointType must be Timestamp")
    start = instant_ms(document.get("StartingPoint"), "StartingPoint")
    if "EndingPoint" in document and instant_ms(document["EndingPoint"], "EndingPoint") <= start:
        raise ValueError("EndingPoint must be after StartingPoint")
    return value


def instant_ms(text: Any, name: str) -> int:
    """Raises ValueError."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a timestamp in ISO 8601 format") from error


def _document(value: str) -> dict[str, Any]:
    wrong = json_tokens.complaint(value)
    if wrong is not None:
        raise ValueError(f"failed to parse JSON. {wrong}")
    document = orjson.loads(value)
    if not isinstance(document, dict):
        raise ValueError("must be a JSON object")
    return document


_CHECKS: Mapping[str, Callable[[str, Topic, str, Mapping[str, str]], str]] = {
    "RawMessageDelivery": _raw,
    "FilterPolicy": _filter,
    "FilterPolicyScope": _scope,
    "RedrivePolicy": _redrive,
    "DeliveryPolicy": _delivery,
    "SubscriptionRoleArn": _role_arn,
    "ReplayPolicy": _replay,
}
