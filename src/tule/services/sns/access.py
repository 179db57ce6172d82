"""Who may do what with topics.  AWS: Service authorization reference, Amazon SNS.

Operations on a topic need their permission on its ARN, and its policy counts; it lets in services and other accounts.  A topic
that has only the policy it was born with gives its own account's people nothing that they have not otherwise, so that policy is
put only before strangers and services.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Need, Needs, RememberedNeeds
from tule.services.sns import memory, names
from tule.services.sns.memory import KnownTopic
from tule.store.store import Tx

Params = dict[str, Any]

_ON_TOPIC = (
    "AddPermission",
    "DeleteTopic",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "RemovePermission",
)
_ON_RESOURCE = ("GetDataProtectionPolicy", "ListTagsForResource", "PutDataProtectionPolicy", "TagResource", "UntagResource")
_ON_SUBSCRIPTION = ("GetSubscriptionAttributes", "SetSubscriptionAttributes")
_ON_APPLICATION = (
    "CreatePlatformEndpoint",
    "DeletePlatformApplication",
    "GetPlatformApplicationAttributes",
    "ListEndpointsByPlatformApplication",
    "SetPlatformApplicationAttributes",
)
_ON_ENDPOINT = ("DeleteEndpoint", "GetEndpointAttributes", "SetEndpointAttributes")
_OWNED_SOURCES = ("cloudwatch.amazonaws.com",)
"""Services that the policy a topic is born with lets in, for its own account."""


def _need(call: Call, tx: Tx, action: str, topic_arn: str, context: Mapping[str, Any] | None = None) -> Need:
    return _need_on(call, memory.known_topic(call.node, tx, topic_arn), action, topic_arn, context)


def _need_on(call: Call, known: KnownTopic | None, action: str, topic_arn: str, context: Mapping[str, Any] | None = None) -> Need:
    return Need(
        f"SNS:{action}",
        topic_arn,
        {**_keys(call, known), **(context or {})},
        policy=_policy(call, known, topic_arn),
        owner=_owner(topic_arn),
    )


def _owner(arn: str) -> str:
    return arn.split(":", 5)[4] if arns.is_arn(arn) else ""


def _policy(call: Call, known: KnownTopic | None, topic_arn: str) -> Mapping[str, Any] | None:
    if known is None or (known.policy is None and call.principal.kind != "service" and call.principal.account == known.topic.account):
        return None
    return memory.policy_of(known, topic_arn)


def _keys(call: Call, known: KnownTopic | None) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if known is not None and known.topic.tags:
        keys = {f"aws:ResourceTag/{key}": value for key, value in known.topic.tags.items()}
    if call.principal.service in _OWNED_SOURCES:
        keys["aws:SourceOwner"] = call.principal.source_account
    return keys


def _on(action: str, parameter: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    context = _request_tags(params.get("Tags"), params.get("TagKeys"))
    return [_need(call, tx, action, params[parameter], context)]


def _request_tags(tags: list[Mapping[str, str]] | None, keys: list[str] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags or ()}
    if tags or keys:
        found["aws:TagKeys"] = [tag["Key"] for tag in tags or ()] or list(keys or ())
    return found


def _create_topic(call: Call, tx: Tx, params: Params) -> list[Need]:
    arn = names.topic_arn(call.region, call.account, params["Name"])
    context = _request_tags(params.get("Tags"))
    needs = [_need(call, tx, "CreateTopic", arn, context)]
    if params.get("Tags"):
        needs.append(_need(call, tx, "TagResource", arn, context))
    return [*needs, *_passed_roles((params.get("Attributes") or {}).items())]


def _set_topic_attributes(call: Call, tx: Tx, params: Params) -> list[Need]:
    given = [(params["AttributeName"], params.get("AttributeValue", ""))]
    return [_need(call, tx, "SetTopicAttributes", params["TopicArn"]), *_passed_roles(given)]


def _passed_roles(attributes: Any) -> list[Need]:
    """A role that SNS shall use must be one that the caller may pass to it."""
    return [
        Need("iam:PassRole", value, {"iam:PassedToService": "sns.amazonaws.com"})
        for name, value in attributes
        if name.endswith("RoleArn") and arns.is_arn(value)
    ]


async def _publish(call: Call, params: Params) -> Sequence[Need]:
    target = params.get("TopicArn") or params.get("TargetArn")
    if not target:
        return [Need("SNS:Publish", "*")]
    known = await memory.remembered_topic(call.node, target)
    if known is not None and known.policy is None and call.principal.kind == "root" and call.principal.account == known.topic.account:
        return []  # nothing can deny the account's root
    return [_need_on(call, known, "Publish", target)]


def _subscribe(call: Call, tx: Tx, params: Params) -> list[Need]:
    context = {"sns:Protocol": params["Protocol"], "sns:Endpoint": params.get("Endpoint", "")}
    roles = _passed_roles((params.get("Attributes") or {}).items())
    return [_need(call, tx, "Subscribe", params["TopicArn"], context), *roles]


def _confirm(call: Call, tx: Tx, params: Params) -> list[Need]:
    """The token is enough; who signs needs the permission of its own account."""
    return [] if call.principal.kind == "anonymous" else [Need("SNS:ConfirmSubscription", params["TopicArn"])]


def _unsubscribe(call: Call, tx: Tx, params: Params) -> list[Need]:
    return [] if call.principal.kind == "anonymous" else [Need("SNS:Unsubscribe", names.topic_of(params["SubscriptionArn"]) or "*")]


def _on_subscription(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    """Whose it is, the operation looks at: a subscriber has its subscriptions in its own account."""
    return [Need(f"SNS:{action}", names.topic_of(params["SubscriptionArn"]) or "*")]


def _on_arn(action: str, parameter: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    return [Need(f"SNS:{action}", params[parameter], owner=_owner(params[parameter]))]


def _needs() -> dict[str, Needs]:
    return {
        "CreateTopic": _create_topic,
        "SetTopicAttributes": _set_topic_attributes,
        "Subscribe": _subscribe,
        "ConfirmSubscription": _confirm,
        "Unsubscribe": _unsubscribe,
        **{name: partial(_on, name, "TopicArn") for name in _ON_TOPIC},
        **{name: partial(_on, name, "ResourceArn") for name in _ON_RESOURCE},
        **{name: partial(_on_subscription, name) for name in _ON_SUBSCRIPTION},
        **{name: partial(_on_arn, name, "PlatformApplicationArn") for name in _ON_APPLICATION},
        **{name: partial(_on_arn, name, "EndpointArn") for name in _ON_ENDPOINT},
    }


NEEDS = _needs()
REMEMBERED_NEEDS: Mapping[str, RememberedNeeds] = {"Publish": _publish, "PublishBatch": _publish}
