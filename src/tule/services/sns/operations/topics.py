"""Topics.  AWS: SNS API reference, CreateTopic, DeleteTopic, GetTopicAttributes, SetTopicAttributes, ListTopics and on."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.paging import page
from tule.core.tags import to_list, to_map
from tule.lang import json_tokens
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.sns import data_protection, endpoints, errors, names, topic_attributes, topic_policy
from tule.services.sns.listing import PAGE, position
from tule.services.sns.state import archive, fifo, subscriptions, topics
from tule.services.sns.state.topics import Topic
from tule.store.store import Tx

_MAX_TAGS = 50
_MAX_PROTECTION_BYTES = 30_720

Params = dict[str, Any]


def create_topic(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    name, attributes = params["Name"], params.get("Attributes") or {}
    if not names.is_topic_name(name, fifo=attributes.get("FifoTopic") == "true"):
        raise errors.invalid_parameter("Topic Name")
    arn = names.topic_arn(call.region, call.account, name)
    tags = _tags(params.get("Tags") or [])
    topic = topics.get(tx, arn)
    if topic is not None:
        _check_same(topic, attributes, tags, given="Tags" in params)
        return {"TopicArn": arn}
    topic = Topic(arn, topic_attributes.of_creation(attributes), tags, _protection(params.get("DataProtectionPolicy", "")))
    if "ArchivePolicy" in topic.attributes:
        topic.archived_since_ms = tx.now_ms
    topics.insert(tx, topic)
    return {"TopicArn": arn}


def _check_same(topic: Topic, attributes: dict[str, str], tags: dict[str, str], *, given: bool) -> None:
    if not topic_attributes.agree(topic, attributes):
        raise errors.invalid_reason("Attributes", "Topic already exists with different attributes")
    if given and tags != topic.tags:
        raise errors.invalid_reason("Tags", "Topic already exists with different tags")


def delete_topic(call: Call, tx: Tx, params: Params) -> None:
    """Deleting what is not there succeeds."""
    arn = params["TopicArn"]
    names.topic(arn, call.region)
    topics.delete(tx, arn)
    subscriptions.delete_of_topic(tx, arn)
    archive.forget(tx, arn)
    fifo.forget(tx, arn)


@reads
def get_topic_attributes(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"Attributes": topic_attributes.shown(tx, _topic(call, tx, params["TopicArn"]))}


def set_topic_attributes(call: Call, tx: Tx, params: Params) -> None:
    name, value = params["AttributeName"], params.get("AttributeValue", "")
    topic = _topic(call, tx, params["TopicArn"])
    if not topic_attributes.is_settable(name, topic):
        raise errors.invalid_parameter("AttributeName")
    try:
        kept = topic_attributes.kept(name, value)
    except ValueError as error:
        raise errors.invalid_parameter(f"{name}: {error}") from error
    if name == "ArchivePolicy":
        _archive(tx, topic, kept)
    if kept:
        topic.attributes[name] = kept
        _check_subscriptions(tx, topic, name)
    else:
        topic.attributes.pop(name, None)
    topics.update(tx, topic)


def _check_subscriptions(tx: Tx, topic: Topic, name: str) -> None:
    """Large messages only where every subscription takes them."""
    if name == "MaximumMessageSize":
        existing = subscriptions.of_topic(tx, topic.arn)
        for subscription in existing:
            endpoints.check_large(topic, subscription.protocol, len(existing))


def _archive(tx: Tx, topic: Topic, kept: str) -> None:
    """Without its policy a topic loses its archive."""
    if kept and not topic.archived_since_ms:
        topic.archived_since_ms = tx.now_ms
    elif not kept:
        topic.archived_since_ms = 0
        archive.forget(tx, topic.arn)


@reads
def list_topics(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    scope = f"sns.topics/{call.account}/{call.region}"
    after = position(call, scope, params.get("NextToken"))
    rows, more = page(topics.page(tx, call.account, call.region, after, PAGE + 1), PAGE, lambda arn: arn)
    return {"Topics": [{"TopicArn": arn} for arn in rows], "NextToken": more and call.node.pager.token(scope, more)}


def add_permission(call: Call, tx: Tx, params: Params) -> None:
    topic = _topic(call, tx, params["TopicArn"])
    policy = _policy(topic)
    label = params["Label"]
    added = topic_policy.statement(topic.arn, label, params["AWSAccountId"], params["ActionName"])
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise errors.invalid_parameter("Statement already exists")
    policy["Statement"].append(added)
    topic.attributes["Policy"] = topic_policy.text(policy)
    topics.update(tx, topic)


def remove_permission(call: Call, tx: Tx, params: Params) -> None:
    topic = _topic(call, tx, params["TopicArn"])
    policy = _policy(topic)
    policy["Statement"] = [statement for statement in policy["Statement"] if statement.get("Sid") != params["Label"]]
    topic.attributes["Policy"] = topic_policy.text(policy)
    topics.update(tx, topic)


def _policy(topic: Topic) -> topic_policy.Policy:
    text = topic.attributes.get("Policy")
    policy = orjson.loads(text) if text else topic_policy.default(topic.arn)
    if not isinstance(policy["Statement"], list):
        policy["Statement"] = [policy["Statement"]]
    return policy


@reads
def list_tags_for_resource(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"Tags": to_list(_tagged(call, tx, params["ResourceArn"]).tags)}


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    topic = _tagged(call, tx, params["ResourceArn"])
    topic.tags |= _tags(params["Tags"])
    if len(topic.tags) > _MAX_TAGS:
        raise errors.tag_limit()
    topics.update(tx, topic)


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    topic = _tagged(call, tx, params["ResourceArn"])
    for key in params["TagKeys"]:
        topic.tags.pop(key, None)
    topics.update(tx, topic)


def _tags(given: list[dict[str, str]]) -> dict[str, str]:
    tags = to_map(given)
    if len(tags) != len(given):
        raise errors.invalid_parameter("Duplicated keys are not allowed.")
    if len(tags) > _MAX_TAGS:
        raise errors.tag_limit()
    return tags


@reads
def get_data_protection_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"DataProtectionPolicy": _tagged(call, tx, params["ResourceArn"]).data_protection}


def put_data_protection_policy(call: Call, tx: Tx, params: Params) -> None:
    topic = _tagged(call, tx, params["ResourceArn"])
    topic.data_protection = _protection(params["DataProtectionPolicy"])
    topics.update(tx, topic)


def _protection(text: str) -> str:
    """Raises InvalidParameter."""
    wrong = json_tokens.complaint(text) if text else None
    if wrong is not None:
        raise errors.invalid_reason("DataProtectionPolicy", f"failed to parse JSON. {wrong}")
    if len(text.encode()) > _MAX_PROTECTION_BYTES:
        raise errors.invalid_reason("DataProtectionPolicy", f"must be at most {_MAX_PROTECTION_BYTES} bytes long")
    amiss = data_protection.check(orjson.loads(text)) if text else ""
    if amiss:
        raise errors.invalid_reason("DataProtectionPolicy", amiss)
    return text


def _topic(call: Call, tx: Tx, arn: str) -> Topic:
    names.topic(arn, call.region)
    topic = topics.get(tx, arn)
    if topic is None:
        raise errors.no_topic()
    return topic


def _tagged(call: Call, tx: Tx, arn: str) -> Topic:
    names.topic(arn, call.region, "ResourceArn")
    topic = topics.get(tx, arn)
    if topic is None:
        raise errors.resource_not_found()
    return topic
